"""Reads a cluster: asks what the server has, and lists each type to its last page."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from providers.concurrency import OncePerKey
from providers.errors import BadAnswer, ProviderError, ScopeError
from providers.kubernetes import catalogue
from providers.kubernetes.client import Client, Gone
from providers.kubernetes.config import KubernetesConfig, KubernetesOperator
from providers.kubernetes.kubeconfig import access
from providers.kubernetes.objects import resource
from providers.provider import Item, Read, Source
from providers.records import Identity, Resource, Scope

RESTARTS = 3
"""How often a list that expired under way is begun anew."""

PAGE_BUDGET = 100_000


class Type(msgspec.Struct, frozen=True):
    """A type that the server has. `base` is the path of its group and version."""

    base: str
    group: str
    plural: str
    kind: str
    namespaced: bool

    @property
    def permission(self) -> str:
        """As RBAC says it."""
        return f"list {self.plural}" + (f".{self.group}" if self.group else "")

    def path(self, namespace: str = "") -> str:
        """Of its list."""
        return f"{self.base}/namespaces/{namespace}/{self.plural}" if namespace else f"{self.base}/{self.plural}"


class Cluster(Source):
    """One cluster."""

    concurrency = 8
    lane_width = 8

    def __init__(self, config: KubernetesConfig, operator: KubernetesOperator) -> None:
        self._config = config
        self._client = Client(access(config, operator))
        self._index = OncePerKey[str, dict[tuple[str, str], str]]()
        self._types: dict[str, Type] = {}

    def check(self) -> Identity:
        """Its version and its uid."""
        version = self._client.get("/version", what="read /version")
        name = self._config.cluster_name or self._uid
        return Identity(name, self._uid, {"version": str(version.get("gitVersion", "")), "platform": str(version.get("platform", ""))})

    @functools.cached_property
    def _uid(self) -> str:
        """The uid of the namespace kube-system: as long as the cluster lives, and nobody else's."""
        found = self._client.get("/api/v1/namespaces/kube-system", what="get namespaces/kube-system")
        return str(found["metadata"]["uid"])

    def plan(self) -> Iterator[Read]:
        """A read for the cluster itself, and one for each type; a group that does not answer is a scope that failed."""
        yield Read((self._scope(catalogue.CLUSTER),), self._itself)
        types, failures = self._discover()
        self._types = {kind.plural: kind for kind in reversed(types)}  # the core group's come first, and win
        for kind in types:
            if kind.plural not in self._config.exclude_types and (kind.namespaced or not self._config.namespaces):
                yield Read((self._scope(catalogue.sub_type(kind.kind), kind.group),), functools.partial(self._list, kind))
        for group, error in failures.items():
            yield Read((self._scope("*", group),), functools.partial(_fail, error))

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _scope(self, resource_type: str, group: str = "") -> Scope:
        """Of a type; kinds of two groups may share a name, and a filter on namespaces makes another scope."""
        parts = [f"group={group}"] if group and not group.endswith("k8s.io") and "." in group else []
        parts += [f"namespaces={','.join(sorted(self._config.namespaces))}"] if self._config.namespaces else []
        return Scope("kubernetes", self._uid, "", resource_type, ";".join(parts))

    def _discover(self) -> tuple[list[Type], dict[str, ProviderError]]:
        """Every listable type once, in the version that its group prefers, else in another."""
        found: dict[tuple[str, str], Type] = {}
        failures: dict[str, ProviderError] = {}
        for group, bases in self._groups():
            for base in bases:
                try:
                    answer = self._client.get(base, what=f"read {base}")
                except ProviderError as error:
                    failures[group] = error
                    continue
                for one in answer.get("resources") or ():
                    listable = "/" not in one["name"] and "list" in (one.get("verbs") or ())
                    if listable and one["name"] not in catalogue.WITHOUT_IDENTITY:
                        found.setdefault((group, one["name"]), Type(base, group, one["name"], one["kind"], one["namespaced"]))
        return list(found.values()), failures

    def _groups(self) -> Iterator[tuple[str, list[str]]]:
        yield "", [f"/api/{version}" for version in self._client.get("/api", what="read /api").get("versions") or ()]
        for group in self._client.get("/apis", what="read /apis").get("groups") or ():
            if group["name"] not in catalogue.SKIPPED_GROUPS:
                preferred = (group.get("preferredVersion") or {}).get("groupVersion")
                versions = sorted((one["groupVersion"] for one in group["versions"]), key=lambda version: version != preferred)
                yield group["name"], [f"/apis/{version}" for version in versions]

    def _itself(self) -> Iterator[Resource]:
        version = self._client.get("/version", what="read /version")
        attributes: dict[str, Any] = {key: version[key] for key in ("gitVersion", "major", "minor", "platform") if key in version}
        yield Resource(self._uid, "cluster", catalogue.CLUSTER, self._config.cluster_name or self._uid, attributes)

    def _list(self, kind: Type) -> Iterator[Item]:
        seen: set[str] = set()
        for namespace in self._config.namespaces or ("",):
            for item in self._items(kind, namespace, metadata=kind.plural in catalogue.METADATA_ONLY):
                if item["metadata"]["uid"] not in seen:  # a list that was begun anew
                    seen.add(item["metadata"]["uid"])
                    yield resource(item, kind.kind, self._uid, self._find)

    def _items(self, kind: Type, namespace: str = "", *, metadata: bool) -> Iterator[dict[str, Any]]:
        for attempt in range(RESTARTS + 1):
            try:
                yield from self._pages(kind, namespace, metadata=metadata)
            except Gone:
                if attempt == RESTARTS:
                    raise
            else:
                return

    def _pages(self, kind: Type, namespace: str, *, metadata: bool) -> Iterator[dict[str, Any]]:
        query: dict[str, Any] = {"limit": self._config.page_size}
        seen: set[str] = set()
        while True:
            answer = self._client.get(kind.path(namespace), query, metadata=metadata, what=kind.permission)
            yield from answer.get("items") or ()
            token = (answer.get("metadata") or {}).get("continue")
            if not token:
                return
            if token in seen or len(seen) > PAGE_BUDGET:
                raise BadAnswer(f"the pages of '{kind.permission}' lead in a circle")
            seen.add(token)
            query["continue"] = token

    def _find(self, plural: str, namespace: str, name: str) -> str:
        """The external id of an object that is known by its name alone; empty when it is not there or may not be seen."""
        names = self._index.get(plural, lambda: self._names(plural))
        kind = self._types.get(plural)
        return names.get((namespace if kind and kind.namespaced else "", name), "")

    def _names(self, plural: str) -> dict[tuple[str, str], str]:
        kind = self._types.get(plural)
        if kind is None:
            return {}
        names: dict[tuple[str, str], str] = {}
        try:
            for item in self._items(kind, metadata=True):
                metadata = item["metadata"]
                names[metadata.get("namespace") or "", metadata["name"]] = f"{self._uid}/{metadata['uid']}"
        except ScopeError:
            return {}  # its own scope says why; links to it are left out
        return names


def _fail(error: ProviderError) -> Iterable[Item]:
    raise error
