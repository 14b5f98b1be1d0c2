"""How AWS spells ids, tags, names and values."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Mapping
from typing import Any

from providers.aws.declaration import KEY, AwsKind, arn
from providers.catalogue import paths, shape
from providers.catalogue.kinds import LinkRule, ResourceKind

Item = dict[str, Any]

OWNER = "owner:"
"""Prefix of a context's keys that map the id of a shared network to the account that owns it."""

_PAIRS = (("Key", "Value"), ("key", "value"), ("TagKey", "TagValue"))


class AwsShape(shape.Shape):
    """Makes resources of items of AWS."""

    def text(self, text: str) -> str:
        """The ARN that a short form stands for."""
        return arn(text)

    def target(self, rule: LinkRule, value: Any, item: shape.Item, context: shape.Context) -> str:
        """The id of the target, whose account is that of its owner; an ARN is an id already, unless only a part of it is meant."""
        if isinstance(value, str) and value.startswith("arn:") and not (rule.match and "{value}" not in rule.to):
            return value
        if rule.to == KEY and not str(value).startswith("alias/"):
            value = f"key/{value}"
        owner = context.get(f"{OWNER}{value}")
        return super().target(rule, value, item, {**context, "account": owner} if owner else context)

    def parent(self, kind: ResourceKind, item: shape.Item, context: shape.Context) -> str:
        """The id of the parent, whose account is that of its owner."""
        owners = (context.get(f"{OWNER}{paths.first(item, hole)}") for hole in paths.holes(kind.parent))
        owner = next(filter(None, owners), None)
        return super().parent(kind, item, {**context, "account": owner} if owner else context)

    def tags(self, found: Any) -> dict[str, str]:
        """Tags in any of the shapes that AWS has for them."""
        pairs = found.items() if isinstance(found, Mapping) else map(_pair, found or ())
        return {str(key): str(value or "") for key, value in sorted(pairs, key=str)}

    def name(self, kind: ResourceKind, item: shape.Item, tags: Mapping[str, str], external_id: str) -> str:
        """The declared name, else the tag ``Name``, else the end of the ARN."""
        return tags["Name"] if not kind.names and tags.get("Name") else super().name(kind, item, tags, external_id)

    def plain(self, value: Any) -> Any:
        """JSON: times in UTC, bytes in base64, no None in objects."""
        if isinstance(value, dt.datetime):
            return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
        return base64.b64encode(value).decode() if isinstance(value, bytes) else super().plain(value)


def is_own(kind: AwsKind, item: Item, account: str) -> bool:
    """True for an item that is one and belongs to this account: what others share with it is in their scopes."""
    owner = paths.first(item, kind.own) if kind.own else None
    return owner in (None, account) and not any(paths.first(item, path) == value for path, value in kind.unless)


def _pair(tag: Mapping[str, Any]) -> tuple[Any, Any]:
    return next(((tag[key], tag.get(value)) for key, value in _PAIRS if key in tag), (None, None))
