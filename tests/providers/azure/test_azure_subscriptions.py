"""Which subscriptions a job reads: by id, by management group, all of them, and what is left out."""

from __future__ import annotations

import pytest
from azure_account import CREDENTIALS, read, refusal
from peers.arm_account import OTHER, SUBSCRIPTION, TENANT

from providers import registry, runner
from providers.errors import ConfigError, Denied, Outcome
from providers.http import retry
from providers.records import Absence, Link, Scope
from providers.schema import parse
from providers.testing import operator_of

THIRD = "33333333-3333-3333-3333-333333333333"


@pytest.fixture
def three(azure):
    """Three subscriptions: one in the group platform, one in a group below it, one beside them."""
    for number in (SUBSCRIPTION, OTHER, THIRD):
        azure.subscription(number)
    azure.group(TENANT)
    azure.group("root", TENANT, THIRD)
    azure.group("platform", "root", SUBSCRIPTION)
    azure.group("prod", "platform", OTHER)
    return azure


def read_of(sink) -> set[str]:
    return {
        scope.account for scope, report in sink.reports.items() if scope.resource_type == "azure_vm" and report.outcome is Outcome.COMPLETE
    }


@pytest.mark.parametrize(
    ("config", "numbers"),
    [
        ({}, {SUBSCRIPTION, OTHER, THIRD}),
        ({"subscription_ids": [THIRD.upper()]}, {THIRD}),
        ({"management_group_ids": ["platform"]}, {SUBSCRIPTION, OTHER}),
        ({"management_group_ids": ["prod", "platform"]}, {SUBSCRIPTION, OTHER}),
        ({"management_group_ids": ["prod"], "subscription_ids": [THIRD]}, {OTHER, THIRD}),
        ({"exclude_subscriptions": [OTHER]}, {SUBSCRIPTION, THIRD}),
        ({"exclude_subscriptions": ["2222*", "subscription 3"]}, {SUBSCRIPTION}),
        ({"management_group_ids": ["root"], "exclude_subscriptions": ["Subscription ?"]}, set()),
        ({"subscription_ids": [OTHER], "exclude_subscriptions": ["*"]}, {OTHER}),
    ],
)
def test_the_subscriptions_of_a_job(three, config, numbers):
    assert read_of(read(three, **config)) == numbers


def test_each_subscription_is_read_once_and_with_few_questions_to_the_graph(three):
    read(three, management_group_ids=["root"])
    assert len(three.queries) == 1
    assert sorted(three.queries[0]["subscriptions"]) == sorted([SUBSCRIPTION, OTHER, THIRD])


@pytest.mark.parametrize("visible", [True, False])
def test_a_named_management_group_that_is_not_visible_ends_the_run_by_its_name(three, visible):
    """What is beneath it is not known, so that nothing may be taken for left out."""
    three.may_see_groups = visible
    with pytest.raises(Denied, match="management group nothere does not exist, or is not visible") as raised:
        read(three, management_group_ids=["nothere"])
    assert raised.value.permission == "Microsoft.Management/managementGroups/descendants/read"


def test_a_test_of_the_connection_names_subscriptions_that_are_not_visible(three):
    provider = registry.get("azure")

    def tested(*numbers: str):
        source = provider.open(parse(provider.config, {**CREDENTIALS, "subscription_ids": numbers}), operator_of(provider, three.operator))
        try:
            return runner.test(source)
        finally:
            source.close()

    assert tested(OTHER.upper()).account == TENANT
    with pytest.raises(ConfigError) as caught:
        tested(OTHER, "44444444-4444-4444-4444-444444444444")
    [complaint] = caught.value.complaints
    assert complaint.startswith(
        "`subscription_ids`: there is no subscription `44444444-4444-4444-4444-444444444444`, or it is not visible; "
    )
    assert complaint.endswith(", ".join(sorted([SUBSCRIPTION, OTHER, THIRD])))


