"""Azure's role assignments and Entra's principals in one inventory: each assignment is linked to who has it, whichever is read first."""

from __future__ import annotations

import psycopg
import pytest
from peers.arm_account import SECRET as AZURE_SECRET
from peers.arm_account import SUBSCRIPTION
from peers.arm_account import TENANT as AZURE_TENANT
from peers.graph import SECRET, TENANT
from store_runs import Run, add_job

from providers import registry
from providers.collected import Collected
from providers.errors import Outcome
from providers.runner import run
from providers.schema import parse
from providers.testing import operator_of

CONFIGS = {
    "azure": {"tenant_id": AZURE_TENANT, "client_id": "app-1", "client_secret": AZURE_SECRET},
    "entra": {"tenant_id": TENANT, "client_id": "app-1", "client_secret": SECRET},
}
GRANTED = """
select a.external_id, d.target_external_id, p.sub_type, p.name
from dependencies d join entities a on a.id = d.source_id left join entities p on p.id = d.target_id
where a.sub_type = 'azure_role_assignment' and d.dependency_type = 'granted_to'
"""
KINDS = {"Ann": "entra_user", "Operators": "entra_group", "Deployer": "entra_service_principal"}


@pytest.fixture
def principals(graph) -> dict[str, str]:
    """A user, a group and a service principal: their object ids by name."""
    user = graph.add("/users", displayName="Ann", userPrincipalName="ann@contoso.com", accountEnabled=True, userType="Member")
    service = graph.add(
        "/servicePrincipals", displayName="Deployer", appId="app-7", servicePrincipalType="Application", accountEnabled=True
    )
    return {"Ann": user, "Deployer": service, "Operators": graph.group("Operators", user)}


@pytest.fixture
def assignments(azure, principals) -> dict[str, str]:
    """An assignment of a role for each of them, and for one that is no more: their ids by the name of who has it."""
    azure.subscription()
    everybody = {**principals, "Nobody": "deadbeef-aaaa-4aaa-8aaa-aaaaaaaaaaaa"}
    scope = f"/subscriptions/{SUBSCRIPTION}"
    return {name: azure.assign(f"ra-{name}", scope, SUBSCRIPTION, principal=id_.lower()).lower() for name, id_ in everybody.items()}


def read(provider_name: str, operator: dict[str, str]) -> Collected:
    provider, found = registry.get(provider_name), Collected()
    source = provider.open(parse(provider.config, CONFIGS[provider_name]), operator_of(provider, operator))
    try:
        assert set(run(source, found).outcomes) <= {Outcome.COMPLETE, Outcome.UNSUPPORTED}
    finally:
        source.close()
    return found


def store(database: str, sql: psycopg.Connection, provider: str, found: Collected) -> None:
    """One run of a job of the provider, with everything that was read."""
    job = Run(database, add_job(sql, name=provider, provider=provider))
    for scope, resources in found.found.items():
        job.scope(resources, scope, found.reports[scope].outcome)
    job.finish()


@pytest.mark.parametrize("order", [("azure", "entra"), ("entra", "azure")], ids="-then-".join)
def test_an_assignment_is_linked_to_its_principal_whichever_is_read_first(database, sql, azure, graph, assignments, principals, order):
    operators = {"azure": azure.operator, "entra": graph.operator}
    for provider in order:
        store(database, sql, provider, read(provider, operators[provider]))
    granted = {assignment.lower(): (target, kind, name) for assignment, target, kind, name in sql.execute(GRANTED).fetchall()}

    assert granted == {
        **{assignments[name]: (id_.lower(), KINDS[name], name) for name, id_ in principals.items()},
        assignments["Nobody"]: ("deadbeef-aaaa-4aaa-8aaa-aaaaaaaaaaaa", None, None),
    }


def test_until_the_tenant_is_read_the_assignments_know_the_ids_alone(database, sql, azure, graph, assignments):
    store(database, sql, "azure", read("azure", azure.operator))
    rows = sql.execute(GRANTED).fetchall()

    assert len(rows) == len(assignments)
    assert {(kind, name) for _, _, kind, name in rows} == {(None, None)}
