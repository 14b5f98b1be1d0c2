"""Objects that others name: from type, namespace and name to the external id."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeVar

from providers.catalogue import paths
from providers.concurrency import OncePerKey
from providers.errors import ScopeError
from providers.kubernetes.api_type import ApiType
from providers.kubernetes.listing import Lists
from providers.kubernetes.selectors import Labels, matches

T = TypeVar("T")

Index = Mapping[tuple[str, str], str]
SelectorIndex = Mapping[str, list[tuple[str, Any]]]
"""Namespace -> (external id, selector) of its objects."""
LabelIndex = Mapping[str, list[tuple[str, Labels]]]
"""Namespace -> (external id, labels) of its objects."""


class UnreadableIndex(Exception):
    """The objects of a type could not be listed: whether a name is one of them is not known."""


class Names:
    """Looks objects up by their names. A type is listed once, by the first thread that needs it, and only its metadata."""

    def __init__(
        self, lists: Lists, cluster: str, types: Iterable[ApiType], namespaces: Mapping[str, str], unknown: Collection[str] = ()
    ) -> None:
        """`namespaces` maps the names of those that are read to their uids; empty: all are read.

        `unknown` are the groups whose types the server did not tell: whether there is an object of theirs is not known.
        """
        self._lists, self._cluster, self._namespaces, self._unknown = lists, cluster, namespaces, unknown
        self._types = {one.name: one for one in types}
        self._labels: OncePerKey[tuple[str, str], LabelIndex] = OncePerKey((UnreadableIndex,))
        self._selectors: OncePerKey[tuple[str, str], SelectorIndex] = OncePerKey((UnreadableIndex,))
        self._indices: OncePerKey[tuple[str, str], Index] = OncePerKey((UnreadableIndex,))

    def find(self, reference: str) -> str:
        """The external id for ``plural[.group]/[namespace/]name``; empty when there is no such object.

        Raises `UnreadableIndex` when that is not known.
        """
        plural, *namespace, name = reference.split("/", 2)
        kind = self._types.get(plural)
        if plural == "namespaces" and self._namespaces:
            return self._own_namespace(name)
        if kind is None:
            return self._nothing(plural, "")
        inside = namespace[0] if namespace and kind.namespaced else ""
        if inside and self._namespaces and inside not in self._namespaces:
            raise UnreadableIndex(f"namespace {inside} is not read")
        where = inside if self._namespaces else ""
        return self._indices.get((plural, where), lambda: self._index(kind, where)).get((inside, name), "")

    def _nothing(self, plural: str, nothing: T) -> T:
        """Nothing, for a type that the server does not have. Raises `UnreadableIndex` when that is not known."""
        if plural.partition(".")[2] in self._unknown:
            raise UnreadableIndex(f"the API server did not tell the types of {plural.partition('.')[2]}")
        return nothing

    def type_of(self, kind: str, group: str | None) -> ApiType | None:
        """The type of a kind that an object refers to; without a group, the only or the first one of that kind.

        Raises `UnreadableIndex` when it may be one that the server did not tell.
        """
        found = next((one for one in self._types.values() if one.kind == kind and group in (None, one.group)), None)
        if found is None and (group in self._unknown if group is not None else self._unknown):
            raise UnreadableIndex(f"the API server did not tell all its types: {kind} may be one of them")
        return found

    def selected(self, plural: str, namespace: str, selector: Any) -> list[tuple[str, Labels]]:
        """External ids and labels of the objects in a namespace that a selector fits. Raises `UnreadableIndex` when that is not known."""
        kind = self._types.get(plural)
        if kind is None:
            return self._nothing(plural, [])
        if self._namespaces and namespace not in self._namespaces:
            raise UnreadableIndex(f"namespace {namespace} is not read")
        where = namespace if self._namespaces else ""
        index = self._labels.get((plural, where), lambda: self._labelled(kind, where))
        return [(found, labels) for found, labels in index.get(namespace, ()) if matches(selector, labels)]

    def _labelled(self, kind: ApiType, namespace: str) -> LabelIndex:
        found: dict[str, list[tuple[str, Labels]]] = {}
        try:
            for listed in self._lists.metadata(kind, namespace):
                uid, where, _ = listed.identity
                found.setdefault(where, []).append((f"{self._cluster}/{uid}", listed.labels))
        except ScopeError as error:
            raise UnreadableIndex(str(error)) from None
        return found

    def selecting(self, plural: str, path: str, namespace: str, labels: Labels) -> list[str]:
        """External ids of the objects in a namespace whose selector, which is at `path`, fits labels. Raises `UnreadableIndex`."""
        kind = self._types.get(plural)
        if kind is None:
            return self._nothing(plural, [])
        if self._namespaces and namespace not in self._namespaces:
            raise UnreadableIndex(f"namespace {namespace} is not read")
        where = namespace if self._namespaces else ""
        index = self._selectors.get((plural, where), lambda: self._with_selectors(kind, path, where))
        return [found for found, selector in index.get(namespace, ()) if matches(selector, labels)]

    def _with_selectors(self, kind: ApiType, path: str, namespace: str) -> SelectorIndex:
        found: dict[str, list[tuple[str, Any]]] = {}
        try:
            for listed in self._lists.objects(kind, namespace):
                uid, where, _ = listed.identity
                selector = paths.first(listed.item(), path)
                if selector is not None:
                    found.setdefault(where, []).append((f"{self._cluster}/{uid}", selector))
        except (ScopeError, ValueError) as error:
            raise UnreadableIndex(str(error)) from None
        return found

    def _own_namespace(self, name: str) -> str:
        uid = self._namespaces.get(name)
        if not uid:
            raise UnreadableIndex(f"namespace {name} is not read")
        return f"{self._cluster}/{uid}"

    def _index(self, kind: ApiType, namespace: str) -> Index:
        names: dict[tuple[str, str], str] = {}
        try:
            for listed in self._lists.metadata(kind, namespace):
                uid, where, name = listed.identity
                names[where, name] = f"{self._cluster}/{uid}"
        except ScopeError as error:
            raise UnreadableIndex(str(error)) from None
        return names
