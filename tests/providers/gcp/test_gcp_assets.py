"""The list of Cloud Asset Inventory: its moment, its pages, its log line, and what makes its answer no list."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from gcp_assets import METHOD, Inventory
from gcp_description import documented, documented_maximum
from peers.google_cloud import PROJECTS

from providers.errors import Outcome
from providers.gcp import assets, catalogue
from providers.gcp.declaration import ASSETS, LIST_ASSETS

ONE = PROJECTS[0]
CHOICE = {"feed": "assets", "project_ids": [ONE]}


@pytest.fixture
def inventory(company) -> Inventory:
    """The assets of a company that has topics and subscriptions of Pub/Sub."""
    company.enabled = ["serviceusage", "pubsub"]
    return Inventory(company)


def topics(sink):
    return sink.report("gcp_pubsub_topic")


def test_every_page_is_asked_for_at_one_moment_that_is_not_to_come(read, inventory, google):
    google.page = 1
    begun = datetime.now(UTC)
    assert topics(read(**CHOICE)).outcome is Outcome.COMPLETE

    calls = google.asked(METHOD)
    [moment] = {call.query["readTime"] for call in calls}
    asked = datetime.strptime(moment, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert len(calls) == 4
    assert begun - assets.BEFORE_NOW - timedelta(seconds=1) <= asked <= datetime.now(UTC) - assets.BEFORE_NOW


@pytest.mark.parametrize(("ahead", "outcome"), [(50, Outcome.COMPLETE), (3600, Outcome.ERROR)])
def test_a_clock_that_is_a_little_ahead_does_no_harm_and_one_that_is_far_ahead_is_an_error(read, inventory, ahead, outcome):
    inventory.now = lambda: datetime.now(UTC) - timedelta(seconds=ahead)
    report = topics(read(**CHOICE))

    assert report.outcome is outcome
    assert outcome is Outcome.COMPLETE or "is to come" in report.message


def test_pages_of_two_moments_are_no_list(read, inventory, google):
    google.page = 1
    google.each_page[METHOD] = lambda call: {"readTime": f"2024-01-0{1 + ('pageToken' in call.query)}T00:00:00Z"}
    report = topics(read(**CHOICE))

    assert report.outcome is Outcome.ERROR
    assert "pages of two moments (2024-01-01T00:00:00Z and 2024-01-02T00:00:00Z)" in report.message


def test_an_answer_with_nothing_in_it_is_not_googles(read, inventory, google):
    """Google's own has the time of the snapshot whatever there is: an empty object is not a proof that nothing is."""
    google.items[METHOD] = {}
    report = topics(read(**CHOICE))

    assert report.outcome is Outcome.ERROR
    assert "without the time of its snapshot" in report.message


def test_pages_that_lead_in_a_circle_are_no_list(read, inventory, google):
    made = inventory.listed

    def the_same(call):
        return {"assets": made(call)[:1], "nextPageToken": "again", "readTime": call.query["readTime"]}

    google.items[METHOD] = the_same
    report = topics(read(**CHOICE))

    assert report.outcome is Outcome.ERROR
    assert "lead in a circle" in report.message


@pytest.mark.parametrize("asset", [{"name": "//pubsub.googleapis.com/projects/p/topics/t"}, {"assetType": ""}])
def test_an_asset_without_a_type_makes_the_list_an_error(read, inventory, google, asset):
    google.items[METHOD] = [asset]
    report = topics(read(**CHOICE))

    assert report.outcome is Outcome.ERROR
    assert "an asset that has no type" in report.message


def test_assets_of_a_type_that_was_not_asked_for_are_not_read(read, inventory, google):
    google.items[METHOD] = [{"name": "//compute.googleapis.com/x", "assetType": "compute.googleapis.com/Disk"}]
    sink = read(**CHOICE)

    assert (topics(sink).outcome, topics(sink).resources) == (Outcome.COMPLETE, 0)
    assert sink.report("gcp_pubsub_subscription").outcome is Outcome.COMPLETE


def test_the_moment_of_the_snapshot_is_logged(read, inventory, log_lines):
    read(**CHOICE)

    [line] = [one for one in log_lines if one["event"] == "read from Cloud Asset Inventory"]
    assert (line["project"], line["types"], line["assets"]) == (ONE, 2, 4)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", line["read_time"])


def test_the_moment_of_the_snapshot_is_reported_of_each_type_that_was_read_from_it(read, inventory, google):
    google.each_page[METHOD] = lambda call: {"readTime": "2024-01-01T01:30:00.123456789+01:30"}
    sink = read(**CHOICE)

    moments = {report.scope.resource_type: report.as_of for report in sink.reports.values()}
    taken = datetime(2024, 1, 1, 0, 0, 0, 123456, UTC)
    fed = {"gcp_pubsub_topic", "gcp_pubsub_subscription"}
    assert {name for name, moment in moments.items() if moment} == fed
    assert {moments[name] for name in fed} == {taken}


@pytest.mark.parametrize("moment", ["", "now", "2024-13-01T00:00:00Z"])
def test_an_answer_without_a_time_of_its_snapshot_is_none(read, inventory, google, moment):
    google.each_page[METHOD] = lambda call: {"readTime": moment}
    report = topics(read(**CHOICE))

    assert report.outcome is Outcome.ERROR
    assert "without the time of its snapshot" in report.message
    assert report.as_of is None


def test_the_size_of_a_page_is_the_largest_that_google_documents_or_the_jobs(read, inventory, google):
    method = documented(METHOD)
    assert documented_maximum(method) == assets.LARGEST
    assert (method.service, method.size_parameter) == (ASSETS, "pageSize")
    for page_size, asked in ((None, "1000"), (20, "20")):
        google.calls.clear()
        read(page_size=page_size, **CHOICE)
        assert {call.query["pageSize"] for call in google.asked(METHOD)} == {asked}


def test_the_printed_role_has_the_permission_and_no_more_is_needed(read, inventory, google):
    google.permissions = set(catalogue.policy()["includedPermissions"])
    assert LIST_ASSETS in google.permissions
    assert topics(read(**CHOICE)).outcome is Outcome.COMPLETE

    google.permissions.discard(LIST_ASSETS)
    report = topics(read(**CHOICE))
    assert (report.outcome, report.permission) == (Outcome.DENIED, LIST_ASSETS)
    assert topics(read(feed="lists", project_ids=[ONE])).outcome is Outcome.COMPLETE
