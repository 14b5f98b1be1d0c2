"""Inputs on which the Azure provider was wrong, each with the right value. The names are those of the cases."""

from __future__ import annotations

import msgspec
import pytest
from azure_account import NOT_FOUND, outcome, read, refusal
from peers.arm_account import OTHER, SUBSCRIPTION, TENANT
from store_runs import Run, add_job
from stored_suite import ROWS

from providers.errors import Outcome
from providers.http import retry
from providers.records import Scope

# az-2: owners


@pytest.mark.parametrize("above", ["/providers/Microsoft.Management/managementGroups/mg1", "/"])
def test_case_az_2_an_assignment_above_subscriptions_has_one_owner_and_is_the_same_from_each(account, above):
    account.subscription(OTHER)
    assignment = account.assign("ra-above", above, SUBSCRIPTION, OTHER).lower()
    owner = Scope("azure", TENANT, "", "azure_role_assignment", above.lower())

    both, one, other = read(account), read(account, subscription_ids=[SUBSCRIPTION]), read(account, subscription_ids=[OTHER])

    assert [found.external_id for found in both.found[owner]] == [assignment]
    assert both.canonical(owner) == one.canonical(owner) == other.canonical(owner)
    homes = [scope for scope, resource in both.all() if resource.external_id == assignment]
    assert homes == [owner]
    assert both.reports[owner].outcome is Outcome.COMPLETE


def test_case_az_2_an_id_that_names_the_subscription_that_was_asked_is_still_the_assignments_own(account):
    above = "/providers/Microsoft.Management/managementGroups/mg1"
    account.subscription(OTHER)
    for number in (SUBSCRIPTION, OTHER):
        account.assign("ra-above", above, number)
        account.inherited[number][-1]["id"] = f"/subscriptions/{number}/providers/Microsoft.Authorization/roleAssignments/ra-above"
    owner = Scope("azure", TENANT, "", "azure_role_assignment", above.lower())
    one, other = read(account, subscription_ids=[SUBSCRIPTION]), read(account, subscription_ids=[OTHER])
    assert one.canonical(owner) == other.canonical(owner)
    assert len(one.found[owner]) == 1


def test_case_az_2_a_subscription_that_sees_nothing_from_above_says_nothing_about_it(account):
    account.subscription(OTHER)
    account.assign("ra-above", "/providers/Microsoft.Management/managementGroups/mg1", SUBSCRIPTION)
    sink = read(account, subscription_ids=[OTHER])
    assert not [scope for scope in sink.reports if scope.coverage]


@pytest.mark.parametrize("plans", [[[SUBSCRIPTION], [OTHER]], [[SUBSCRIPTION, OTHER]]], ids=["two jobs", "one job"])
def test_case_az_2_an_assignment_above_subscriptions_has_one_owner_in_the_store_whichever_job_runs(azure, database, sql, plans):
    """Nothing is written while nothing changes; what one subscription sees no longer is not deleted while the other one sees it."""
    azure.subscription()
    azure.subscription(OTHER)
    assignment = azure.assign("ra-above", "/providers/Microsoft.Management/managementGroups/mg1", SUBSCRIPTION, OTHER).lower()
    jobs = [(add_job(sql, provider="azure", name=f"job {number}"), plan) for number, plan in enumerate(plans)]

    def ran(job: int, plan: list[str]) -> tuple[int, int, int]:
        run = Run(database, job)
        run.reading(read(azure, subscription_ids=plan))
        run.finish()
        return run.inventory.totals.created, run.inventory.totals.updated, run.inventory.totals.deleted

    def owners() -> list[tuple[str, bool]]:
        query = "select s.owner, e.is_active from entities e join elder_worker.scopes s on s.id = e.scope_id where e.external_id = %s"
        return sql.execute(query, [assignment]).fetchall()

    for job, plan in jobs:
        assert ran(job, plan)[0] > 0
    first, last = f"job:{jobs[0][0]}", f"job:{jobs[-1][0]}"
    assert owners() == [(first, True)]
    rows = sql.execute(ROWS).fetchall()
    for job, plan in reversed(jobs):
        assert ran(job, plan) == (0, 0, 0)
        assert owners() == [(first, True)]
    assert sql.execute(ROWS).fetchall() == rows

    azure.inherited[SUBSCRIPTION].pop()
    assert [ran(job, plan) for job, plan in jobs] == [(0, 0, 0)] * len(jobs), "it applies still"
    assert owners() == [(last, True)]


# az-8: what is not there


@pytest.mark.parametrize(("status", "code"), [(404, "SubscriptionNotFound"), (409, "MissingSubscriptionRegistration")])
def test_case_az_8_a_provider_that_is_not_registered_is_unsupported(account, status, code):
    body = {"error": {"code": code, "message": "The subscription is not registered to use namespace 'Microsoft.Storage'."}}
    account.fault = lambda _method, path: (status, {}, body) if path.endswith("storageAccounts") else None
    sink = read(account)
    for kind in ("azure_storage_account", "azure_storage_container"):
        assert sink.report(kind).outcome is Outcome.UNSUPPORTED
        assert "Microsoft.Storage is not registered" in sink.report(kind).message
    assert sink.report("azure_vm").outcome is Outcome.COMPLETE


