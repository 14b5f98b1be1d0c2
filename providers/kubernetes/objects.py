"""From an object of the API to a resource: stable, linked, and without a secret."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from providers.catalogue import paths
from providers.kubernetes import catalogue
from providers.records import Link, Resource

VOLATILE = frozenset({"managedFields", "resourceVersion", "selfLink", "lastHeartbeatTime", "lastProbeTime", "renewTime", "lastUpdateTime"})
"""Change while nothing that matters does."""

DROPPED_ANNOTATIONS = ("kubectl.kubernetes.io/last-applied-configuration", "control-plane.alpha.kubernetes.io/leader")
"""Whole copies of the object, secrets in them, and elections."""

Find = Callable[[str, str, str], str]
"""(plural, namespace, name) -> external id, or the empty string."""


def resource(item: Mapping[str, Any], kind: str, cluster: str, find: Find) -> Resource:
    """The resource that an object is. Its id is the cluster's uid and its own."""
    metadata = item["metadata"]
    namespace = metadata.get("namespace") or ""
    name = f"{namespace}/{metadata['name']}" if namespace else metadata["name"]
    return Resource(
        external_id=f"{cluster}/{metadata['uid']}",
        entity_type=catalogue.entity_type(kind),
        sub_type=catalogue.sub_type(kind),
        name=name,
        attributes=_attributes(item),
        tags={key: str(value) for key, value in (metadata.get("labels") or {}).items()},
        links=tuple(dict.fromkeys(_links(item, kind, cluster, namespace, find))),
        parent=find("namespaces", "", namespace) if namespace else "",
    )


def _attributes(item: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in item["metadata"].items() if key not in VOLATILE | {"labels", "annotations"}}
    annotations = {k: v for k, v in (item["metadata"].get("annotations") or {}).items() if k not in DROPPED_ANNOTATIONS}
    if annotations:
        metadata["annotations"] = annotations
    rest = {key: value for key, value in item.items() if key not in ("metadata", "data", "stringData", "binaryData")}
    return {"metadata": metadata, **{key: _stable(value) for key, value in rest.items()}}


def _stable(value: Any) -> Any:
    """Without what is volatile, and without the values of environment variables: only their names are inventory."""
    if isinstance(value, Mapping):
        kept = {key: _stable(inner) for key, inner in value.items() if key not in VOLATILE}
        if isinstance(value.get("env"), list):
            kept["env"] = [_nameless(entry) for entry in value["env"]]
        return kept
    return [_stable(inner) for inner in value] if isinstance(value, list) else value


def _nameless(entry: Any) -> Any:
    return {key: inner for key, inner in entry.items() if key != "value"} if isinstance(entry, Mapping) else entry


def _links(item: Mapping[str, Any], kind: str, cluster: str, namespace: str, find: Find) -> Iterator[Link]:
    for owner in item["metadata"].get("ownerReferences") or ():
        yield Link("owned_by", f"{cluster}/{owner['uid']}")
    known = catalogue.KINDS.get(kind)
    for rule in known.links if known else ():
        for name in paths.values(item, rule.path):
            target = find(rule.plural, namespace, str(name))
            if target:
                yield Link(rule.type, target)
    if kind in ("RoleBinding", "ClusterRoleBinding"):
        yield from _binding(item, kind, namespace, find)


def _binding(item: Mapping[str, Any], kind: str, namespace: str, find: Find) -> Iterator[Link]:
    if kind == "RoleBinding":
        plural = "clusterroles" if paths.first(item, "roleRef.kind") == "ClusterRole" else "roles"
        role = find(plural, namespace, str(paths.first(item, "roleRef.name")))
        if role:
            yield Link("has_role", role)
    for subject in item.get("subjects") or ():
        if subject.get("kind") == "ServiceAccount":
            account = find("serviceaccounts", subject.get("namespace") or namespace, subject["name"])
            if account:
                yield Link("granted_to", account)
