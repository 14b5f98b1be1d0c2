"""From an item of an answer to a resource, as its declaration says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from providers.catalogue import paths
from providers.errors import DataError
from providers.gcp.declaration import Kind, LinkRule, full_name, project_name
from providers.records import Link, Resource

Item = dict[str, Any]

ABOVE = "above"
"""The key under which an item has the one that it was listed under."""


def resource(kind: Kind, item: Item, project: str, organization: str) -> Resource:
    """The resource. Raises `DataError` when the item has nothing that its id is made of. Takes the item apart."""
    context = {"project": project} | ({"selfLink": full_name(item["selfLink"])} if "selfLink" in item else {})
    external_id = paths.fill(kind.id, item, context)
    if not external_id:
        raise DataError(f"a {kind.sub_type} without {' and '.join(paths.holes(kind.id))}")
    labels = paths.first(item, kind.labels) if kind.labels else None
    found = Resource(
        external_id=external_id,
        entity_type=kind.entity_type,
        sub_type=kind.sub_type,
        name=_name(kind, item, external_id),
        tags={str(key): str(value) for key, value in sorted((labels or {}).items())},
        links=tuple(sorted(set(_links(kind.links, item)), key=lambda link: (link.type, link.target))),
        organization=organization,
        parent=paths.fill(kind.parent, item, context) if kind.parent else project_name(project),
        region=region(kind, item),
        attributes=item,
    )
    _strip(kind, item)
    return found


def region(kind: Kind, item: Mapping[str, Any]) -> str:
    """``us-central1`` for what is in ``us-central1-a`` too; empty for what is global."""
    if kind.location:
        return str(paths.first(item, kind.location) or "").lower()
    if zone := item.get("zone"):
        return str(zone).rsplit("/", 1)[-1].rpartition("-")[0]
    return str(item.get("region") or "").rsplit("/", 1)[-1]


def _name(kind: Kind, item: Item, external_id: str) -> str:
    found = str(paths.first(item, kind.name) or external_id)
    return found.rsplit("/", 1)[-1] if found.startswith(("projects/", "//")) else found


def _links(rules: tuple[LinkRule, ...], item: Item) -> Iterator[Link]:
    for rule in rules:
        for value in paths.values(item, rule.path):
            if value:
                yield Link(rule.type, paths.fill(rule.to, {}, {"value": str(value)}) if rule.to else full_name(value))


def _strip(kind: Kind, item: Item) -> None:
    for path in kind.names_only:
        *way, last = path.split(".")
        for node in paths.values(item, ".".join(way)) if way else (item,):
            if last in node:
                node[last] = sorted(str(pair["key"]) for pair in node[last])
    for path in (*kind.omit, *((kind.labels,) if kind.labels else ()), ABOVE):
        way_to, _, last = path.rpartition(".")
        for node in paths.values(item, way_to):
            node.pop(last, None)
