"""Plans the reading of subscriptions: what Resource Graph can prove complete comes from it, the rest from Resource Manager."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator

from providers import expiry
from providers.azure import catalogue
from providers.azure.client import Connection, load_clients
from providers.azure.config import AzureConfig, AzureOperator
from providers.azure.graph import BATCH, GraphReading, scope_of
from providers.azure.hierarchy import Hierarchy
from providers.azure.kinds import AzureKind
from providers.azure.reading import Reading
from providers.azure.rights import Rights
from providers.azure.shape import AzureShape
from providers.azure.subscriptions import Subscriptions
from providers.catalogue import paths
from providers.errors import Denied, Outcome, ProviderError
from providers.http.credential import Credential
from providers.microsoft.failure import classify
from providers.provider import Item, Read, Source
from providers.records import Identity, Incomplete, Placed, Resource, Scope

GRAPH_LANE = "resource graph"
"""Resource Graph's quota is the caller's and small: its queries run one after the other."""


SHOWN = 20
"""Visible subscriptions that a test names beside one that is not."""


class AzureSource(Source):
    """One sign-in and the subscriptions that it sees."""

    concurrency = 16
    lane_width = 4  # reads of one subscription: its read quota is small and shared with everybody else's tools

    def __init__(self, config: AzureConfig, operator: AzureOperator) -> None:
        self._config = config
        self._connection = Connection(config, operator)
        self._reading = Reading(self._connection, AzureShape(config.ignore_fields, config.mask_names))
        self._subscriptions = Subscriptions(self._connection, config)
        self._rights = Rights(self._connection)
        self._read_at_owner = set[Scope]()
        """Scopes of management groups that the job reads itself: what subscriptions see of them is left to that."""

    def check(self) -> Identity:
        """Signs in and counts the subscriptions."""
        seen = self._subscriptions.visible
        if not seen:
            raise Denied(
                "signed in to Azure, but no subscription is visible: give the principal the role Reader on one",
                permission=catalogue.SUBSCRIPTION.action,
            )
        details = {"subscriptions": str(len(seen)), **expiry.details(self._connection.expires_at)}
        return Identity(self._connection.who, self._subscriptions.tenant, details)

    def unknown(self) -> Iterator[str]:
        """The subscriptions that the principal does not see."""
        seen = self._subscriptions.visible
        for named in self._config.subscription_ids:
            if named.lower() not in seen:
                shown = ", ".join(sorted(seen)[:SHOWN]) + (" ..." if len(seen) > SHOWN else "")
                yield f"`subscription_ids`: there is no subscription `{named}`, or it is not visible; subscriptions: {shown}"

    def plan(self) -> Iterator[Read]:
        """Every subscription asked for; one that is not visible is a denied scope, not an absent one."""
        visible, readable = self._subscriptions.visible, []
        if visible:
            yield from self._tenant_wide()
        for wanted in self._subscriptions.wanted():
            if wanted not in visible:
                yield _whole(wanted, functools.partial(_invisible, wanted))
            elif str(visible[wanted].get("state", "")).lower() == "deleted":
                yield _whole(wanted, functools.partial(_deleted, wanted))
            else:
                readable.append(wanted)
                yield from self._apart(wanted)
        for start in range(0, len(readable), BATCH):
            yield from self._graph(readable[start : start + BATCH])

    def classify(self, error: Exception) -> ProviderError | None:
        """Azure's exceptions in our words."""
        return classify(error, "AZURE_")

    def warm(self) -> None:
        """Loads the typed clients."""
        load_clients()

    @property
    def credential(self) -> Credential:
        """The verdict over the principal with which everything is read."""
        return self._connection.credential

    def close(self) -> None:
        """Closes all open connections."""
        self._connection.close()

    def _tenant_wide(self) -> Iterator[Read]:
        """The reads of what belongs to no subscription."""
        hierarchy, tenant = Hierarchy(self._connection, self._reading), self._subscriptions.tenant
        yield Read((scope_of(catalogue.TENANT, tenant),), functools.partial(hierarchy.tenant, tenant), lane=tenant)
        yield Read((scope_of(catalogue.MANAGEMENT_GROUP, tenant),), functools.partial(hierarchy.management_groups, tenant), lane=tenant)
        for kind in catalogue.inherited():
            for group in self._subscriptions.groups():
                scope = self._owned_by(group, kind)
                self._read_at_owner.add(scope)
                yield Read((scope,), functools.partial(hierarchy.set_on, kind, group), lane=tenant)

    def _apart(self, subscription: str) -> Iterator[Read]:
        """The reads of one subscription through Resource Manager."""
        yield Read(
            (scope_of(catalogue.SUBSCRIPTION, subscription),), functools.partial(self._subscription, subscription), lane=subscription
        )
        for kind in catalogue.read_apart():
            scopes = tuple(scope_of(one, subscription) for one in catalogue.together(kind))
            yield Read(scopes, functools.partial(self._items, kind, subscription), lane=subscription)
        for kind in catalogue.optional_beneath():
            if kind.sub_type in self._config.optional_types:
                fetch = functools.partial(self._beneath_each, kind, subscription)
                yield Read((scope_of(kind, subscription),), fetch, lane=subscription)

    def _graph(self, subscriptions: list[str]) -> Iterator[Read]:
        """One read for each table of Resource Graph, for all of these subscriptions."""
        for table in catalogue.tables():
            kinds = [one for kind in catalogue.in_table(table) for one in catalogue.together(kind)]
            scopes = tuple(scope_of(kind, subscription) for subscription in subscriptions for kind in kinds)
            reading = GraphReading(self._connection, self._reading, self._rights, table, self._config.page_size)
            yield Read(scopes, functools.partial(reading.items, subscriptions), lane=GRAPH_LANE)

    def _subscription(self, subscription: str) -> Iterator[Item]:
        yield self._reading.resource(catalogue.SUBSCRIPTION, self._subscriptions.visible[subscription], subscription)

    def _items(self, kind: AzureKind, subscription: str) -> Iterator[Item]:
        for item in self._reading.items(kind, subscription):
            above = self._scope_above(kind, item, subscription) if isinstance(item, Resource) else None
            if above not in self._read_at_owner:
                yield Placed(above, item) if above and isinstance(item, Resource) else item

        for one in catalogue.together(kind):
            yield from self._unproven(one, (kind,), subscription)

    def _beneath_each(self, kind: AzureKind, subscription: str) -> Iterator[Item]:
        yield from self._reading.beneath_each(kind, subscription)
        yield from self._unproven(kind, (catalogue.OTHER, catalogue.above(kind)), subscription)

    def _unproven(self, kind: AzureKind, listed: Iterable[AzureKind], subscription: str) -> Iterator[Incomplete]:
        """The reason why the type may lack something: the caller may not read all of the types that were listed for it."""
        return (Incomplete.because(kind.sub_type, error) for _, error in self._rights.refused(listed, subscription)[:1])

    def _scope_above(self, kind: AzureKind, item: Resource, subscription: str) -> Scope | None:
        """The scope of what a subscription inherits from a management group or the tenant, by the resource's own id.

        It is the same from each subscription below, so that an assignment has one owner, whoever saw it.
        """
        path, value = kind.common
        if path:
            return self._owned_by("/", kind) if paths.first(item.attributes, path) == value else None
        if item.sub_type != kind.sub_type or item.external_id.startswith(f"/subscriptions/{subscription}/"):
            return None
        owner = item.external_id.rpartition("/providers/")[0] or "/"
        return None if owner.startswith("/subscriptions/") else self._owned_by(owner, kind)

    def _owned_by(self, owner: str, kind: AzureKind) -> Scope:
        return Scope("azure", self._subscriptions.tenant, "", kind.sub_type, owner)


def _whole(subscription: str, fetch: functools.partial[Iterable[Item]]) -> Read:
    return Read((Scope("azure", subscription, "", "*"),), fetch)


def _invisible(subscription: str) -> Iterable[Item]:
    raise Denied(
        f"subscription {subscription} is not visible to these credentials: give the principal the role Reader on it, or correct the id",
        permission=catalogue.SUBSCRIPTION.action,
    )


def _deleted(subscription: str) -> Iterable[Item]:
    return [Incomplete("*", Outcome.SKIPPED, f"subscription {subscription} is deleted (its state is Deleted): nothing of it can be read")]
