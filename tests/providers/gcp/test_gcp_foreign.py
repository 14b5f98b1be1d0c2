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


@pytest.mark.parametrize(
    ("method", "sub_type", "page"),
    [
        ("compute.instances.aggregatedList", "gce_instance", b'{"kind": "k", "items": []}'),
        ("compute.instances.aggregatedList", "gce_instance", b'{"kind": "k", "items": {"zones/a": {"instances": {}}}}'),
        ("compute.instanceTemplates.aggregatedList", "gce_instance_template", b'{"kind": "k", "items": []}'),
        ("compute.instanceTemplates.aggregatedList", "gce_instance_template", b'{"kind": "k", "items": {"global": []}}'),
        ("compute.instanceTemplates.aggregatedList", "gce_instance_template", b'{"items": {"global": {"instanceTemplates": ""}}}'),
        ("storage.buckets.list", "gcs_bucket", b'{"kind": "k", "items": {}}'),
        ("iam.projects.serviceAccounts.list", "gcp_service_account", b'{"accounts": ""}'),
        ("iam.projects.serviceAccounts.list", "gcp_service_account", b'{"accounts": [null]}'),
        ("cloudresourcemanager.projects.getIamPolicy", "gcp_iam_binding", b'{"etag": "x", "bindings": {}}'),
    ],
)
def test_what_is_no_list_is_not_an_empty_one(read, google, method, sub_type, page):
    with google.failing(refusals.Refusal(200, page=page), method):
        sink = read(project_ids=[ONE])

    [report] = [report for scope, report in sink.reports.items() if scope.resource_type == sub_type]
    assert (report.outcome, report.resources) == (Outcome.ERROR, 0)


@pytest.mark.parametrize("page", [b'{"projects": {}}', b'{"projects": [null]}'])
def test_no_project_is_out_of_sight_because_what_is_answered_is_no_list(read, google, page):
    with (
        google.failing(refusals.Refusal(200, page=page), "cloudresourcemanager.projects.search"),
        pytest.raises(BadAnswer, match="projects"),
    ):
        read(project_ids=None)


def test_a_project_without_a_state_is_not_being_deleted(read, company):
    company.projects[OTHER] |= {"state": "STATE_UNSPECIFIED"}
    reports = read(project_ids=[OTHER]).reports.values()
    assert not [report for report in reports if report.gone]
