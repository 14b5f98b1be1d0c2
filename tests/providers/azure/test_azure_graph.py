"""Resource Graph: rows that move between pages, and what it lacks, is asked of Resource Manager. Case az-1."""

from __future__ import annotations

import pytest
from azure_account import NOT_FOUND, outcome, read, refusal
from peers.arm_account import OTHER, SUBSCRIPTION, Refused

from providers.azure.graph import CONFIRMED_EACH
from providers.errors import Outcome
from providers.records import Scope

DISKS = "microsoft.compute/disks"


@pytest.mark.parametrize("page", [1, 2, 3])
@pytest.mark.parametrize("place", [0, 3, 6])
def test_case_az_1_a_row_that_is_deleted_between_two_pages_hides_no_other(account, page, place):
    disks = account.objects[SUBSCRIPTION][DISKS]
    names = [disk["id"].lower() for disk in disks]

    def delete(_method, _path, _query):
        if len(account.queries) == page and len(disks) == 7:
            del disks[place]

    account.before = delete
    sink = read(account, page_size=3)

    assert sink.report("azure_disk").outcome is Outcome.COMPLETE
    living = [disk["id"].lower() for disk in disks]
    assert set(living) <= set(sink.ids("azure_disk")) <= set(names)


def test_case_az_1_a_list_that_changes_each_time_is_not_complete(account):
    nics = account.objects[SUBSCRIPTION]["microsoft.network/networkinterfaces"]
    for number in range(30):
        account.add("Microsoft.Network/networkInterfaces", f"more{number}", {})

    def delete(_method, _path, query):
        if query["options"]["$skip"]:
            del nics[0]

    account.before = delete
    report = read(account, page_size=3).report("azure_disk")
    assert (report.outcome, "changed" in report.message) == (Outcome.ERROR, True)


def test_case_az_1_what_the_graph_lacks_is_asked_of_resource_manager(account):
    """Resource Graph lags behind: its absence is not a proof."""
    late = account.objects[SUBSCRIPTION][DISKS][2]["id"]
    account.lagging = {late}
    gone = account.objects[SUBSCRIPTION][DISKS][4]["id"]

    with_lag = read(account)
    account.lagging = set()
    without = read(account)

    assert late.lower() in with_lag.ids("azure_disk")
    assert outcome(with_lag, "azure_disk") == (Outcome.COMPLETE, 7)
    for scope in without.found:
        assert not with_lag.differences(without, scope), "a resource is the same, whoever told it"
    account.lagging = {gone}
    account.fault = lambda _method, path: (404, {}, NOT_FOUND) if path == gone else None
    deleted = read(account)
    assert outcome(deleted, "azure_disk") == (Outcome.COMPLETE, 6), "deleted between the two lists: it answers 404"


@pytest.mark.parametrize(("status", "outcome"), [(403, Outcome.DENIED), (500, Outcome.TIMEOUT)])
def test_case_az_1_what_the_graph_lacks_and_cannot_be_asked_for_is_not_gone(account, status, outcome):
    """Resource Manager lists it, and refuses it alone: only "not found" says that it was deleted between the two."""
    late = account.objects[SUBSCRIPTION][DISKS][2]["id"]
    account.lagging = {late}
    answer = (
        refusal("Microsoft.Compute/disks/read") if status == 403 else (500, {}, {"error": {"code": "InternalServerError", "message": "x"}})
    )
    account.fault = lambda _method, path: answer if path == late else None
    sink = read(account)
    assert sink.report("azure_disk").outcome is outcome
    assert sink.report("azure_vnet").outcome is Outcome.COMPLETE


def test_case_az_1_another_spelling_of_an_id_is_the_same_resource(account):
    """The graph and Resource Manager spell ids in cases of their own."""
    disks = account.objects[SUBSCRIPTION][DISKS]
    asked = []
    account.fault = lambda method, path: asked.append(path) if method == "GET" and DISKS in path.lower() else None
    account.respelt = True
    assert outcome(read(account), "azure_disk") == (Outcome.COMPLETE, len(disks))
    assert not asked, "the graph lacks none, so that none is asked for by itself"


def test_case_az_1_a_graph_that_lags_far_behind_is_not_believed(account):
    account.lagging = {account.add("Microsoft.Compute/disks", f"late{n}", {}) for n in range(CONFIRMED_EACH + 1)}
    sink = read(account)
    assert sink.report("azure_disk").outcome is Outcome.ERROR
    assert "lags behind" in sink.report("azure_disk").message
    assert sink.report("azure_vnet").outcome is Outcome.COMPLETE


