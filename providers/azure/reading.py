"""Reads the items of a type in one subscription, as its kind declares, and makes resources of them.

What one item lacks is that item's: an attribute that could not be read is named in `Unreadable`, and an item without an id is rejected.
"""

from __future__ import annotations

import concurrent.futures
import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from providers.azure import catalogue
from providers.azure.client import Connection
from providers.azure.failure import Gone
from providers.azure.kinds import AzureKind, Joined
from providers.azure.shape import AzureShape, arguments_of, container_of, group_of, holder_of
from providers.catalogue import paths
from providers.errors import DataError, ScopeError, Unsupported
from providers.provider import Item
from providers.records import UNREADABLE, Incomplete, Rejected, Resource

LISTS_AT_ONCE = 8
"""Lists beneath resources of one type that are read at once: the containers of so many storage accounts."""

RESOURCES_PATH, RESOURCES_VERSION = "/subscriptions/{subscription}/resources", "2021-04-01"
"""Resource Manager's own list of a subscription's resources: ids and types, without their properties."""

RESOURCES_READ = "Microsoft.Resources/subscriptions/resources/read"
"""The permission without which that list is short, and does not say so."""

Document = Mapping[str, Any]

_OF_PARENT = ("id", "name", "location")
"""Fields that what is read beneath a resource needs of it; the whole resource would be kept until its list is read."""


class Reading:
    """Makes resources of one connection's answers."""

    def __init__(self, connection: Connection, shape: AzureShape) -> None:
        self._connection, self._shape = connection, shape

    def items(self, kind: AzureKind, subscription: str) -> Iterator[Item]:
        """All resources of a type that Resource Manager lists, and of the types that are read with each of them."""
        parents = self._documents(kind, subscription)
        if not catalogue.beneath(kind):
            yield from (self.resource(kind, document, subscription) for document in parents)
            return
        kept: list[Document] = []
        for document in parents:
            yield (made := self.resource(kind, document, subscription))
            if isinstance(made, Resource):
                kept.append({name: document[name] for name in _OF_PARENT if name in document})
        for below in catalogue.beneath(kind):
            with concurrent.futures.ThreadPoolExecutor(LISTS_AT_ONCE) as pool:
                for found in pool.map(functools.partial(self._beneath, below, subscription), kept):
                    yield from found

    def resource(self, kind: AzureKind, document: Document, subscription: str, parent: str = "") -> Resource | Rejected:
        """The resource of one document, or why it is none. `parent` is the id of the resource that it was found beneath."""
        arm_id = str(document.get("id") or "")
        context = {
            "subscription": subscription,
            "group": group_of(arm_id),
            "container": container_of(arm_id),
            "holder": holder_of(arm_id),
            "parent": parent,
        }
        try:
            return self._shape.resource(kind, document, context)
        except DataError as error:
            return Rejected(kind.sub_type, str(document.get("name") or "without a name"), str(error))

    def beneath_each(self, kind: AzureKind, subscription: str) -> Iterator[Item]:
        """The resources of a type whose path begins with ``{parent}``, beneath each resource of the type above it."""
        wanted = {"$filter": f"resourceType eq '{catalogue.above(kind).arm_type}'", "$top": "1000"}
        parents = self._connection.list(RESOURCES_PATH.replace("{subscription}", subscription), RESOURCES_VERSION, **wanted)
        with concurrent.futures.ThreadPoolExecutor(LISTS_AT_ONCE) as pool:
            for found in pool.map(functools.partial(self._beneath, kind, subscription), list(parents)):
                yield from found

    def inside(self, kind: AzureKind, parent: Document, subscription: str) -> Iterator[Resource | Rejected]:
        """The resources of a type inside a document of the type above it; they are where that one is."""
        for document in paths.values(parent, kind.inside):
            located = {**document, "location": parent.get("location")}
            yield self.resource(kind, located, subscription, str(parent.get("id") or ""))

    def _documents(self, kind: AzureKind, subscription: str) -> Iterator[Document]:
        if kind.path:
            return self._connection.list(kind.path.replace("{subscription}", subscription), kind.version, permission=kind.action)
        return self._joined(kind, subscription, self._connection.typed(kind.operation, subscription, options=kind.options))

    def _joined(self, kind: AzureKind, subscription: str, documents: Iterable[Document]) -> Iterator[Document]:
        found = [(join, self._second(join, subscription)) for join in kind.joined]
        for document in documents:
            values = {join.attribute: known.get(_key(document)) for join, known in found}
            unread = sorted(attribute for attribute, value in values.items() if value is None)
            yield {**document, **values, **({UNREADABLE: unread} if unread else {})}

    def _second(self, join: Joined, subscription: str) -> dict[str, str]:
        """The attribute by the id of its item. A list that cannot be read has no values; the attribute keeps its last ones."""
        documents = self._connection.typed(join.operation, subscription, options=join.options)
        try:
            return {_key(one): found for one in documents if (found := _starting(paths.values(one, join.path), join.prefix))}
        except ScopeError:
            return {}

    def _beneath(self, kind: AzureKind, subscription: str, parent: Document) -> list[Item]:
        """The resources beneath one other. One that refuses makes their scope incomplete, and not that of the ones above."""
        try:
            documents = list(self._lists_beneath(kind, subscription, str(parent.get("id") or "")))
        except Gone as error:
            return self._unless_gone(kind, parent, error)
        except Unsupported:  # one that cannot have any, as a FileStorage account has no blobs
            return []
        except ScopeError as error:
            return [Incomplete.because(kind.sub_type, error, str(parent.get("name") or parent.get("id")))]
        located = ({**document, "location": parent.get("location")} for document in documents)
        return [self.resource(kind, document, subscription, str(parent.get("id"))) for document in located]

    def _unless_gone(self, kind: AzureKind, parent: Document, said: Gone) -> list[Item]:
        """Nothing beneath a resource that was deleted since it was listed; `Incomplete` where the resource itself still exists."""
        try:
            self._connection.get(str(parent.get("id") or ""), catalogue.above(kind).version)
        except Gone:
            return []
        except ScopeError as error:
            why: ScopeError = error
        else:
            why = ScopeError(f"{said}, and yet the resource above it exists: Azure's answers differ", detail=said.detail)
        return [Incomplete.because(kind.sub_type, why, str(parent.get("name") or parent.get("id")))]

    def _lists_beneath(self, kind: AzureKind, subscription: str, parent: str) -> Iterator[Document]:
        if kind.path:
            return self._connection.list(kind.path.replace("{parent}", parent), kind.version, permission=kind.action)
        return self._connection.typed(kind.operation, subscription, tuple(arguments_of(parent)), kind.options)


def _key(document: Document) -> str:
    return str(document.get("id") or "").lower()


def _starting(values: Iterable[Any], prefix: str) -> str | None:
    return next((text.removeprefix(prefix) for text in values if isinstance(text, str) and text.startswith(prefix)), None)
