"""Makes resources of API objects: stable, linked, and without a secret."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from providers.catalogue import paths, shape
from providers.catalogue.kinds import LinkRule, ResourceKind
from providers.catalogue.masking import Masking
from providers.errors import DataError
from providers.kubernetes import annotation, catalogue, clouds, derived
from providers.kubernetes.catalogue import KubernetesKind
from providers.kubernetes.listing import Item, Listed
from providers.kubernetes.names import Names, UnreadableIndex
from providers.kubernetes.status import stable
from providers.records import Link, Resource

_SECONDS = re.compile(r"1\d{9}")
_DATA_FIELDS = ("f:data", "f:binaryData", "f:stringData")


class KubernetesShape(shape.Shape):
    """Makes resources of the objects of one cluster. For one thread at a time."""

    def __init__(self, cluster: str, names: Names, ignored: Iterable[str], masking: Masking, aws_account: str = "") -> None:
        """`cluster` is the identity of the cluster, which every id begins with; `aws_account` is where its nodes run."""
        super().__init__(ignored, masking)
        self._cluster, self._names, self._unknown, self._aws_account = cluster, names, False, aws_account

    def object(self, kind: KubernetesKind, item: Item, links: Iterable[Link] = ()) -> Resource:
        """The resource of an object. Raises `DataError` when the object lacks its uid or its name.

        `links` are further ones. With `links_partial` when an object that it names may be there and cannot be looked up.
        """
        metadata = item.get("metadata")
        for key in ("uid", "name"):
            if not isinstance(metadata, Mapping) or not isinstance(metadata.get(key), str) or not metadata[key]:
                raise DataError(f"it has no {key}")
        self._unknown = False
        context = {"cluster": self._cluster, "kind": kind.kind, "group": kind.group}
        found = self.resource(kind, _stored(item), context, links=links)
        parent = found.parent or ("" if item["metadata"].get("namespace") else self._cluster)
        return msgspec.structs.replace(found, parent=parent, links_partial=self._unknown)

    def spelling(self, external_id: str) -> str:
        """The id itself, or that of the object which is named after an ``@``."""
        if not external_id.startswith("@"):
            return external_id
        try:
            return self._names.find(external_id[1:])
        except UnreadableIndex:
            self._unknown = True
            return ""

    def _links(self, rule: LinkRule, item: shape.Item, context: shape.Context) -> Iterator[Link]:
        if not rule.to.startswith((catalogue.SELECTED, catalogue.SELECTING)):
            yield from super()._links(rule, item, context)
            return
        try:
            yield from (Link(rule.type, found) for found in self._matching(rule, item, item["metadata"].get("namespace", "")))
        except UnreadableIndex:
            self._unknown = True

    def _matching(self, rule: LinkRule, item: shape.Item, namespace: str) -> Iterator[str]:
        """The objects that the selectors at the rule's path fit, or those whose selectors fit the labels at it."""
        if rule.to.startswith(catalogue.SELECTING):
            plural, path = rule.to.removeprefix(catalogue.SELECTING).split(":")
            yield from self._names.selecting(plural, path, namespace, paths.first(item, rule.path) or {})
            return
        for selector in paths.values(item, rule.path):
            yield from (found for found, _ in self._names.selected(rule.to.removeprefix(catalogue.SELECTED), namespace, selector))

    def target(self, rule: LinkRule, value: Any, item: shape.Item, context: shape.Context) -> str:
        """The id that a rule's target means for a value: see `providers.kubernetes.catalogue`."""
        if rule.to.startswith(catalogue.REFERENCE):
            return self._referred(rule.to.removeprefix(catalogue.REFERENCE).removeprefix(":"), value, item)
        match rule.to:
            case catalogue.MACHINE:
                return clouds.machine(str(value), self._aws_account)
            case catalogue.VOLUME:
                return clouds.volume(str(value), str(paths.first(item, catalogue.ZONE) or ""), self._aws_account)
            case catalogue.HOST:
                return self._service(str(value), item["metadata"].get("namespace", ""))
            case _:
                return super().target(rule, value, item, context)

    def _referred(self, usual: str, value: Any, item: shape.Item) -> str:
        """The object that a reference names by kind, group, namespace and name; `usual` is its kind and group where it has none."""
        if not isinstance(value, Mapping) or not value.get("name"):
            return ""
        usual_kind, _, usual_group = usual.partition(".")
        kind = str(value.get("kind") or usual_kind)
        if kind in derived.SUBJECTS:
            return derived.subject_id(self._cluster, kind, str(value["name"]))
        try:
            found = self._names.type_of(kind, _group_of(value, usual_group if kind == usual_kind else None))
        except UnreadableIndex:
            self._unknown, found = True, None
        if found is None:
            return ""
        namespace = value.get("namespace") or item["metadata"].get("namespace", "")
        return self.spelling(f"@{found.name}/{namespace}/{value['name']}" if found.namespaced else f"@{found.name}/{value['name']}")

    def _service(self, host: str, namespace: str) -> str:
        """The Service of a host name inside the cluster; empty for a host outside."""
        name, *rest = host.split(".")
        if len(rest) > 1 and rest[1] != "svc":
            return ""
        return self.spelling(f"@services/{rest[0] if rest else namespace}/{name}")

    def name(self, kind: ResourceKind, item: shape.Item, tags: Mapping[str, str], external_id: str) -> str:  # noqa: ARG002
        """The name, with the namespace in front."""
        metadata = item["metadata"]
        return f"{metadata['namespace']}/{metadata['name']}" if metadata.get("namespace") else str(metadata["name"])


