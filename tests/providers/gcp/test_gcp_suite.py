"""The inherited suite over the contract server, with every fault, in one list of one of two projects."""

from __future__ import annotations

import contextlib

import pytest
from gcp_population import moved, populate
from peers import google_refusals as refusals
from peers.google_cloud import PROJECTS, in_project
from stored_suite import StoredSuite

from providers.gcp.catalogue import resource_types
from providers.testing import Fault

_REFUSALS = {
    Fault.DENIED: refusals.denied("compute.disks.list"),
    Fault.CUT: refusals.CUT,
    Fault.THROTTLED: refusals.throttled("rateLimitExceeded"),
    Fault.EMPTY: refusals.EMPTY,
}


class TestGcp(StoredSuite):
    provider = "gcp"
    expected = {kind.sub_type for kind in resource_types()} - {
        "gcp_organization",
        "gcp_folder",
        "gcp_billing_account",
    }  # these: test_gcp_hierarchy

    @pytest.fixture(autouse=True)
    def peer(self, company, no_waiting):
        self.company = company
        self.google, self.operator, self.config = company.google, company.operator, company.config()
        key = self.config["credentials_json"]
        self.secrets = (key["private_key"], key["private_key_id"])

    def move(self, time):
        """Two items of each type, in which every field that moves has another value in each answer."""
        populate(self.company, 2, moved())

    @contextlib.contextmanager
    def inject(self, fault):
        if fault is Fault.WRONG_CREDENTIALS:
            with self.google.failing(refusals.INVALID_GRANT, "token"):
                yield lambda scope: True
        elif fault is Fault.EXPIRED:
            with self.google.failing(refusals.EXPIRED, lambda call: call.id != "token"):
                yield lambda scope: True
        else:
            with self.google.failing(_REFUSALS[fault], in_project(PROJECTS[1], "compute.disks.aggregatedList")):
                yield lambda scope: (scope.account, scope.resource_type) == (PROJECTS[1], "gce_disk")