def test_a_throttled_list_of_a_management_group_is_not_an_empty_one(three):
    three.fault = lambda _method, path: (503, {}, {}) if path.endswith("/descendants") else None
    with pytest.raises(Exception, match="503"):
        read(three, management_group_ids=["platform"])
    assert len([path for _, path in three.requests if path.endswith("/descendants")]) == retry.TRIES


def test_a_subscription_of_a_group_that_is_not_visible_is_denied_not_absent(three):
    three.permissions[OTHER] = []
    sink = read(three, management_group_ids=["platform"])
    assert sink.reports[Scope("azure", OTHER, "", "*")].outcome is Outcome.DENIED
    assert read_of(sink) == {SUBSCRIPTION}


def test_management_groups_have_their_parent_and_what_they_contain(three):
    sink = read(three)
    platform = sink.one("Platform")
    above = "/providers/microsoft.management/managementgroups"
    assert (platform.entity_type, platform.external_id, platform.parent) == ("organizational_unit", f"{above}/platform", f"{above}/root")
    assert set(platform.links) == {Link("contains", f"/subscriptions/{SUBSCRIPTION}"), Link("contains", f"{above}/prod")}
    assert sink.one("Root").parent == f"{above}/{TENANT}"
    assert sink.one(TENANT.title()).parent == ""
    assert sink.reports[Scope("azure", TENANT, "", "azure_management_group")].outcome is Outcome.COMPLETE


def test_a_list_of_management_groups_that_is_not_answered_says_nothing_of_the_role(three):
    three.fault = lambda _method, path: (503, {}, {}) if path.endswith("/managementGroups") else None
    report = read(three).report("azure_management_group")
    assert report.outcome is Outcome.TIMEOUT
    assert "Management Group Reader" not in report.message


def test_management_groups_that_nobody_may_see_make_no_run_partial_and_are_not_taken_for_deleted(three):
    three.may_see_groups = False
    report = read(three).report("azure_management_group")
    assert (report.outcome, "Management Group Reader" in report.message) == (Outcome.UNSUPPORTED, True)


def test_a_management_group_that_is_deleted_between_list_and_read_is_none(three):
    gone = (404, {}, {"error": {"code": "NotFound", "message": "not found"}})
    three.fault = lambda _method, path: gone if path.endswith("/prod") else None
    report = read(three).report("azure_management_group")
    assert (report.outcome, report.resources) == (Outcome.COMPLETE, 3)


def test_a_management_group_that_cannot_be_read_makes_their_scope_incomplete(three):
    three.fault = lambda _method, path: (500, {}, {}) if path.endswith("/prod") else None
    report = read(three).report("azure_management_group")
    assert (report.outcome, report.resources, "/prod" in report.message) == (Outcome.TIMEOUT, 3, True)


def test_the_tenant_is_that_of_the_subscriptions(three):
    tenant = read(three).one("Contoso")
    assert (tenant.external_id, tenant.attributes["defaultDomain"]) == (f"/tenants/{TENANT}", "contoso.com")


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ({"management_group_ids": ["my group"]}, "'my group' is not the id of a management group"),
        (
            {"optional_types": ["azure_key_vault_secrets"]},
            "`azure_key_vault_secrets` is not one of azure_key_vault_key, azure_key_vault_secret",
        ),
        ({"exclude_subscription": ["x"]}, "did you mean `exclude_subscriptions`?"),
    ],
)
def test_bad_configs(config, complaint):
    with pytest.raises(ConfigError) as caught:
        parse(registry.get("azure").config, {**CREDENTIALS, **config})
    assert complaint in str(caught.value)


# What is set on management groups

MG = "/providers/Microsoft.Management/managementGroups/"


def of_group(name: str) -> Scope:
    return Scope("azure", TENANT, "", "azure_role_assignment", f"{MG}{name}".lower())


