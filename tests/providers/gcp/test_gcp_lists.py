"""Lists of Google Cloud: tokens that expire, pages that are too large, and what an answer says is missing."""

from __future__ import annotations

import pytest
from gcp_outcomes import ONE, ids, outcome
from peers import google_refusals as refusals

from providers.errors import Outcome

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