def _group_of(reference: Mapping[str, Any], usual: str | None) -> str | None:
    """The group that a reference names; None when any will do."""
    for key in ("apiGroup", "group"):
        if isinstance(reference.get(key), str):
            return str(reference[key])
    version = reference.get("apiVersion")
    return version.rpartition("/")[0] if isinstance(version, str) and version else usual


def _stored(item: Item) -> Item:
    """A copy of an object: of annotations and environment variables what is not a secret, of the status what is stable."""
    metadata = {**item["metadata"]}
    if found := metadata.pop("annotations", None):
        kept = annotation.kept(found)
        metadata |= {"annotations": kept} if kept else {}
    rest = {
        key: _without_values(value) for key, value in item.items() if key not in ("metadata", "status", "data", "stringData", "binaryData")
    }
    if isinstance(spec := rest.get("spec"), dict) and isinstance(taints := spec.get("taints"), list):
        spec["taints"] = [_without_stamp(taint) for taint in taints]
    status = {"status": stable(item["status"])} if item.get("status") is not None else {}
    return {"metadata": metadata, **rest, **status}


def _without_stamp(taint: Any) -> Any:
    """A taint of a node without a value that is a time in seconds, as the cluster autoscaler sets it."""
    is_stamped = isinstance(taint, Mapping) and bool(_SECONDS.fullmatch(str(taint.get("value", ""))))
    return {key: value for key, value in taint.items() if key != "value"} if is_stamped else taint


def _without_values(value: Any) -> Any:
    """A copy without the values of environment variables: only their names are inventory."""
    if isinstance(value, Mapping):
        kept = {key: _without_values(inner) for key, inner in value.items()}
        if isinstance(value.get("env"), list):
            kept["env"] = [_without_value(entry) for entry in value["env"]]
        return kept
    return [_without_values(inner) for inner in value] if isinstance(value, list) else value


def _without_value(entry: Any) -> Any:
    return {key: inner for key, inner in entry.items() if key != "value"} if isinstance(entry, Mapping) else entry


def metadata_only(listed: Listed) -> Item:
    """A Secret or ConfigMap: its metadata, type, the names of its keys and whether it is immutable, and no value of anything.

    Which keys there are, and that `immutable` is set, stands in the record of who manages which field. Where that record is not whole,
    `keysUntold` is the number of keys without a name.
    """
    item = listed.item()
    metadata = item["metadata"]
    fields = list(_managed_fields(metadata))
    keys = sorted(
        {key.removeprefix("f:") for own in fields for name in _DATA_FIELDS for key in own.get(name) or () if key.startswith("f:")}
    )
    untold = _number(listed.cells.get("Data")) - len(keys)
    found: Item = {"metadata": _without_annotation_values(metadata), "keys": keys}
    found |= {"type": listed.cells["Type"]} if listed.cells.get("Type") else {}
    found |= {"keysUntold": untold} if untold > 0 else {}
    return found | ({"immutable": True} if any("f:immutable" in own for own in fields) else {})


def _managed_fields(metadata: Item) -> Iterator[Item]:
    for entry in metadata.get("managedFields") or ():
        own = entry.get("fieldsV1") if isinstance(entry, dict) else None
        if isinstance(own, dict):
            yield own


def _without_annotation_values(metadata: Item) -> Item:
    names = annotation.names(metadata.get("annotations") or {})
    kept = {key: value for key, value in metadata.items() if key != "annotations"}
    return kept | ({"annotations": names} if names else {})


def _number(cell: Any) -> int:
    return int(cell) if isinstance(cell, int | float) or (isinstance(cell, str) and cell.isdecimal()) else 0
