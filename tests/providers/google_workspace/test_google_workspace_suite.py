"""The inherited suite over the contract server, with every fault."""

from __future__ import annotations

import contextlib
import itertools

import pytest
import volatile
from peers import google_refusals as refusals
from peers.google_customer import ADMIN
from stored_suite import StoredSuite

from providers.testing import Fault

_REFUSALS = {
    Fault.DENIED: refusals.denied(),
    Fault.CUT: refusals.CUT,
    Fault.THROTTLED: refusals.throttled("quotaExceeded"),
    Fault.EMPTY: refusals.EMPTY,
}


class TestGoogleWorkspace(StoredSuite):
    provider = "google_workspace"
    expected = {"google_ou", "google_user", "google_group", "google_admin_role", "google_role_assignment", "google_domain"}

    @pytest.fixture(autouse=True)
    def peer(self, google, customer):
        self.customer, self.google, self.operator = customer, google, google.operator
        key = google.key()
        self.config = {"admin_email": ADMIN, "credentials": key, "customer_id": "my_customer"}
        self.secrets = (key["private_key"], key["private_key_id"])

    def move(self, time):
        members = list(itertools.chain.from_iterable(self.customer.members.values()))
        volatile.move("google_workspace", {**vars(self.customer), "members": members}, time)
        for found in (self.customer.users, self.customer.groups, self.customer.roles, *self.customer.members.values()):
            found.reverse()

    @contextlib.contextmanager
    def inject(self, fault):
        if fault is Fault.WRONG_CREDENTIALS:
            with self.google.failing(refusals.INVALID_GRANT, "token"):
                yield lambda scope: True
        elif fault is Fault.EXPIRED:
            with self.google.failing(refusals.EXPIRED, lambda call: call.id != "token"):
                yield lambda scope: True
        else:
            with self.google.failing(_REFUSALS[fault], "directory.roles.list"):
                yield lambda scope: scope.resource_type == "google_admin_role"
