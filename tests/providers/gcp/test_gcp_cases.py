"""Inputs on which reading Google Cloud went wrong, each with the right answer."""

from __future__ import annotations

import math

import pytest
from gcp_outcomes import ONE, OTHER, outcome
from peers import google_refusals as refusals
from peers.google_cloud import in_project
from peers.google_refusals import Refusal

from providers.attempts import Attempts
from providers.errors import Outcome
from providers.gcp.source import _enabled
from providers.records import Incomplete, Resource, Scope

SQL = ("gcp_sql_instance", "gcp_sql_database", "gcp_sql_user")
UID = "eYhDkfYCu-dOCjuj8X4Am9"
PERIMETER = Refusal(
    403, "", f"Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: {UID}", "PERMISSION_DENIED",
    (
        {"@type": "type.googleapis.com/google.rpc.PreconditionFailure", "violations": [{"type": "VPC_SERVICE_CONTROLS", "description": UID}]},
        *refusals.info("SECURITY_POLICY_VIOLATED", consumer="projects/1000"),
    ),
)  # fmt: skip
BILLING = Refusal(
    403, "", "This API method requires billing to be enabled.", "PERMISSION_DENIED",
    refusals.info("BILLING_DISABLED", consumer="projects/1000"),
)  # fmt: skip


# Refusals


@pytest.mark.parametrize(
    ("refusal", "expected", "words"),
    [(PERIMETER, Outcome.DENIED, UID), (BILLING, Outcome.UNSUPPORTED, "link an open billing account")],
)
@pytest.mark.parametrize(
    ("method", "sub_type"),
    [
        ("compute.disks.aggregatedList", "gce_disk"),
        ("storage.buckets.list", "gcs_bucket"),
        ("sql.instances.list", "gcp_sql_instance"),
        ("cloudresourcemanager.projects.getIamPolicy", "gcp_iam_binding"),
    ],
)
def test_case_gcp_1_a_refusal_in_a_run_is_told_by_its_cause_and_advises_no_role(read, google, refusal, expected, words, method, sub_type):
    with google.failing(refusal, in_project(ONE, method)):
        sink = read()
    report = outcome(sink, sub_type)

    assert (report.outcome, report.permission) == (expected, "")
    assert words in report.message
    assert "is missing" not in report.message
    assert outcome(sink, sub_type, OTHER).outcome == Outcome.COMPLETE


# Projects


def _more_projects(company, names) -> None:
    for number, name in enumerate(names):
        company.projects[name] = {**company.projects[ONE], "projectId": name, "name": f"projects/77{number}"}
    for table in (company.accounts, company.policy):
        table.update(dict.fromkeys(names, table[ONE]))


def test_case_gcp_2_projects_of_apps_script_are_left_out_and_cost_no_call(read, company, google):
    scripts = [f"sys-{number:026}" for number in range(60)]
    _more_projects(company, [*scripts, "sys-admin-tools"])
    sink = read(project_ids=None, parallel_projects=4)

    assert {scope.account for scope in sink.reports} == {ONE, OTHER, "sys-admin-tools"}
    assert not [call for call in google.calls if "sys-0" in str(call.path) + str(call.query)]


def test_case_gcp_2_globs_leave_projects_out_and_a_named_project_is_read_all_the_same(read, company):
    script = f"sys-{7:026}"
    _more_projects(company, [script, "test-one-1", "test-two-2"])

    assert {scope.account for scope in read(project_ids=None, exclude_projects=["test-*", "*-456"]).reports} == {ONE}
    named = read(project_ids=[script, "test-one-1"], exclude_projects=["test-*"])
    assert {scope.account for scope in named.reports} == {script, "test-one-1"}


def test_a_project_that_is_being_deleted_is_told_where_projects_are_searched_for_too(read, company):
    company.projects[OTHER] |= {"state": "DELETE_REQUESTED"}
    report = outcome(read(project_ids=None), "gcp_project", OTHER)

    assert (report.outcome, report.gone) == (Outcome.COMPLETE, True)
    assert "is being deleted (DELETE_REQUESTED)" in report.message


