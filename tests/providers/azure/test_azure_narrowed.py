"""A role that becomes narrower between two runs: what is out of sight is not read as deleted."""

from __future__ import annotations

import pytest
from azure_account import read
from peers.arm_account import SUBSCRIPTION, TENANT
from store_runs import Run, add_job

from providers.azure import catalogue
from providers.errors import Outcome

OTHER_GROUP = "Elsewhere"


@pytest.fixture
def two_groups(account):
    """The subscription with a second resource group, of fewer resources than the guard lets pass."""
    for arm_type, more in (
        ("Microsoft.Compute/virtualMachines", {}),
        ("Microsoft.Compute/disks", {}),
        ("Microsoft.Storage/storageAccounts", {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}}),
        ("Microsoft.KeyVault/vaults", {}),
        ("Microsoft.Authorization/locks", {}),
    ):
        account.add(arm_type, f"{arm_type.rpartition('/')[2].lower()}-there", group=OTHER_GROUP, **more)
    account.objects[SUBSCRIPTION]["secrets/vaults-there"] = []
    return account


def test_a_role_on_a_resource_group_in_place_of_one_on_the_subscription_deletes_nothing(two_groups, database, sql):
    job = add_job(sql, provider="azure")

    def ran() -> int:
        run = Run(database, job)
        run.reading(read(two_groups, optional_types=sorted(catalogue.OPTIONAL)))
        run.finish()
        return run.inventory.totals.deleted

    def active() -> set[str]:
        return {name for (name,) in sql.execute("select external_id from entities where is_active")}

    ran()
    before = active()
    assert [name for name in before if f"/resourcegroups/{OTHER_GROUP.lower()}/" in name.lower()]

    two_groups.limited[SUBSCRIPTION] = "Prod"
    assert ran() == 0
    assert active() == before


def test_a_principal_that_sees_one_resource_group_is_told_what_it_lacks(two_groups):
    two_groups.limited[SUBSCRIPTION] = OTHER_GROUP
    sink = read(two_groups, optional_types=sorted(catalogue.OPTIONAL))
    below = {scope: report for scope, report in sink.reports.items() if scope.account == SUBSCRIPTION}
    believed = {scope.resource_type for scope, report in below.items() if report.outcome is Outcome.COMPLETE}
    machines = sink.report("azure_vm")

    assert believed == {"azure_subscription"}
    assert {report.outcome for scope, report in below.items() if scope.resource_type not in believed} == {Outcome.DENIED}
    assert (machines.resources, machines.permission) == (1, "Microsoft.Compute/virtualMachines/read"), "what is seen is stored"
    assert "on the subscription as a whole" in machines.message


def test_a_second_reading_of_the_graph_stands_in_for_a_list_of_all_resources_that_may_be_short(account):
    """Without the permission on the subscription, Resource Manager's list is not refused but short: it proves nothing."""
    account.permissions[SUBSCRIPTION] = [{"actions": ["*/read"], "notActions": ["Microsoft.Resources/subscriptions/resources/read"]}]
    sink = read(account)

    assert sink.report("azure_disk").outcome is Outcome.COMPLETE
    assert [query["query"] for query in account.queries if "| project id, type, kind |" in query["query"]], "it was read again"
    assert f"/subscriptions/{SUBSCRIPTION}/resources" not in {path for _, path in account.requests}


def test_management_groups_without_the_root_are_not_all_there_are(account, database, sql):
    account.group("platform", TENANT)
    account.group("prod", "platform")
    job = add_job(sql, provider="azure")
    for _ in range(2):
        run = Run(database, job)
        run.reading(read(account))
        run.finish()
        account.groups = {"platform": account.groups["platform"]}
    report = read(account).report("azure_management_group")
    kept = sql.execute("select count(*) from entities where sub_type = 'azure_management_group' and is_active").fetchone()

    assert (run.inventory.totals.deleted, kept) == (0, (3,))
    assert (report.outcome, "the root management group is not visible" in report.message) == (Outcome.UNSUPPORTED, True)
