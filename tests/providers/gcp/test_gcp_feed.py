"""Cloud Asset Inventory as a second feed of the same types: the same scopes, ids, attributes and links, whichever of the two is read."""

from __future__ import annotations

import pytest
from gcp_assets import METHOD, Inventory, fed
from gcp_description import item_schema
from gcp_population import moved, populate
from peers import google_refusals as refusals
from peers.google_cloud import PROJECTS, in_project
from peers.google_refusals import Refusal
from store_runs import Run, add_job

from providers.errors import Outcome
from providers.gcp import catalogue
from providers.gcp.declaration import LIST_ASSETS
from worker.store.tombstones import LAG

ONE, OTHER = PROJECTS
FED = {kind.sub_type for kind in fed()}
IN_ONE_LIST = {kind.sub_type for kind in fed() if not any(one.address for one in catalogue.children(kind.sub_type))}
"""Types of which nothing is listed under an item: one list of assets has all of them."""

PERIMETER = Refusal(
    403,
    "",
    "Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: x",
    "PERMISSION_DENIED",
    refusals.info("SECURITY_POLICY_VIOLATED", consumer="projects/1000"),
)


@pytest.fixture
def inventory(company) -> Inventory:
    """The assets of the company, whose other APIs are not enabled, so that little else is read."""
    company.enabled = sorted({"serviceusage", *(host.partition(".")[0] for kind in fed() for host in catalogue.services(kind.sub_type))})
    company.google.page = 50
    return Inventory(company)


def scopes(sink) -> dict:
    return {scope: (report.outcome, report.resources) for scope, report in sink.reports.items()}


def test_both_feeds_have_the_same_scopes_and_the_same_bytes_of_every_type(read, inventory, google):
    every_api = sorted({kind.service.partition(".")[0] for kind in catalogue.ALL})
    inventory.company.enabled = every_api
    lists, assets = read(feed="lists"), read(feed="assets")

    assert scopes(lists) == scopes(assets)
    assert {outcome for outcome, _ in scopes(assets).values()} == {Outcome.COMPLETE}
    read_from_assets = {scope.resource_type for scope in assets.found if assets.found[scope]} & FED
    assert read_from_assets == FED, "a type that has nothing here proves nothing"
    apart = {scope: lists.differences(assets, scope) for scope in lists.found if lists.canonical(scope) != assets.canonical(scope)}
    assert apart == {}
    assert lists.tree == assets.tree


def test_the_types_of_the_feed_are_asked_of_it_alone_and_page_by_page(read, inventory, google):
    google.page = 3
    read(feed="assets", project_ids=[ONE])
    calls = google.asked(METHOD)

    assert {call.query["pageSize"] for call in calls} == {"1000"}
    assert {call.query["contentType"] for call in calls} == {"RESOURCE"}
    assert len({call.query["readTime"] for call in calls}) <= 2, "one moment for each list"
    assert {len(call.query["assetTypes"]) for call in calls} == {1, len(IN_ONE_LIST)}, "key rings have keys under them"
    assert len(calls) > len(IN_ONE_LIST) // 3 + 1, "three assets a page"
    below = {"gcp_composer_region", "gcp_kms_location", "gcp_artifact_location", "gcp_scheduler_location", "gcp_tasks_location"}
    methods = {kind.method for kind in fed()} | {catalogue.kind(one).method for one in below if one != "gcp_composer_region"}
    assert not [method for method in methods if google.asked(method)]