def test_case_az_1_where_the_other_list_may_not_be_read_two_readings_must_agree(account):
    late = account.objects[SUBSCRIPTION][DISKS][2]["id"]
    account.permissions[SUBSCRIPTION] = [{"actions": ["*/read"], "notActions": ["Microsoft.Resources/subscriptions/resources/read"]}]
    assert outcome(read(account), "azure_disk") == (Outcome.COMPLETE, 7)
    account.queries.clear()
    account.before = lambda *_: setattr(account, "lagging", {late} if len(account.queries) == 1 else set())
    sink = read(account)
    assert (sink.report("azure_disk").outcome, sink.report("azure_vnet").outcome) == (Outcome.ERROR, Outcome.COMPLETE)


def test_one_query_serves_many_subscriptions(account):
    account.subscription(OTHER)
    account.add("Microsoft.Compute/disks", "another", {}, subscription=OTHER)
    sink = read(account)
    assert len(account.queries) == 1
    assert len(sink.found[Scope("azure", OTHER, "", "azure_disk")]) == 1
    assert len(sink.found[Scope("azure", SUBSCRIPTION, "", "azure_disk")]) == 7


def test_a_subscription_that_the_graph_refuses_ends_no_other(account):
    account.subscription(OTHER)
    account.add("Microsoft.Compute/disks", "another", {}, subscription=OTHER)
    refused = {"error": {"code": "BadRequest", "message": "a subscription is invalid."}}

    def before(*_):
        if account.queries and OTHER in account.queries[-1]["subscriptions"]:
            failure = Refused(400, "BadRequest", "a subscription is invalid.")
            failure.body = refused
            raise failure

    account.before = before
    sink = read(account)
    ends = {scope.account: report.outcome for scope, report in sink.reports.items() if scope.resource_type == "azure_disk"}
    assert ends == {SUBSCRIPTION: Outcome.COMPLETE, OTHER: Outcome.ERROR}


def test_a_type_that_the_graph_has_in_another_half_of_the_subscriptions_lags_and_loses_no_properties(account):
    """A resource that only the lists have is stored without properties only where the graph has none of its type in any subscription."""
    account.subscription(OTHER)
    account.add("Microsoft.Example/things", "another", {"size": 2}, subscription=OTHER)
    account.lagging = {account.add("Microsoft.Example/things", "late", {"size": 1})}

    def before(*_):
        if account.queries and len(account.queries[-1]["subscriptions"]) > 1:
            raise Refused(400, "BadRequest", "a query of several subscriptions is refused.")

    account.before = before
    sink = read(account)
    ends = {scope.account: report for scope, report in sink.reports.items() if scope.resource_type == "azure_resource"}
    assert [ends[one].outcome for one in (SUBSCRIPTION, OTHER)] == [Outcome.ERROR, Outcome.COMPLETE]
    assert "lags behind" in ends[SUBSCRIPTION].message
    assert not [one for _, one in sink.all() if one.name == "late"]


def test_what_was_read_before_a_query_was_refused_comes_once(account):
    """Refused at its second page, the query is asked of each half, which begin with the same rows."""
    account.subscription(OTHER)
    account.largest = 5

    def before(*_):
        query = account.queries[-1]
        if len(query["subscriptions"]) > 1 and query["options"].get("$skip"):
            raise Refused(400, "BadRequest", "the second page is refused.")

    account.before = before
    sink = read(account)
    assert len(account.queries) > 2
    names = [one.name for scope, one in sink.all() if scope.resource_type == "azure_disk"]
    assert sorted(names) == [f"disk{n}" for n in range(7)]
    ends = {report.outcome for scope, report in sink.reports.items() if scope.resource_type == "azure_disk"}
    assert ends == {Outcome.COMPLETE}


def test_a_row_without_an_id_is_not_believed(account):
    account.objects[SUBSCRIPTION][DISKS][2]["id"] = ""
    report = read(account).report("azure_disk")
    assert report.outcome is Outcome.ERROR
    assert "a row that has no id" in report.message


@pytest.mark.parametrize("status", [429, 504])
def test_a_query_that_is_throttled_or_not_answered_in_time_is_not_asked_of_each_half(account, status):
    """Its quota is small, and shared with everybody else's tools."""
    account.subscription(OTHER)

    def before(*_):
        raise Refused(status, "RateLimiting" if status == 429 else "GatewayTimeout", "Please try again.")

    account.before = before
    sink = read(account)
    assert {report.outcome for scope, report in sink.reports.items() if scope.resource_type == "azure_disk"} <= {
        Outcome.TIMEOUT,
        Outcome.THROTTLED,
    }
    assert {len(query["subscriptions"]) for query in account.queries} == {2}
