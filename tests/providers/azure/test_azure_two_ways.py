"""Where both have a type, Resource Graph and Resource Manager give the same resources: same id, attributes, tags and links."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from azure_account import outcome, read
from peers.arm_account import SUBSCRIPTION

from providers.azure import catalogue
from providers.azure.kinds import RESOURCES, AzureKind
from providers.errors import Outcome

KINDS = [kind for kind in catalogue.in_table(RESOURCES) if not kind.rest]

MORE = {
    "tags": {"team": "net"},
    "sku": {"name": "Standard", "tier": "Regional"},
    "zones": ["1", "2"],
    "identity": {"type": "SystemAssigned", "principalId": "11111111-0000-4000-8000-000000000000"},
    "kind": "something",
    "managedBy": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/Prod/providers/Microsoft.Compute/virtualMachines/VM1",
    "plan": {"name": "plan", "publisher": "contoso"},
    "extendedLocation": {"name": "edge", "type": "EdgeZone"},
    "systemData": {"createdAt": "2026-01-01T00:00:00Z", "lastModifiedAt": "2026-02-01T00:00:00Z"},
    "etag": 'W/"1"',
}
"""Fields that objects of Resource Manager have beside their properties; Resource Graph has columns of its own for some of them."""


def objects(azure) -> Iterator[tuple[AzureKind, str]]:
    """One object of each type, with a reference in its properties; below another one where the type is below one."""
    vnet = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/Prod/providers/Microsoft.Network/virtualNetworks/One"
    for number, kind in enumerate(KINDS):
        more = {**MORE, "kind": kind.variant or MORE["kind"]}
        namespace, above, *below = kind.arm_type.split("/")
        path = "/".join((namespace, above, f"Object{number}", *(word for one in below for word in (one, "Inner"))))
        arm_id = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/Prod/providers/{path}"
        azure.add(kind.arm_type, path.rpartition("/")[2], {"network": {"id": vnet}, "size": number}, id=arm_id, **more)
        yield kind, arm_id


@pytest.fixture
def account(azure):
    azure.subscription()
    azure.page = 1000
    return azure


def test_resource_graph_and_resource_manager_give_the_same_resources(account):
    made = dict(objects(account))
    by_graph = read(account)
    account.lagging = set(made.values())
    account.requests.clear()
    by_manager = read(account)

    asked = {path.partition("?")[0].lower() for _, path in account.requests}
    for kind, arm_id in made.items():
        assert outcome(by_graph, kind.sub_type) == outcome(by_manager, kind.sub_type) == (Outcome.COMPLETE, 1), kind.sub_type
        assert arm_id.lower() in asked, "each was asked of Resource Manager"
    for scope in by_graph.found:
        assert not by_manager.differences(by_graph, scope), scope
    assert len(made) > 50