@pytest.mark.parametrize(
    ("feed", "scope", "asked"),
    [
        (None, {"project_ids": [ONE]}, False),
        (None, {"project_ids": None, "folder_ids": ["42"]}, False),
        ("lists", {"project_ids": None, "folder_ids": ["42"]}, False),
        ("auto", {"project_ids": [ONE]}, False),
        ("auto", {"project_ids": None, "folder_ids": ["42"]}, True),
        ("auto", {"project_ids": None, "organization_id": "7"}, True),
        ("assets", {"project_ids": [ONE]}, True),
    ],
)
def test_the_config_alone_decides_which_feed_is_read(read, inventory, google, feed, scope, asked):
    google.items |= {
        "cloudresourcemanager.organizations.get": {"name": "organizations/7", "displayName": "example.com", "state": "ACTIVE"},
        "cloudresourcemanager.folders.get": {"name": "folders/42", "parent": "organizations/7", "displayName": "F", "state": "ACTIVE"},
        "cloudresourcemanager.folders.list": lambda call: (
            [{"name": "folders/42", "parent": "organizations/7"}] if call.query["parent"] == "organizations/7" else []
        ),
    }
    inventory.company.enabled = ["serviceusage", "pubsub"]
    for refusal in (None, refusals.denied(LIST_ASSETS)):  # what the API answers changes nothing
        google.calls.clear()
        with google.failing(refusal or refusals.EMPTY, METHOD, times=99 if refusal else 0):
            read(feed=feed, **scope)
        assert bool(google.asked(METHOD)) == asked
        assert bool(google.asked("pubsub.projects.topics.list")) != asked


def test_an_api_that_is_not_enabled_is_not_asked_of_the_feed_either(read, inventory, google):
    inventory.company.enabled = ["serviceusage", "pubsub"]
    sink = read(feed="assets", project_ids=[ONE])

    assert google.asked(METHOD)[0].query["assetTypes"] == [
        "pubsub.googleapis.com/Subscription",
        "pubsub.googleapis.com/Topic",
    ]
    assert sink.report("gcp_redis_instance").outcome is Outcome.UNSUPPORTED


@pytest.mark.parametrize(
    ("refusal", "outcome", "permission", "words"),
    [
        (refusals.denied(LIST_ASSETS), Outcome.DENIED, LIST_ASSETS, ("roles/cloudasset.viewer", "feed: lists")),
        (refusals.denied(), Outcome.DENIED, LIST_ASSETS, ("roles/cloudasset.viewer", "feed: lists")),
        (refusals.disabled("cloudasset.googleapis.com"), Outcome.DENIED, "", ("cloudasset.googleapis.com is not enabled", "feed: lists")),
        (PERIMETER, Outcome.DENIED, "", ("a role does not help",)),
        (refusals.throttled("RATE_LIMIT_EXCEEDED", 429), Outcome.THROTTLED, "", ("cloudasset.googleapis.com asks to slow down",)),
        (refusals.CUT, Outcome.TIMEOUT, "", ()),
        (refusals.FOREIGN, Outcome.ERROR, "", ()),
    ],
    ids=["denied", "denied-plainly", "not-enabled", "perimeter", "throttled", "cut", "foreign"],
)
def test_a_list_of_assets_that_fails_is_complete_for_none_of_its_types_and_ends_no_other(
    read, inventory, google, refusal, outcome, permission, words
):
    with google.failing(refusal, in_project(OTHER, METHOD)):
        sink = read(feed="assets")

    failed = {
        scope: report
        for scope, report in sink.reports.items()
        if report.outcome is not Outcome.COMPLETE and "and so not asked" not in report.message
    }
    assert {scope.account for scope in failed} == {OTHER}
    below = {"gcp_kms_key", "gcp_kms_key_ring_binding", "gcp_kms_key_binding"}
    assert {scope.resource_type for scope in failed} == FED | below | {"gcp_user", "gcp_group"}
    assert {report.outcome for report in failed.values()} == {outcome}
    for report in failed.values():
        assert all(word in report.message for word in words), report.message
        assert report.permission == permission
        assert permission or "roles/" not in report.message


def test_a_quota_that_is_used_up_for_a_moment_is_waited_for(read, inventory, google):
    with google.failing(refusals.throttled("RATE_LIMIT_EXCEEDED", 429), METHOD, times=2):
        sink = read(feed="assets", project_ids=[ONE])

    assert {sink.report(one).outcome for one in FED} == {Outcome.COMPLETE}


def test_a_list_that_is_cut_after_its_first_page_keeps_what_came_and_is_not_complete(read, inventory, google):
    google.page = 3
    whole = read(feed="assets", project_ids=[ONE])
    with google.failing(refusals.CUT, lambda call: call.id == METHOD and "pageToken" in call.query):
        cut = read(feed="assets", project_ids=[ONE])

    reports = [report for scope, report in cut.reports.items() if scope.resource_type in FED]
    assert {report.outcome for report in reports} == {Outcome.TIMEOUT}
    assert 0 < sum(report.resources for report in reports) < sum(len(whole.ids(one)) for one in FED)


