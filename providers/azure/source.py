"""Reads subscriptions: what Resource Graph can prove complete comes from it, the rest from Resource Manager and the typed clients."""

from __future__ import annotations

import concurrent.futures
import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from azure.core.exceptions import AzureError
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.storage import StorageManagementClient

from providers.azure import failure
from providers.azure.catalogue import GRAPH_TYPES, VM_LINKS
from providers.azure.client import Connection
from providers.azure.config import AzureConfig, AzureOperator
from providers.azure.graph import read_graph
from providers.azure.resource import group_of, resource
from providers.errors import Denied, ProviderError, ScopeError, Unsupported
from providers.provider import Item, Read, Source
from providers.records import Identity, Incomplete, Link, Resource, Scope

SUBSCRIPTIONS = "2022-12-01"
RESOURCE_GROUPS = "2021-04-01"
ROLE_ASSIGNMENTS = "2022-04-01"
CONTAINER_LISTS = 8
"""Storage accounts whose containers are listed at once."""


class AzureSource(Source):
    """One sign-in and the subscriptions that it sees."""

    concurrency = 16
    lane_width = 4  # reads of one subscription: its read quota is small and shared with everybody else's tools

    def __init__(self, config: AzureConfig, operator: AzureOperator) -> None:
        self._config = config
        self._connection = Connection(config, operator)
        self._arm = self._connection.arm()

    def check(self) -> Identity:
        """Signs in and counts the subscriptions."""
        seen = self._visible
        if not seen:
            raise Denied(
                "signed in to Azure, but no subscription is visible: give the principal the role Reader on one",
                permission="Microsoft.Resources/subscriptions/read",
            )
        tenant = next(iter(seen.values())).get("tenantId", "")
        return Identity(self._connection.who, tenant, {"subscriptions": str(len(seen))})

    def plan(self) -> Iterator[Read]:
        """Every subscription asked for; one that is not visible is a denied scope, not an absent one."""
        for wanted in [text.lower() for text in self._config.subscription_ids] or list(self._visible):
            if wanted in self._visible:
                yield from self._subscription(wanted)
            else:
                yield Read((Scope("azure", wanted, "", "*"),), functools.partial(_invisible, wanted))

    def _subscription(self, subscription: str) -> Iterator[Read]:
        def scopes(*types: str) -> tuple[Scope, ...]:
            return tuple(Scope("azure", subscription, "", name) for name in types)

        graph_types = [name for kind in GRAPH_TYPES for name in (kind.sub_type, *(c.sub_type for c in kind.children))]
        for types, fetch in (
            (("azure_subscription",), self._account),
            (("azure_resource_group",), self._groups),
            (("azure_vm",), self._machines),
            (("azure_storage_account", "azure_storage_container"), self._storage),
            (("azure_role_assignment",), self._roles),
            (tuple(graph_types), self._graph),
        ):
            yield Read(scopes(*types), functools.partial(fetch, subscription), lane=subscription)

    def classify(self, error: Exception) -> ProviderError | None:
        """Azure's exceptions in our words."""
        return failure.classify(error)

    def close(self) -> None:
        """Closes the connections."""
        self._arm.close()

    @functools.cached_property
    def _visible(self) -> dict[str, dict[str, Any]]:
        return {item["subscriptionId"].lower(): item for item in self._arm.get("/subscriptions", SUBSCRIPTIONS)}

    def _account(self, subscription: str) -> Iterator[Resource]:
        item = self._visible[subscription]
        yield resource({**item, "name": item.get("displayName", "")}, "azure_subscription", "account")

    def _groups(self, subscription: str) -> Iterator[Resource]:
        for item in self._arm.get(f"/subscriptions/{subscription}/resourcegroups", RESOURCE_GROUPS):
            yield resource(item, "azure_resource_group", "resource_group", parent=f"/subscriptions/{subscription}")

    def _roles(self, subscription: str) -> Iterator[Resource]:
        path = f"/subscriptions/{subscription}/providers/Microsoft.Authorization/roleAssignments"
        for item in self._arm.get(path, ROLE_ASSIGNMENTS):
            yield _role_assignment(item)

    def _machines(self, subscription: str) -> Iterator[Resource]:
        with self._connection.typed(ComputeManagementClient, subscription) as compute:
            states = {
                machine.id.lower(): _power_state(machine.as_dict()) for machine in compute.virtual_machines.list_all(status_only="true")
            }
            for machine in compute.virtual_machines.list_all():
                item = machine.as_dict()
                item["powerState"] = states.get(machine.id.lower())
                yield resource(item, "azure_vm", "compute", VM_LINKS, parent=group_of(machine.id))

    def _graph(self, subscription: str) -> Iterator[Item]:
        return read_graph(self._arm, subscription, self._config.page_size)

    def _storage(self, subscription: str) -> Iterator[Item]:
        with (
            self._connection.typed(StorageManagementClient, subscription) as storage,
            concurrent.futures.ThreadPoolExecutor(CONTAINER_LISTS) as pool,
        ):
            accounts = [account.as_dict() for account in storage.storage_accounts.list()]
            yield from (resource(a, "azure_storage_account", "storage", parent=group_of(a["id"])) for a in accounts)
            for found in pool.map(functools.partial(self._containers, storage), accounts):
                yield from found

    def _containers(self, storage: Any, account: Mapping[str, Any]) -> list[Item]:
        """One account's containers; an account that refuses makes the containers' scope incomplete, not the accounts'."""
        parts = account["id"].split("/")
        try:
            containers = [container.as_dict() for container in storage.blob_containers.list(parts[4], parts[8])]
        except AzureError as error:
            ours = failure.classify(error)
            if isinstance(ours, Unsupported):  # a FileStorage account has no blob service
                return []
            return [Incomplete.because("azure_storage_container", ours or ScopeError(type(error).__name__), account["name"])]
        located = ({**item, "location": account.get("location")} for item in containers)
        return [resource(item, "azure_storage_container", "storage", parent=account["id"]) for item in located]


def _invisible(subscription: str) -> Iterable[Item]:
    raise Denied(
        f"subscription {subscription} is not visible to these credentials: give the principal the role Reader on it, or correct the id",
        permission="Microsoft.Resources/subscriptions/read",
    )


def _power_state(machine: Mapping[str, Any]) -> str | None:
    statuses = ((machine.get("properties") or {}).get("instanceView") or {}).get("statuses") or ()
    codes = [status.get("code", "") for status in statuses]
    return next((code.removeprefix("PowerState/") for code in codes if code.startswith("PowerState/")), None)


def _role_assignment(item: Mapping[str, Any]) -> Resource:
    properties = item.get("properties") or {}
    role = properties.get("roleDefinitionId", item["name"]).rsplit("/", 1)[-1]
    pairs = (("grants_role", "roleDefinitionId"), ("on_scope", "scope"), ("granted_to", "principalId"))
    links = tuple(Link(kind, properties[key].lower()) for kind, key in pairs if properties.get(key))
    return msgspec.structs.replace(resource({**item, "name": role}, "azure_role_assignment", "permission"), links=links)
