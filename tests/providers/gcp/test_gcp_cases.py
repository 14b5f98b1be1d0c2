"""Inputs on which reading Google Cloud went wrong, each with the right answer."""

from __future__ import annotations

import math
import threading

import pytest
from peers import google_refusals as refusals
from peers.google_cloud import PROJECTS, in_project
from peers.google_refusals import Refusal

from providers.attempts import Attempts
from providers.errors import Outcome
from providers.gcp import catalogue
from providers.gcp.catalogue import ALL
from providers.records import Scope

ONE, OTHER = PROJECTS
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


def outcome(sink, sub_type: str, project: str = ONE):
    [report] = [r for scope, r in sink.reports.items() if (scope.account, scope.resource_type) == (project, sub_type)]
    return report


def ids(sink, sub_type: str) -> set[str]:
    return {resource.external_id for _, resource in sink.all() if resource.sub_type == sub_type}


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


# Lists under items


def test_case_gcp_3_keys_are_listed_several_at_once_and_the_accounts_once(read, company, google):
    company.accounts[ONE] = [
        {**company.accounts[ONE][0], "name": f"projects/{ONE}/serviceAccounts/sa{n}@p", "email": f"sa{n}@p"} for n in range(200)
    ]
    google.page = 100
    together = threading.Barrier(8, timeout=60)
    keys = google.items["iam.projects.serviceAccounts.keys.list"]

    def eight_at_once(call):
        if google.asked("iam.projects.serviceAccounts.keys.list").index(call) < 8:
            together.wait()  # which one call after the other would wait for in vain
        return keys(call)

    google.items["iam.projects.serviceAccounts.keys.list"] = eight_at_once
    sink = read(project_ids=[ONE])

    assert (outcome(sink, "gcp_service_account").resources, outcome(sink, "gcp_service_account_key").resources) == (200, 400)
    assert len(google.asked("iam.projects.serviceAccounts.list")) == 2
    assert len(google.asked("iam.projects.serviceAccounts.keys.list")) == 200


def _keys_of(number: int):
    return lambda call: call.id == "iam.projects.serviceAccounts.keys.list" and f"/sa{number}@" in call.path["name"]


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        (refusals.denied("iam.serviceAccountKeys.list"), Outcome.DENIED),
        (refusals.NOT_FOUND, Outcome.UNSUPPORTED),
        (refusals.BROKEN, Outcome.TIMEOUT),
        (refusals.THROTTLED, Outcome.THROTTLED),
        (refusals.CUT, Outcome.TIMEOUT),
    ],
)
def test_a_list_under_one_item_that_fails_leaves_the_items_and_the_other_lists(read, google, refusal, expected):
    with google.failing(refusal, _keys_of(1)):
        sink = read(project_ids=[ONE])
    report = outcome(sink, "gcp_service_account_key")

    assert (report.outcome, report.resources) == (expected, 6)
    assert "1 of 4" in report.message or "does not find it" in report.message
    assert f"sa1@{ONE}" in report.message
    assert (outcome(sink, "gcp_service_account").outcome, outcome(sink, "gcp_service_account").resources) == (Outcome.COMPLETE, 4)


STOPPED = Refusal(400, "invalid", "Invalid request: Invalid request since instance is not running.", "INVALID_ARGUMENT")


def test_a_stopped_database_instance_is_no_failure_and_no_absence(read, google):
    """It shows neither its databases nor its users: those that are known stay, and the run is not partial for ever."""
    with google.failing(STOPPED, "sql.databases.list"), google.failing(STOPPED, "sql.users.list"):
        sink = read(project_ids=[ONE])

    assert outcome(sink, "gcp_sql_instance").outcome is Outcome.COMPLETE
    for sub_type in ("gcp_sql_database", "gcp_sql_user"):
        report = outcome(sink, sub_type)
        assert (report.outcome, report.resources) == (Outcome.UNSUPPORTED, 0)
        assert "what was read while it ran stays" in report.message


