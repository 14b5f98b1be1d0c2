"""From an item of an answer to a resource, as its declaration says."""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from providers import catalogue
from providers.aws.declaration import Kind, LinkRule, arn
from providers.errors import DataError
from providers.records import Link, Resource

Item = dict[str, Any]
Context = Mapping[str, str]

_UNREADABLE = "Unreadable"


def resource(kind: Kind, item: Item, context: Context, organization: str) -> Resource:
    """The resource. Raises `DataError` when the item has nothing that its id is made of."""
    external_id = catalogue.fill(arn(kind.id), item, context)
    if not external_id:
        raise DataError(f"a {kind.sub_type} without {' and '.join(catalogue.holes(kind.id))}")
    tags = tags_of(catalogue.first(item, kind.tags)) if kind.tags else {}
    return Resource(
        external_id=external_id,
        entity_type=kind.entity_type,
        sub_type=kind.sub_type,
        name=_name(kind, item, tags, external_id),
        attributes=attributes(kind, item),
        tags=tags,
        links=links(kind, item, context),
        organization=organization,
        parent=catalogue.fill(arn(kind.parent), item, context),
    )


def is_own(kind: Kind, item: Item, account: str) -> bool:
    """Whether the item belongs to this account; what others share with it is in their scopes."""
    owner = catalogue.first(item, kind.own) if kind.own else None
    return owner is None or owner == account


def _name(kind: Kind, item: Item, tags: dict[str, str], external_id: str) -> str:
    found = catalogue.first(item, kind.name) if kind.name else tags.get("Name")
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
    for value in catalogue.values(item, rule.path):
        if value:
            is_arn = str(value).startswith("arn:")
            yield Link(rule.type, str(value) if is_arn else catalogue.fill(arn(rule.to), {}, {**context, "value": str(value)}))


def attributes(kind: Kind, item: Item) -> Item:
    """The item as JSON, without its tags and without what the declaration leaves out."""
    left_out = {*kind.omit, kind.tags}
    kept = {key: plain(value) for key, value in item.items() if key not in left_out and value is not None}
    for key in kind.unordered:
        if isinstance(kept.get(key), list):
            kept[key] = sorted(kept[key], key=_canonical)
    for path in kind.names_only:
        _names_only(kept, path.split("."))
    return kept


def _names_only(node: Any, path: list[str]) -> None:
    *way, last = path
    for key in way:
        node = node.get(key) if isinstance(node, dict) else None
    if isinstance(node, dict) and isinstance(node.get(last), dict):
        node[last] = sorted(node[last])


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
