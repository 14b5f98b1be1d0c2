"""The role that is shipped for Google Cloud: it suffices, and a permission less is a denied scope that names it."""

from __future__ import annotations

import pytest
from gcp_outcomes import ONE, outcome
from peers.google_cloud import PROJECTS

from providers import registry
from providers.errors import Outcome
from providers.gcp import catalogue
from providers.gcp.catalogue import ALL
from providers.gcp.config import GcpOperator
from providers.gcp.declaration import LIST_ASSETS

SECOND = "compute.globalAddresses.list"
"""The permission of the second of the two lists of addresses."""
ABOVE_PROJECTS = {f"resourcemanager.{above}.{verb}" for above in ("organizations", "folders") for verb in ("get", "list", "getIamPolicy")}
ABOVE_PROJECTS.add("billing.accounts.list")
"""Permissions that a job takes that reads an organization or folders: `tests/providers/gcp/test_gcp_hierarchy.py`."""


def _level(permission: str) -> int:
    """How many lists must be read before the one that takes this permission."""

    def depth(kind) -> int:
        return 0 if not kind.under else 1 + depth(catalogue.kind(kind.under))

    return min((depth(kind) for kind in ALL if permission in kind.permissions and not kind.is_inline), default=0)


def test_the_role_of_the_policy_is_enough(read, google):
    google.permissions = set(catalogue.policy()["includedPermissions"])
    sink = read(project_ids=None)

    assert {scope.account for scope in sink.reports} == set(PROJECTS)
    assert {report.outcome for report in sink.reports.values()} == {Outcome.COMPLETE}


def _role_for(**config) -> set[str]:
    return set(registry.get("gcp").policy_for(config, GcpOperator())["includedPermissions"])


def test_the_role_of_a_job_that_names_projects_is_one_that_a_project_can_have_and_is_enough(read, google):
    """Google refuses a project's role that has permissions of folders or organizations."""
    google.permissions = _role_for(project_ids=[ONE])
    sink = read(project_ids=[ONE])

    assert {report.outcome for report in sink.reports.values()} == {Outcome.COMPLETE}
    assert set(catalogue.policy()["includedPermissions"]) - google.permissions == {
        *(f"resourcemanager.{above}.{verb}" for above in ("folders", "organizations") for verb in ("get", "getIamPolicy")),
        "resourcemanager.folders.list",
        "billing.accounts.list",
        LIST_ASSETS,
    }


@pytest.mark.parametrize("above", [{"organization_id": "7"}, {"folder_ids": ["42"]}])
def test_the_role_of_a_job_over_an_organization_or_folders_has_what_they_take(above):
    whole = set(catalogue.policy()["includedPermissions"])

    assert _role_for(**above) == whole - {LIST_ASSETS}
    assert _role_for(**above, feed="auto") == whole


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_a_permission_less_is_a_denied_scope_that_names_it(read, google, level):
    """All permissions of lists that do not wait for each other are taken away at once: each is named by a scope of its own."""
    role = set(catalogue.policy()["includedPermissions"])
    taken = {name for name in role if _level(name) == level} - {"resourcemanager.projects.get", SECOND, LIST_ASSETS} - ABOVE_PROJECTS
    google.permissions = role - taken
    sink = read(project_ids=[ONE])

    denied = {report.permission for report in sink.reports.values() if report.outcome is Outcome.DENIED}
    assert taken
    assert denied == taken
    assert all(report.permission in report.message for report in sink.reports.values() if report.permission)


def test_the_second_list_of_a_type_is_no_less_needed_than_the_first(read, google):
    google.permissions = set(catalogue.policy()["includedPermissions"]) - {SECOND}
    report = outcome(read(project_ids=[ONE]), "gcp_address")

    assert (report.outcome, report.permission) == (Outcome.DENIED, SECOND)


def test_without_the_first_permission_of_all_no_project_is_visible(read, google):
    google.permissions = set(catalogue.policy()["includedPermissions"]) - {"resourcemanager.projects.get"}
    with pytest.raises(Exception, match=r"resourcemanager\.projects\.get"):
        read(project_ids=None)
