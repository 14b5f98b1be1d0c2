"""Answers that are not Google's, as a gateway in between gives them with a success, and what they must not be read as."""

from __future__ import annotations

import pytest
from peers import google_refusals as refusals
from peers.google_cloud import PROJECTS

from providers.errors import BadAnswer, Outcome

ONE, OTHER = PROJECTS
PROJECT_ITSELF = {"cloudresourcemanager.projects.search", "cloudresourcemanager.projects.get", "token"}


def test_no_list_is_empty_because_a_gateway_answers_in_its_place(read, google):
    whole = {scope for scope, report in read(project_ids=[ONE]).reports.items() if report.outcome is Outcome.COMPLETE}
    with google.failing(refusals.FOREIGN, lambda call: call.id not in PROJECT_ITSELF):
        sink = read(project_ids=[ONE])

    complete = {scope.resource_type for scope, report in sink.reports.items() if report.outcome is Outcome.COMPLETE}
    assert complete == {"gcp_project"}
    assert len(whole) > 60
    instances = next(report for scope, report in sink.reports.items() if scope.resource_type == "gce_instance")
    assert (instances.outcome, instances.message) == (
        Outcome.ERROR,
        "the answer to 'list instances' is not Google's: it has message; is a proxy in between?",
    )


@pytest.mark.parametrize(
    ("method", "projects", "what"),
    [("cloudresourcemanager.projects.search", None, "search projects"), ("cloudresourcemanager.projects.get", [ONE], "get the project")],
)
def test_no_project_is_out_of_sight_because_a_gateway_answers_in_its_place(read, google, method, projects, what):
    with google.failing(refusals.FOREIGN, method), pytest.raises(BadAnswer, match=f"'{what}' is not Google's"):
        read(project_ids=projects)


def test_a_project_without_a_state_is_not_being_deleted(read, company):
    company.projects[OTHER] |= {"state": "STATE_UNSPECIFIED"}
    reports = read(project_ids=[OTHER]).reports.values()
    assert not [report for report in reports if report.gone]
