"""From an item of an answer to a resource, as its declaration says."""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from providers.aws.declaration import Kind, LinkRule, arn
from providers.catalogue import paths
from providers.errors import DataError
from providers.records import Link, Resource

Item = dict[str, Any]
Context = Mapping[str, str]

UNREADABLE = "Unreadable"
"""The attribute that names the calls whose part of the item is missing."""


def resource(kind: Kind, item: Item, context: Context, organization: str) -> Resource:
    """The resource. Raises `DataError` when the item has nothing that its id is made of."""
    external_id = paths.fill(arn(kind.id), item, context)
    if not external_id:
        raise DataError(f"a {kind.sub_type} without {' and '.join(paths.holes(kind.id))}")
    tags = tags_of(paths.first(item, kind.tags)) if kind.tags else {}
    return Resource(
        external_id=external_id,
        entity_type=kind.entity_type,
        sub_type=kind.sub_type,
        name=_name(kind, item, tags, external_id),
        attributes=attributes(kind, item),
        tags=tags,
        links=links(kind, item, context),
        organization=organization,
        parent=paths.fill(arn(kind.parent), item, context),
    )


def is_own(kind: Kind, item: Item, account: str) -> bool:
    """Whether the item is one, and belongs to this account; what others share with it is in their scopes."""
    owner = paths.first(item, kind.own) if kind.own else None
    return (owner is None or owner == account) and not any(paths.first(item, path) == value for path, value in kind.unless)


def _name(kind: Kind, item: Item, tags: dict[str, str], external_id: str) -> str:
    found = paths.first(item, kind.name) if kind.name else tags.get("Name")
    return str(found or re.split("[:/]", external_id)[-1])


def tags_of(tags: Any) -> dict[str, str]:
    """Tags in any of the shapes that AWS has for them."""
    if isinstance(tags, Mapping):
        return {str(key): str(value) for key, value in sorted(tags.items())}
    pairs = [(_any(tag, "Key", "key", "TagKey"), _any(tag, "Value", "value", "TagValue")) for tag in tags or ()]
    return {str(key): str(value or "") for key, value in sorted(pairs, key=str)}


def _any(tag: Mapping[str, Any], *names: str) -> Any:
    return next((tag[name] for name in names if name in tag), None)


def links(kind: Kind, item: Item, context: Context) -> tuple[Link, ...]:
    """Each link once, in order."""
    found = {link for rule in kind.links for link in _links(rule, item, context)}
    return tuple(sorted(found, key=lambda link: (link.type, link.target)))


def _links(rule: LinkRule, item: Item, context: Context) -> Iterator[Link]:
    path, wanted = rule.when
    if path and paths.first(item, path) != wanted:
        return
    for value in paths.values(item, rule.path):
        if value:
            is_arn = str(value).startswith("arn:")
            yield Link(rule.type, str(value) if is_arn else paths.fill(arn(rule.to), {}, {**context, "value": str(value)}))


def attributes(kind: Kind, item: Item) -> Item:
    """The item as JSON, without its tags and without what the declaration leaves out."""
    left_out = {*kind.omit, kind.tags}
    kept = {key: plain(value) for key, value in item.items() if key not in left_out and value is not None}
    for key in kind.unordered:
        if isinstance(kept.get(key), list):
            kept[key] = sorted(kept[key], key=_canonical)
    for path in kind.names_only:
        for holder, key in _places(kept, path):
            holder[key] = _names(holder[key])
    for path in kind.omit:
        for holder, key in _places(kept, path):
            del holder[key]
    return kept


def _places(node: Any, path: str) -> Iterator[tuple[Item, str]]:
    """Where in the attributes a path leads: objects, and the key in each."""
    above, _, last = path.rpartition(".")
    for holder in paths.values(node, above):
        if isinstance(holder, dict) and last in holder:
            yield holder, last


def _names(found: Any) -> list[str]:
    """Of a map its keys, of a list of pairs their names."""
    return sorted(found) if isinstance(found, dict) else sorted(str(_any(pair, "name", "Name")) for pair in found)


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def plain(value: Any) -> Any:
    """As JSON has it: times in UTC, bytes in base64, no nulls in objects."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value