def test_page_tokens_that_expire_begin_the_list_anew_at_the_same_moment(read, inventory, google):
    google.page = 3
    with google.failing(refusals.STALE_PAGE, lambda call: call.id == METHOD and "pageToken" in call.query, times=1):
        sink = read(feed="assets", project_ids=[ONE])

    assert {sink.report(one).outcome for one in FED} == {Outcome.COMPLETE}
    assert len(sink.ids("gcp_pubsub_topic")) == len(set(sink.ids("gcp_pubsub_topic"))) == 2


def test_a_type_that_google_does_not_have_here_is_an_error_and_the_others_are_read(read, inventory, google):
    inventory.unsupported = {"composer.googleapis.com/Environment", "cloudkms.googleapis.com/KeyRing"}
    sink = read(feed="assets", project_ids=[ONE])

    outcomes = {one: sink.report(one).outcome for one in (*FED, "gcp_kms_key", "gcp_kms_key_binding")}
    failed = {one for one, outcome in outcomes.items() if outcome is not Outcome.COMPLETE}
    assert failed == {"gcp_composer_environment", "gcp_kms_key_ring", "gcp_kms_key", "gcp_kms_key_binding"}
    assert {outcomes[one] for one in failed} == {Outcome.ERROR}
    assert "no supported asset type matches composer" in sink.report("gcp_composer_environment").message
    assert sink.report("gcp_kms_key_ring").message.endswith("let the job read by `feed: lists`")
    assert len(google.asked(METHOD)) < 2 + 2 * len(IN_ONE_LIST)


# Whoever changes the feed


def kept(database, job: int, sink):
    run = Run(database, job)
    for scope, resources in sink.found.items():
        run.scope(resources, scope, sink.reports[scope].outcome, absence=sink.reports[scope].absence)
    run.finish()
    return run.inventory.totals


def test_a_change_of_the_feed_writes_nothing_either_way(read, inventory, database, sql):
    job = add_job(sql, provider="gcp")
    populate(inventory.company, 1, moved())
    begun = kept(database, job, read(feed="lists", project_ids=[ONE]))
    assert begun.created > len(FED)

    for feed in ("assets", "lists"):
        totals = kept(database, job, read(feed=feed, project_ids=[ONE]))
        assert (totals.created, totals.updated, totals.deleted) == (0, 0, 0), feed
        assert totals.unchanged == totals.resources == begun.resources


def test_a_change_to_a_feed_that_is_refused_takes_nothing_away(read, inventory, google, database, sql):
    job = add_job(sql, provider="gcp")
    begun = kept(database, job, read(feed="lists", project_ids=[ONE]))
    with google.failing(refusals.denied(LIST_ASSETS), METHOD):
        totals = kept(database, job, read(feed="assets", project_ids=[ONE]))

    assert totals.deleted == 0
    assert sql.execute("select count(*) from entities where is_active").fetchone()[0] == begun.created


def without_a_topic(inventory) -> None:
    topics = inventory.company.google.items["pubsub.projects.topics.list"]
    inventory.company.google.items["pubsub.projects.topics.list"] = lambda call: topics(call)[1:]


def test_what_two_lists_of_assets_lack_is_deleted(read, inventory, database, sql):
    """Google's inventory lags, so one list does not prove it; a list of the service itself does."""
    job = add_job(sql, provider="gcp")
    begun = kept(database, job, read(feed="assets", project_ids=[ONE]))
    without_a_topic(inventory)
    first = kept(database, job, read(feed="assets", project_ids=[ONE]))
    assert (begun.deleted, first.deleted) == (0, 0)
    [(name,)] = sql.execute("select name from entities where unconfirmed_since is not null").fetchall()

    sql.execute("update entities set unconfirmed_since = unconfirmed_since - make_interval(secs => %s)", [LAG])
    assert kept(database, job, read(feed="assets", project_ids=[ONE])).deleted == 1
    assert sql.execute("select name from entities where not is_active").fetchall() == [(name,)]


