"""Items of Google's APIs, made from the schemas of its discovery documents: every field that Google describes has a value."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from peers import google_documents as documents

DEEP = 7

Leaf = Callable[[str, dict], Any]
"""The value of a field with this path (``a.b.c``) and this schema; None for the usual one."""


def item(api: str, schema: dict, leaf: Leaf = lambda _path, _schema: None) -> dict:
    """A document of a schema."""
    return _value(api, schema, "", leaf, ())


def _value(api: str, schema: dict, path: str, leaf: Leaf, above: tuple[str, ...]) -> Any:
    if name := schema.get("$ref"):
        if name in above or len(above) > DEEP:
            return {} if documents.schema(api, name).get("type") == "object" else None
        return _value(api, documents.schema(api, name), path, leaf, (*above, name))
    match schema.get("type"):
        case "object":
            return _object(api, schema, path, leaf, above)
        case "array":
            found = _value(api, schema["items"], path, leaf, above)
            return [] if found is None else [found]
        case "any":
            return "anything"
        case kind:
            given = leaf(path, schema)
            return _usual(kind, schema, path) if given is None else given


def _object(api: str, schema: dict, path: str, leaf: Leaf, above: tuple[str, ...]) -> dict:
    made = {name: _value(api, inner, f"{path}.{name}".lstrip("."), leaf, above) for name, inner in schema.get("properties", {}).items()}
    if others := schema.get("additionalProperties"):
        made["some-key"] = _value(api, others, f"{path}.some-key".lstrip("."), leaf, above)
    return {name: value for name, value in made.items() if value is not None}


def _usual(kind: str | None, schema: dict, path: str) -> Any:
    if kind == "boolean":
        return True
    if kind in ("integer", "number"):
        return int(schema.get("minimum", 7))
    if "enum" in schema:
        return schema["enum"][-1]
    if schema.get("format") in ("int64", "uint64"):
        return "7"
    if re.search(r"(?:time|date)", schema.get("format", "")):
        return "2024-01-15T10:30:00Z"
    return "QUJD" if schema.get("format") == "byte" else f"{path.rpartition('.')[2]}-value"