@pytest.mark.parametrize(("first", "second"), [(STOPPED, refusals.denied("x")), (refusals.denied("x"), STOPPED)])
def test_what_is_not_offered_under_one_item_does_not_hide_what_is_refused_under_another(read, google, first, second):
    with google.failing(first, _keys_of(1)), google.failing(second, _keys_of(2)):
        report = outcome(read(project_ids=[ONE]), "gcp_service_account_key")

    assert (report.outcome, report.permission) == (Outcome.DENIED, "x")
    assert "2 of 4" in report.message


def test_a_list_under_an_item_that_was_deleted_meanwhile_is_nothing(read, company, google):
    google.page = 10
    keys, accounts = google.items["iam.projects.serviceAccounts.keys.list"], company.accounts[ONE]

    def gone(call):
        if "/sa2@" not in call.path["name"]:
            return keys(call)
        company.accounts[ONE] = [one for one in accounts if "/sa2@" not in one["name"]]
        return None

    google.items["iam.projects.serviceAccounts.keys.list"] = gone
    report = outcome(read(project_ids=[ONE]), "gcp_service_account_key")

    assert (report.outcome, report.resources) == (Outcome.COMPLETE, 6)


def test_lists_that_are_refused_for_item_after_item_are_given_up(read, company, google):
    company.accounts[ONE] = [
        {**company.accounts[ONE][0], "name": f"projects/{ONE}/serviceAccounts/s{n}@p", "email": f"s{n}@p"} for n in range(90)
    ]
    google.page = 100
    with google.failing(refusals.denied("iam.serviceAccountKeys.list"), "iam.projects.serviceAccounts.keys.list"):
        report = outcome(read(project_ids=[ONE]), "gcp_service_account_key")

    assert (report.outcome, report.permission) == (Outcome.DENIED, "iam.serviceAccountKeys.list")
    assert "90 of 90" in report.message
    assert "not asked for any more" in report.message
    assert len(google.asked("iam.projects.serviceAccounts.keys.list")) == 32


def test_locations_that_cannot_be_listed_are_the_trouble_of_what_is_under_them(read, google):
    with google.failing(refusals.denied("run.locations.list"), "run.projects.locations.list"):
        sink = read(project_ids=[ONE])

    for sub_type in ("gcp_run_service", "gcp_run_job"):
        assert (outcome(sink, sub_type).outcome, outcome(sink, sub_type).permission) == (Outcome.DENIED, "run.locations.list")


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
    assert "1 items" in report.message
    assert "a gcp_iam_binding without" in report.message


# Lists


LISTS = pytest.mark.parametrize(
    ("method", "sub_type", "size"),
    [
        ("compute.networks.list", "gcp_network", "maxResults"),
        ("compute.instances.aggregatedList", "gce_instance", "maxResults"),
        ("compute.urlMaps.aggregatedList", "gcp_url_map", "maxResults"),
        ("storage.buckets.list", "gcs_bucket", "maxResults"),
        ("iam.projects.roles.list", "gcp_iam_role", "pageSize"),
        ("spanner.projects.instances.databases.list", "gcp_spanner_database", "pageSize"),
    ],
)


@LISTS
def test_a_list_whose_tokens_expire_is_begun_anew_and_exact(read, google, method, sub_type, size):
    google.page = 1
    whole = ids(read(project_ids=[ONE]), sub_type)
    expired = []

    def expiring(call):
        if call.id == method and "pageToken" in call.query and len(expired) < 2:
            expired.append(call)
            google.expire_page_tokens()
        return False

    with google.failing(refusals.BROKEN, expiring):
        sink = read(project_ids=[ONE])

    assert expired
    assert outcome(sink, sub_type).outcome == Outcome.COMPLETE
    assert ids(sink, sub_type) == whole


@LISTS
def test_a_page_that_is_too_large_is_asked_for_at_half_the_size(read, google, method, sub_type, size):
    whole = ids(read(project_ids=[ONE]), sub_type)
    google.too_large[method] = 130
    before = len(google.calls)
    sink = read(project_ids=[ONE])
    sizes = [int(call.query[size]) for call in google.calls[before:] if call.id == method]

    assert outcome(sink, sub_type).outcome == Outcome.COMPLETE
    assert ids(sink, sub_type) == whole
    assert sizes[0] in (500, 1000)
    assert set(sizes) - {500, 1000} <= {250, 125}
    assert 125 in sizes