def test_what_a_list_of_the_service_lacks_is_deleted_at_once(read, inventory, database, sql):
    job = add_job(sql, provider="gcp")
    kept(database, job, read(feed="assets", project_ids=[ONE]))
    without_a_topic(inventory)

    assert kept(database, job, read(feed="lists", project_ids=[ONE])).deleted == 1


def test_what_was_made_just_before_a_change_to_the_feed_stays(read, inventory, database, sql):
    job = add_job(sql, provider="gcp")
    begun = kept(database, job, read(feed="lists", project_ids=[ONE]))
    without_a_topic(inventory)  # as Google's inventory is, which does not have it yet

    assert kept(database, job, read(feed="assets", project_ids=[ONE])).deleted == 0
    assert sql.execute("select count(*) from entities where is_active").fetchone()[0] == begun.created


# Which types may be of the feed


@pytest.mark.parametrize("kind", fed(), ids=lambda kind: kind.sub_type)
def test_a_type_of_the_feed_is_one_whose_list_gives_the_whole_resource_and_nothing_less(kind):
    """Its list is not a choice of some (a filter), drops no field (a client library does), and needs no parent but the project."""
    assert kind.address, "what a client library reads lacks the fields that the library does not know"
    assert not set(kind.parameters) - {"returnPartialSuccess"}
    assert kind.items
    assert not kind.also
    assert not kind.above
    assert "{parent" not in kind.id + kind.parent
    assert kind.version == item_version(kind)
    assert not kind.under or catalogue.kind(kind.under).hidden
    assert not kind.under or catalogue.fed(kind.under) == (kind,), "else its locations are listed all the same"
    assert kind.assets == (f"{kind.service}/{item_schema(kind)[1]['id']}",), (
        "an asset type is named by the API and the schema of its resource"
    )


def item_version(kind) -> str:
    return item_schema(kind)[0].rpartition(".")[2]


def test_no_two_types_are_read_from_one_asset_type():
    types = [one for kind in fed() for one in kind.assets]
    assert len(types) == len(set(types)) >= 15


def test_case_of_a_version_that_is_not_the_lists(read, inventory):
    inventory.version = "v1alpha1"
    sink = read(feed="assets", project_ids=[ONE])

    report = sink.report("gcp_pubsub_topic")
    assert (report.outcome, report.resources) == (Outcome.ERROR, 0)
    assert "by version v1alpha1 of its API, and not by v1" in report.message
    assert "feed: lists" in report.message


def test_an_asset_without_its_resource_is_left_out_and_named(read, inventory):
    inventory.without_resource = True
    report = read(feed="assets", project_ids=[ONE]).report("gcp_pubsub_topic")

    assert (report.outcome, report.resources) == (Outcome.ERROR, 0)
    assert "2 items" in report.message
    assert "topics/topic0 without its resource" in report.message


def test_a_key_ring_that_is_deleted_while_its_keys_are_asked_for_is_looked_for_once_more_in_the_feed(read, inventory, google):
    """The list of its keys says 404: while the inventory still has the ring, its keys are not known; no list of locations is needed."""
    with google.failing(refusals.NOT_FOUND, lambda call: call.id.endswith("cryptoKeys.list") and "us-central1" in call.path["parent"]):
        sink = read(feed="assets", project_ids=[ONE])

    report = sink.report("gcp_kms_key")
    assert report.outcome is Outcome.UNSUPPORTED
    assert "Google lists //cloudkms.googleapis.com/projects/" in report.message
    assert sink.report("gcp_kms_key_ring").outcome is Outcome.COMPLETE
    rings = [call for call in google.asked(METHOD) if call.query["assetTypes"] == ["cloudkms.googleapis.com/KeyRing"]]
    assert len(rings) == 2
    assert not google.asked("cloudkms.projects.locations.list")


def test_every_read_of_the_feed_is_said_to_lag(opened, inventory):
    """Else what the feed does not have yet would be deleted at once."""
    source = opened(project_ids=[ONE], feed="assets")
    source.check()
    fed = {one.sub_type for kind in catalogue.ALL if not kind.under for one in catalogue.fed(kind.sub_type)}
    lags = {scope.resource_type: read.lags for read in source.plan() for scope in read.scopes if scope.resource_type in fed}

    assert len(lags) > 10
    assert set(lags.values()) == {True}
