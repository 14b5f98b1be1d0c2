"""The policy that is shipped: it suffices, and one permission less is a denied scope that names it. Case az-3."""

from __future__ import annotations

import pytest
from azure_account import read
from peers.arm_account import SUBSCRIPTION

from providers import registry
from providers.azure import catalogue, policy
from providers.azure.permissions import Permissions
from providers.errors import Outcome


def granted(account, actions) -> None:
    account.permissions[SUBSCRIPTION] = [{"actions": sorted(actions), "notActions": []}]


def test_case_az_3_the_policy_is_a_role_definition_that_suffices(account):
    role = registry.get("azure").policy()
    assert set(role) >= {"Name", "IsCustom", "Description", "Actions", "NotActions", "AssignableScopes"}
    assert role["IsCustom"] is True
    assert all(
        scope.startswith(("/subscriptions/", "/providers/Microsoft.Management/managementGroups/")) for scope in role["AssignableScopes"]
    )
    assert all(action.endswith("/read") and "*" not in action for action in role["Actions"])
    assert "Microsoft.Authorization/permissions/read" in role["Actions"]
    granted(account, role["Actions"])
    sink = read(account, optional_types=sorted(catalogue.OPTIONAL))
    assert {report.outcome for report in sink.reports.values()} == {Outcome.COMPLETE}
    assert {scope.resource_type for scope in sink.reports} == {kind.sub_type for kind in catalogue.KINDS}


@pytest.mark.parametrize("left_out", sorted(set(policy.role_definition()["Actions"]) - {"Microsoft.Resources/subscriptions/read"}))
def test_case_az_3_one_permission_less_is_a_denied_scope_that_names_it(account, left_out):
    granted(account, set(policy.role_definition()["Actions"]) - {left_out})
    account.add("Microsoft.KeyVault/vaults", "vault")
    sink = read(account, optional_types=sorted(catalogue.OPTIONAL))
    denied = [report for report in sink.reports.values() if report.outcome is not Outcome.COMPLETE]
    assert denied
    assert {(report.outcome, report.permission) for report in denied} == {(Outcome.DENIED, left_out)}
    assert all(left_out in report.message for report in denied)


def test_case_az_3_without_the_subscription_itself_the_run_says_so(account):
    granted(account, set(policy.role_definition()["Actions"]) - {"Microsoft.Resources/subscriptions/read"})
    with pytest.raises(Exception, match="no subscription is visible") as raised:
        read(account)
    assert raised.value.permission == "Microsoft.Resources/subscriptions/read"


def test_the_policy_is_minimal():
    """Each action is one that a type declares."""
    above = {*catalogue.TENANT.actions, *catalogue.MANAGEMENT_GROUP.actions}
    declared = {action for kind in catalogue.KINDS for action in kind.actions} - above | {catalogue.PERMISSIONS_READ}
    assert set(policy.role_definition()["Actions"]) == declared
    assert Permissions([{"actions": policy.role_definition()["Actions"]}]).allow("Microsoft.Compute/disks/read")
