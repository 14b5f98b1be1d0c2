"""Lists of Google Cloud that are read under each item of another list: keys, databases, zones. Case gcp-3."""

from __future__ import annotations

import threading

import pytest
from gcp_outcomes import ONE, outcome
from peers import google_refusals as refusals
from peers.google_refusals import Refusal

from providers.errors import Outcome


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


def test_nothing_is_taken_for_deleted_by_a_second_list_that_is_not_whole(read, google):
    """A Spanner instance that Google cannot reach is in no list, and its databases are not found: that is not to say that it is deleted."""
    google.page = 10
    instances, databases = (google.items[f"spanner.projects.{name}.list"] for name in ("instances", "instances.databases"))
    away = []

    def not_found(call):
        if away and call.path["parent"] != away[0]:
            return databases(call)
        away.append(call.path["parent"])
        google.items["spanner.projects.instances.list"] = lambda call: [one for one in instances(call) if one["name"] != away[0]]
        google.extra["spanner.projects.instances.list"] = {"unreachable": [away[0]]}
        return None

    google.items["spanner.projects.instances.databases.list"] = not_found
    sink = read(project_ids=[ONE])
    report = outcome(sink, "gcp_spanner_database")

    assert outcome(sink, "gcp_spanner_instance").outcome is Outcome.COMPLETE
    assert report.outcome is Outcome.UNSUPPORTED
    assert "whether it is deleted is not known: Google could not reach" in report.message


def test_a_list_two_levels_down_that_is_not_found_is_no_absence(read, google):
    """The second list is that of the locations: it does not tell whether a key ring in one of them is there."""
    with google.failing(refusals.NOT_FOUND, "cloudkms.projects.locations.keyRings.cryptoKeys.list"):
        sink = read(project_ids=[ONE])
    report = outcome(sink, "gcp_kms_key")

    assert outcome(sink, "gcp_kms_key_ring").outcome is Outcome.COMPLETE
    assert (report.outcome, report.resources) == (Outcome.UNSUPPORTED, 0)


def test_a_dataset_whose_access_list_may_not_be_seen_has_not_lost_its_bindings(read, google):
    """BigQuery has a permission of its own for access lists, and shows the dataset without them to whom that is not granted."""
    shown = google.items["bigquery.datasets.get"]
    google.items["bigquery.datasets.get"] = lambda call: (
        {"kind": "bigquery#dataset", "etag": "x"} if call.path["datasetId"].endswith("1") else shown(call)
    )
    sink = read(project_ids=[ONE])
    report = outcome(sink, "gcp_bigquery_dataset_binding")

    assert (report.outcome, report.permission) == (Outcome.DENIED, "bigquery.datasets.getIamPolicy")
    assert report.resources > 0 and report.permission in report.message
    assert {call.query["datasetView"] for call in google.asked("bigquery.datasets.get")} == {"ACL"}


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


def test_models_are_listed_at_the_host_of_their_location_and_linked_from_their_endpoints(read, company, google):
    """A call to a wrong host fails, as the contract server refuses it."""
    company.enabled = ["serviceusage", "aiplatform"]
    name = f"projects/{ONE}/locations/{{}}/{{}}/7"
    google.items |= {
        "aiplatform.projects.locations.list": [{"name": f"projects/{ONE}/locations/{place}"} for place in ("europe-west4", "eu", "global")],
        "aiplatform.projects.locations.models.list": lambda call: (
            [{"name": name.format("europe-west4", "models"), "displayName": "prices"}] if "west4" in call.path["parent"] else []
        ),
        "aiplatform.projects.locations.endpoints.list": lambda call: [
            {
                "name": f"{call.path['parent']}/endpoints/7",
                "displayName": "shop",
                "labels": {"team": "ml"},
                "deployedModels": [{"model": f"{name.format('europe-west4', 'models')}@2", "status": {"availableReplicaCount": 1}}],
            }
        ],
    }
    sink = read(project_ids=[ONE])

    hosts = {call.headers["x-forwarded-host"] for call in google.asked("aiplatform.projects.locations.endpoints.list")}
    assert hosts == {"europe-west4-aiplatform.googleapis.com", "aiplatform.eu.rep.googleapis.com", "aiplatform.googleapis.com"}
    [model] = [resource for _, resource in sink.all() if resource.sub_type == "gcp_vertex_model"]
    endpoints = {resource.region: resource for _, resource in sink.all() if resource.sub_type == "gcp_vertex_endpoint"}
    assert set(endpoints) == {"europe-west4", "eu", ""}
    assert {link.target for one in endpoints.values() for link in one.links if link.type == "serves"} == {model.external_id}
    assert endpoints["eu"].tags == {"team": "ml"} and "availableReplicaCount" not in str(endpoints["eu"].attributes)


@pytest.mark.parametrize("place", ["evil.example", "a b", ""])
def test_a_location_that_would_name_another_host_is_not_asked(read, company, google, place):
    company.enabled = ["serviceusage", "aiplatform"]
    google.items["aiplatform.projects.locations.list"] = [
        {"name": f"projects/{ONE}/locations/{place}"},
        {"name": f"projects/{ONE}/locations/europe-west4"},
    ]
    google.items["aiplatform.projects.locations.models.list"] = lambda call: [{"name": f"{call.path['parent']}/models/7"}]
    found = outcome(read(project_ids=[ONE]), "gcp_vertex_model")

    assert found.outcome is not Outcome.COMPLETE and "has no name of a location" in found.message