def test_what_a_named_management_group_has_is_read_there_and_what_is_above_it_is_seen_from_outside(three):
    here = three.assign("ra-here", f"{MG}platform", SUBSCRIPTION, OTHER)
    below = three.assign("ra-below", f"{MG}prod", OTHER)
    above = three.assign("ra-above", f"{MG}root", SUBSCRIPTION, OTHER)
    sink = read(three, management_group_ids=["platform"])
    for name, arm_id, absence in (("platform", here, Absence.DELETED), ("prod", below, Absence.DELETED), ("root", above, Absence.OUTSIDE)):
        assert [found.external_id for found in sink.found[of_group(name)]] == [arm_id.lower()], name
        assert (sink.reports[of_group(name)].outcome, sink.reports[of_group(name)].absence) == (Outcome.COMPLETE, absence), name


def test_an_assignment_that_is_gone_from_a_named_group_is_gone_from_its_scope(three):
    three.assign("ra-here", f"{MG}platform", SUBSCRIPTION, OTHER)
    read(three, management_group_ids=["platform"])
    three.inherited.clear()
    sink = read(three, management_group_ids=["platform"])
    report = sink.reports[of_group("platform")]
    assert (report.outcome, report.resources, report.absence) == (Outcome.COMPLETE, 0, Absence.DELETED)


def test_without_named_groups_everything_above_is_seen_from_outside(three):
    three.assign("ra-here", f"{MG}platform", SUBSCRIPTION)
    assert read(three).reports[of_group("platform")].absence is Absence.OUTSIDE


def test_assignments_of_a_named_group_that_may_not_be_read_are_denied_there(three):
    three.assign("ra-here", f"{MG}platform", SUBSCRIPTION)
    answer = refusal("Microsoft.Authorization/roleAssignments/read")
    three.fault = lambda _method, path: answer if path.endswith("platform/providers/Microsoft.Authorization/roleAssignments") else None
    report = read(three, management_group_ids=["platform"]).reports[of_group("platform")]
    assert (report.outcome, report.permission) == (Outcome.DENIED, "Microsoft.Authorization/roleAssignments/read")


def test_an_assignment_of_a_named_group_without_an_id_is_counted_and_hides_no_other(three):
    three.assign("ra-here", f"{MG}platform", SUBSCRIPTION)
    whole = three.inherited[SUBSCRIPTION][-1]
    odd = {"name": "ra-odd", "properties": {}}
    answer = (200, {}, {"value": [odd, whole]})
    three.fault = lambda _method, path: answer if path.endswith("platform/providers/Microsoft.Authorization/roleAssignments") else None
    report = read(three, management_group_ids=["platform"]).reports[of_group("platform")]
    assert (report.outcome, report.resources, report.rejected) == (Outcome.COMPLETE, 1, 1)


def test_another_tenant_that_the_caller_is_a_guest_in_is_not_this_ones(three):
    own = {"id": f"/tenants/{TENANT}", "tenantId": TENANT.upper(), "displayName": "Contoso"}
    other = {"id": "/tenants/guest", "tenantId": "guest", "displayName": "Other"}
    three.fault = lambda _method, path: (200, {}, {"value": [other, own]}) if path == "/tenants" else None
    sink = read(three)
    assert sink.ids("azure_tenant") == [f"/tenants/{TENANT}"]
    assert sink.report("azure_tenant").outcome is Outcome.COMPLETE


def test_an_id_in_capitals_is_the_same_subscription(three):
    number = "abcdef00-0000-4000-8000-00000000000a"
    listed = {
        "id": f"/subscriptions/{number}",
        "subscriptionId": number.upper(),
        "tenantId": TENANT,
        "displayName": "D",
        "state": "Enabled",
    }
    three.fault = lambda _method, path: (200, {}, {"value": [listed]}) if path == "/subscriptions" else None
    sink = read(three, subscription_ids=[number])
    assert {scope.account for scope in sink.reports} >= {number}
    assert not [report.message for report in sink.reports.values() if "is not visible" in report.message]


def test_the_subscriptions_of_a_second_batch_are_read_too(three, monkeypatch):
    """A tenant has thousands of them, and a query of Resource Graph takes some hundreds."""
    monkeypatch.setattr("providers.azure.source.BATCH", 2)
    assert read_of(read(three)) == {SUBSCRIPTION, OTHER, THIRD}
    assert {len(query["subscriptions"]) for query in three.queries} == {1, 2}