@LISTS
def test_a_list_whose_tokens_always_expire_is_an_error_and_not_a_short_list(read, google, method, sub_type, size):
    google.page = 1
    with google.failing(refusals.STALE_PAGE, lambda call: call.id == method and "pageToken" in call.query):
        report = outcome(read(project_ids=[ONE]), sub_type)

    assert report.outcome == Outcome.ERROR
    assert "page token" in report.message


@pytest.mark.parametrize(
    ("method", "sub_type", "extra", "words"),
    [
        ("bigtableadmin.projects.instances.list", "gcp_bigtable_instance", {"failedLocations": ["projects/p/locations/us-east1"]}, "us-east1"),
        ("container.projects.locations.clusters.list", "gke_cluster", {"missingZones": ["us-east1-b"]}, "us-east1-b"),
        ("redis.projects.locations.instances.list", "gcp_redis_instance", {"unreachable": ["locations/us-east1"]}, "us-east1"),
        (
            "sql.instances.list", "gcp_sql_instance",
            {"warnings": [{"code": "REGION_UNREACHABLE", "message": "away", "region": "us-east1"}]}, "us-east1",
        ),
        ("sql.instances.list", "gcp_sql_instance", {"warnings": [{"code": "MAX_RESULTS_EXCEEDS_LIMIT", "message": "cut"}]}, "cut"),
        ("bigquery.datasets.list", "gcp_bigquery_dataset", {"unreachable": ["us-east1"]}, "us-east1"),
    ],
)  # fmt: skip
def test_what_an_answer_says_is_missing_is_told_and_what_came_is_kept(read, google, method, sub_type, extra, words):
    google.extra[method] = extra
    report = outcome(read(project_ids=[ONE]), sub_type)

    assert report.outcome in (Outcome.TIMEOUT, Outcome.ERROR)
    assert report.resources > 0
    assert words in report.message


@pytest.mark.parametrize(
    ("method", "above", "under"),
    [
        ("cloudkms.projects.locations.keyRings.list", "gcp_kms_key_ring", "gcp_kms_key"),
        ("container.projects.locations.clusters.list", "gke_cluster", "gke_node_pool"),
    ],
)
def test_what_is_under_items_that_were_not_listed_is_not_complete(read, google, method, above, under):
    """Else the keys of the rings, which nobody has listed, would be marked as deleted."""
    if method.startswith("container"):
        google.extra[method] = {"missingZones": ["europe-west1-b"]}
        sink = read(project_ids=[ONE])
    else:
        with google.failing(refusals.denied(), lambda call: call.id == method and "europe-west1" in call.path["parent"]):
            sink = read(project_ids=[ONE])

    assert outcome(sink, above).outcome is not Outcome.COMPLETE
    assert outcome(sink, under).outcome is outcome(sink, above).outcome
    assert outcome(sink, under).message == outcome(sink, above).message


# The least role


SECOND = "compute.globalAddresses.list"
"""The permission of the second of the two lists of addresses."""


ABOVE_PROJECTS = {f"resourcemanager.{above}.{verb}" for above in ("organizations", "folders") for verb in ("get", "list", "getIamPolicy")}
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


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_a_permission_less_is_a_denied_scope_that_names_it(read, google, level):
    """All permissions of lists that do not wait for each other are taken away at once: each is named by a scope of its own."""
    role = set(catalogue.policy()["includedPermissions"])
    taken = {name for name in role if _level(name) == level} - {"resourcemanager.projects.get", SECOND} - ABOVE_PROJECTS
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


def test_projects_are_planned_in_the_order_of_their_last_attempt(opened):
    source = opened(project_ids=None, parallel_projects=8)
    source.attempts = Attempts([Scope("gcp", OTHER, "", "gce_disk"), Scope("gcp", ONE, "", "gce_disk")])
    planned = [read.scopes[0].account for read in source.plan()]

    assert list(dict.fromkeys(planned)) == [OTHER, ONE]
