"""Answers that somebody between us and Google has given say nothing of what a customer has."""

from __future__ import annotations

from peers import google_refusals as refusals
from peers.google_customer import group

from providers.errors import Outcome


def test_case_dir_10_a_group_whose_404_is_a_proxys_is_not_gone(google, customer, read):
    """Neither its members nor the group itself could be asked for: it stays, and what is known of its members."""
    customer.groups.append(group("late"))  # without members in the fake: Google's own 404
    with google.failing(refusals.BY_A_PROXY, "directory.groups.get"):
        found = read()
    [groups] = [report for scope, report in found.reports.items() if scope.resource_type == "google_group"]
    assert (groups.outcome, groups.resources) == (Outcome.COMPLETE, 8)
    assert "something that is not Google Workspace" in groups.message
    assert "g-late" in {one.external_id for some in found.found.values() for one in some if one.links_partial}


def test_case_dir_10_a_list_that_a_proxy_answers_with_404_is_an_error(google, customer, read):
    with google.failing(refusals.BY_A_PROXY, "directory.roles.list"):
        reports = {scope.resource_type: report for scope, report in read().reports.items()}
    assert reports["google_admin_role"].outcome is Outcome.ERROR
    assert reports["google_user"].outcome is Outcome.COMPLETE