def test_case_az_8_an_account_that_is_deleted_between_list_and_read_is_that_accounts_trouble(account):
    account.fault = lambda _method, path: (404, {}, NOT_FOUND) if "store3" in path else None
    sink = read(account)
    assert outcome(sink, "azure_storage_account") == (Outcome.COMPLETE, 7)
    assert outcome(sink, "azure_storage_container") == (Outcome.COMPLETE, 24)


@pytest.mark.parametrize(
    ("of_itself", "said"),
    [
        (None, Outcome.ERROR),
        ((500, {}, {}), Outcome.TIMEOUT),
        (refusal("Microsoft.Storage/storageAccounts/read"), Outcome.DENIED),
    ],
)
def test_what_is_not_found_beneath_a_resource_that_exists_is_no_absence(account, of_itself, said):
    """Resource Manager answers 404 for what another of its regions has: the list is lost, and the containers are not."""
    account.fault = lambda _method, path: (
        (404, {}, NOT_FOUND) if "store3/blobServices" in path else of_itself if path.endswith("/store3") else None
    )
    sink = read(account)
    assert outcome(sink, "azure_storage_account") == (Outcome.COMPLETE, 7)
    assert outcome(sink, "azure_file_share")[0] is Outcome.COMPLETE
    containers = sink.report("azure_storage_container")
    assert (containers.outcome, containers.resources) == (said, 24)
    assert "store3" in containers.message


def test_case_az_8_a_deleted_subscription_is_one_line(account):
    account.subscription(OTHER, state="Deleted")
    sink = read(account)
    [report] = [report for scope, report in sink.reports.items() if scope.account == OTHER]
    assert (report.scope.resource_type, report.outcome) == ("*", Outcome.SKIPPED)
    assert "is deleted" in report.message
    assert not [path for _, path in account.requests if f"/subscriptions/{OTHER}/" in path]


@pytest.mark.parametrize("state", ["Enabled", "Warned", "PastDue", "Disabled"])
def test_a_subscription_that_can_be_read_is_read(account, state):
    account.subscriptions[SUBSCRIPTION]["state"] = state
    assert read(account).tally.complete


# Items


@pytest.mark.parametrize("fault", [refusal("Microsoft.Compute/virtualMachines/read"), (500, {}, {}), (405, {}, {}), (404, {}, NOT_FOUND)])
def test_a_second_list_that_cannot_be_read_leaves_the_machines_in(account, monkeypatch, fault):
    """The list of states is asked first; the attribute keeps its last value."""
    asked = []

    def second(_method, path):
        if path.endswith("virtualMachines"):
            asked.append(path)
            return fault if len(asked) <= (retry.TRIES if fault[0] == 500 else 1) else None
        return None

    account.fault = second
    sink = read(account)
    assert outcome(sink, "azure_vm") == (Outcome.COMPLETE, 7)
    assert sink.one("vm0").attributes["Unreadable"] == ["powerState"]
    assert "powerState" not in sink.one("vm0").attributes


def test_an_item_without_an_id_stops_no_other(account):
    del account.objects[SUBSCRIPTION]["microsoft.compute/virtualmachines"][3]["id"]
    report = read(account).report("azure_vm")
    assert (report.outcome, report.resources, report.rejected) == (Outcome.COMPLETE, 6, 1)


# What moves, and what is secret


def test_a_second_run_is_the_same_although_everything_volatile_moved(account):
    first, second = read(account), read(account)
    assert first.found
    for scope in first.found:
        assert first.canonical(scope) == second.canonical(scope)


def test_a_field_that_nobody_foresaw_can_be_left_out(account):
    assert read(account).one("disk0").attributes["properties"]["diskSizeGB"] == 32
    assert "diskSizeGB" not in read(account, ignore_fields=["properties.diskSizeGB"]).one("disk0").attributes["properties"]


def test_secrets_in_documents_of_azure_are_masked(account):
    canaries = [f"canary-{number}-q7" for number in range(6)]
    account.add(
        "Microsoft.Compute/disks",
        "secretive",
        {
            "connectionString": f"AccountName=x;AccountKey={canaries[0]}",
            "settings": {"commandToExecute": f"run.sh --password {canaries[1]}"},
        },
        tags={"dbPassword": canaries[2], "ConnectionString": f"Server=x;Password={canaries[3]}", "team": "net"},
    )
    account.objects[SUBSCRIPTION]["microsoft.compute/virtualmachines"][0]["properties"]["userData"] = f"export API_TOKEN={canaries[4]}"
    account.objects[SUBSCRIPTION]["microsoft.compute/virtualmachines"][0]["tags"] = {"sas": f"https://x/?sv=1&sig={canaries[5]}"}
    sink = read(account)
    stored = msgspec.json.encode([resource for _, resource in sink.all()]).decode()
    assert not [canary for canary in canaries if canary in stored]
    assert sink.one("secretive").tags["team"] == "net"