# Enabled services


def test_an_api_that_is_not_enabled_is_unsupported_told_once_and_costs_no_call(read, company, google):
    company.enabled = [name for name in company.enabled if name not in ("dns", "run", "sqladmin")]
    sink = read(project_ids=[ONE])
    off = {scope.resource_type: report for scope, report in sink.reports.items() if report.outcome is not Outcome.COMPLETE}

    assert set(off) == {"gcp_dns_zone", "gcp_dns_record_set", "gcp_run_service", "gcp_run_job", *SQL}
    [sentence] = {report.message for report in off.values()}
    assert all(f"{name}.googleapis.com" in sentence for name in ("dns", "run", "sqladmin"))
    assert f"project {ONE}" in sentence
    assert {report.outcome for report in off.values()} == {Outcome.UNSUPPORTED}
    assert not [call.id for call in google.calls if call.id.startswith(("dns.", "run.", "sql."))]
    assert len(google.asked("serviceusage.services.list")) == math.ceil(len(company.enabled) / 3), "the services are listed once"


@pytest.mark.parametrize("refusal", [refusals.denied("serviceusage.services.list"), refusals.disabled("serviceusage.googleapis.com")])
def test_where_the_services_cannot_be_listed_every_list_is_asked_for(read, google, refusal):
    with google.failing(refusal, "serviceusage.services.list"):
        sink = read(project_ids=[ONE])

    assert [scope.resource_type for scope, report in sink.reports.items() if report.outcome is not Outcome.COMPLETE] == ["gcp_service"]
    assert outcome(sink, "gcp_sql_instance").resources > 0


def test_no_enabled_services_at_all_are_not_believed(read, company):
    company.enabled = []

    assert outcome(read(project_ids=[ONE]), "gcp_sql_instance").resources > 0


# Items


@pytest.mark.parametrize(
    ("method", "sub_type", "bad"),
    [
        ("pubsub.projects.topics.list", "gcp_pubsub_topic", {"kmsKeyName": "k"}),
        ("iam.projects.serviceAccounts.list", "gcp_service_account", {"displayName": "no address"}),
        ("compute.networks.list", "gcp_network", {"name": "no-link"}),
        ("storage.buckets.list", "gcs_bucket", {"location": "EU"}),
    ],
)
def test_an_item_without_an_id_is_left_out_counted_and_named_and_the_others_are_read(read, google, method, sub_type, bad):
    usual = google.items[method]
    google.items[method] = lambda call: [bad, *usual(call), {key: f"{value}2" for key, value in bad.items()}]
    report = outcome(read(project_ids=[ONE]), sub_type)

    assert report.outcome == Outcome.ERROR
    assert report.resources >= 2
    assert "2 items" in report.message
    assert f"a {sub_type} without" in report.message
    assert bad.get("name", bad.get("displayName", "")) in report.message


def test_a_binding_without_a_role_is_left_out_and_told(read, company):
    company.policy[ONE]["bindings"].append({"members": ["user:alice@example.com"]})
    report = outcome(read(project_ids=[ONE]), "gcp_iam_binding")

    assert (report.outcome, report.resources) == (Outcome.ERROR, 4)
    assert "1 item " in report.message
    assert "a gcp_iam_binding without" in report.message


def test_projects_are_planned_in_the_order_of_their_last_attempt(opened):
    source = opened(project_ids=None, parallel_projects=8)
    source.attempts = Attempts([Scope("gcp", OTHER, "", "gce_disk"), Scope("gcp", ONE, "", "gce_disk")])
    planned = [read.scopes[0].account for read in source.plan()]

    assert list(dict.fromkeys(planned)) == [OTHER, ONE]


def test_a_list_of_services_that_is_not_whole_says_of_no_api_that_it_is_off():
    service = Resource("//s", "service", "gcp_service", "compute.googleapis.com", {})
    assert "compute.googleapis.com" in _enabled([service])
    assert not _enabled([service, Incomplete("gcp_service", Outcome.TIMEOUT, "no")])
