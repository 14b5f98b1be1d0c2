"""Turns what Azure answers into resources.

ARM ids are compared without case and Azure returns one id in several spellings, so an external id is the id in lower case; the id as
Azure spelt it stays in the attributes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from providers.azure.catalogue import ChildType, GraphType, LinkRule
from providers.catalogue.paths import values
from providers.records import Link, Resource

_VOLATILE = frozenset({"etag", "systemData"})
"""Change with every touch of anything near them, and say nothing about the resource."""
_OWN_COLUMNS = frozenset({"tags", "location"})


def resource(item: Mapping[str, Any], sub_type: str, entity_type: str, links: Iterable[LinkRule] = (), parent: str = "") -> Resource:
    """The resource that an ARM object describes."""
    return Resource(
        external_id=item["id"].lower(),
        entity_type=entity_type,
        sub_type=sub_type,
        name=item.get("name") or item["id"].rsplit("/", 1)[-1],
        attributes={key: _stable(value) for key, value in item.items() if key not in _VOLATILE | _OWN_COLUMNS and value is not None},
        tags={key: str(value) for key, value in (item.get("tags") or {}).items()},
        links=tuple(dict.fromkeys(_links(item, links))),
        parent=parent.lower(),
        region=item.get("location") or "",
    )


def graph_resources(item: Mapping[str, Any], kind: GraphType) -> Iterator[Resource]:
    """The resource of a Resource Graph row, and those inside it."""
    own = resource(item, kind.sub_type, kind.entity_type, kind.links, parent=group_of(item["id"]))
    for child in kind.children:
        yield from (_child(inner, child, own) for inner in values(item, child.path))
    yield own


def _child(item: Mapping[str, Any], kind: ChildType, parent: Resource) -> Resource:
    return resource({**item, "location": parent.region}, kind.sub_type, kind.entity_type, kind.links, parent=parent.external_id)


def group_of(arm_id: str) -> str:
    """The id of the resource group that holds the resource, or the empty string."""
    parts = arm_id.split("/")
    return "/".join(parts[:5]) if len(parts) > 5 and parts[3].lower() == "resourcegroups" else ""


def _links(item: Mapping[str, Any], rules: Iterable[LinkRule]) -> Iterator[Link]:
    for rule in rules:
        yield from (Link(rule.type, target.lower()) for target in values(item, rule.path) if target)


def _stable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _stable(inner) for key, inner in value.items() if key not in _VOLATILE}
    if isinstance(value, list | tuple):
        return [_stable(inner) for inner in value]
    return value
