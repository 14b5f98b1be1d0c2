"""Google's own discovery documents, as PyPI's google-api-python-client ships them, and the checks that they allow.

Nothing of that client is imported: only its JSON files are read.
"""

from __future__ import annotations

import importlib.util
import json
import pathlib
import re
from collections.abc import Iterator
from functools import cache


@cache
def document(api: str) -> dict:
    """The description of ``compute.v1``, ``admin.directory_v1``, ``cloudresourcemanager.v3`` ..."""
    package = importlib.util.find_spec("googleapiclient")
    assert package and package.submodule_search_locations, "google-api-python-client is not installed: make test installs it"
    folder = pathlib.Path(package.submodule_search_locations[0]) / "discovery_cache" / "documents"
    return json.loads((folder / f"{api}.json").read_text())


def host(api: str) -> str:
    """The host of an API: ``compute.googleapis.com``."""
    return document(api)["rootUrl"].removeprefix("https://").rstrip("/")


REGIONAL = frozenset({"aiplatform.v1"})
"""APIs that answer for a location at its own host only, as their documents list them; of many others they list more hosts than are needed."""

_OF_LOCATION = re.compile(r".*/locations/([^/]+)/.+")


def host_for(api: str, path: str) -> str:
    """The host at which an API answers for a path."""
    found = _OF_LOCATION.fullmatch(path)
    if api not in REGIONAL or not found or found[1] == "global":
        return host(api)
    endpoints = document(api)["endpoints"]
    hosts = [one["endpointUrl"] for one in endpoints if one["location"] == found[1] and "-preprod" not in one["endpointUrl"]]
    return hosts[0].removeprefix("https://").rstrip("/") if hosts else f"{found[1]}-{host(api)}"


@cache
def methods(api: str) -> dict[str, Method]:
    """Method id (``compute.instances.aggregatedList``) -> method."""
    return {method.id: method for method in (Method(api, raw) for raw in _walk(document(api)))}


def _walk(node: dict) -> Iterator[dict]:
    yield from node.get("methods", {}).values()
    for child in node.get("resources", {}).values():
        yield from _walk(child)


def _undescribed(raw: dict) -> dict:
    """Compute's documents name this parameter in the descriptions of the methods that have it, and nowhere else."""
    return (
        {"returnPartialSuccess": {"type": "boolean", "location": "query"}} if "returnPartialSuccess" in raw.get("description", "") else {}
    )


class Method:
    """One operation: its path as a pattern, its parameters, its scopes, the schemas of what goes in and out."""

    def __init__(self, api: str, raw: dict) -> None:
        self.api, self.raw, self.id, self.verb = api, raw, raw["id"], raw["httpMethod"]
        described = document(api)
        self.service = host(api)
        self.scopes = frozenset(raw.get("scopes", ()))
        self.own = raw.get("parameters", {})
        everywhere = {**described.get("parameters", {}), **_undescribed(raw)}
        self.query = {name: p for name, p in {**everywhere, **self.own}.items() if p["location"] == "query"}
        self.response: str = raw.get("response", {}).get("$ref", "")
        self.request: str = raw.get("request", {}).get("$ref", "")
        self.template = "/" + described["servicePath"] + raw["path"]
        self.path = re.compile(re.sub(r"\\\{(\\\+)?(\w+)\\\}", self._variable, re.escape(self.template)))
        self.literal = len(re.sub(r"\{[^}]*\}", "", self.template))

    def _variable(self, found: re.Match) -> str:
        pattern = self.own[found[2]].get("pattern", "").strip("^$")
        return f"(?P<{found[2]}>{pattern or ('.+' if found[1] else '[^/]+')})"

    @property
    def pages(self) -> bool:
        return "pageToken" in self.own

    @property
    def size_parameter(self) -> str:
        return next((name for name in ("maxResults", "pageSize") if name in self.own), "")

    @property
    def items(self) -> tuple[str, str]:
        """The response's field with what is listed, and for an aggregated list the field of each scope with its part: (items, disks)."""
        properties = schema(self.api, self.response).get("properties", {})
        for name in sorted(properties.keys() - {"failedLocation", "warnings"}, key=lambda name: name != "items"):
            inner = properties[name]
            if inner.get("type") == "array" and ("$ref" in inner["items"] or inner["items"].get("type") == "object"):
                return name, ""
            if name == "items" and "additionalProperties" in inner:
                part = schema(self.api, inner["additionalProperties"]["$ref"])["properties"]
                return name, next(field for field, kind in part.items() if kind.get("type") == "array")
        raise AssertionError(f"{self.id} lists nothing: give a dict, or a function that returns one")


def schema(api: str, name: str) -> dict:
    """A schema by its name; {} for none."""
    return document(api)["schemas"][name] if name else {}


_TYPES = {"string": str, "boolean": bool, "integer": int, "number": (int, float), "object": dict, "array": list}


def faults(api: str, described: dict, value: object, at: str = "") -> Iterator[str]:
    """What is wrong with a value, by its schema: unknown fields, wrong types, values that are none of an enumeration's."""
    if "$ref" in described:
        yield from faults(api, schema(api, described["$ref"]), value, at)
        return
    kind = described.get("type", "any")
    if kind == "any":
        return
    if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
        yield f"{at or 'the body'} is a {type(value).__name__}, not a {described.get('format', kind)}"
    elif kind == "array":
        for number, item in enumerate(value):
            yield from faults(api, described["items"], item, f"{at}[{number}]")
    elif kind == "object":
        known, others = described.get("properties", {}), described.get("additionalProperties")
        for name, item in value.items():
            inner = known.get(name) or others
            if inner is None:
                yield f"{at}.{name} is unknown"
            else:
                yield from faults(api, inner, item, f"{at}.{name}")
    elif "enum" in described and value not in described["enum"]:
        yield f"{at} is '{value}', not one of {described['enum']}"
    elif described.get("format") in ("int64", "uint64") and kind == "string" and not re.fullmatch(r"-?\d+", value):
        yield f"{at} is '{value}', not a number in a string"


def parameter_fault(name: str, described: dict, values: list[str]) -> str:
    """What is wrong with a query parameter, or nothing."""
    if len(values) > 1 and not described.get("repeated"):
        return f"{name} is given {len(values)} times"
    for value in values:
        kind = described["type"]
        if kind == "boolean" and value not in ("true", "false"):
            return f"{name} is '{value}', not a boolean"
        if kind in ("integer", "number"):
            if not re.fullmatch(r"-?\d+", value):
                return f"{name} is '{value}', not an integer"
            low, high = int(described.get("minimum", value)), int(described.get("maximum", value))
            if not low <= int(value) <= high:
                return f"{name} is {value}, not from {low} to {high}"
        if "enum" in described and value not in described["enum"]:
            return f"{name} is '{value}', not one of {described['enum']}"
    return ""


def field_mask(text: str) -> dict:
    """``a,b(c,d/e)`` as {"a": {}, "b": {"c": {}, "d": {"e": {}}}}. Raises `ValueError`."""
    tokens = re.findall(r"[\w*@.-]+|[(),/]", text)
    if "".join(tokens) != text:
        raise ValueError(text)
    mask, rest = _selection(tokens)
    if rest:
        raise ValueError(text)
    return mask


def _selection(tokens: list[str]) -> tuple[dict, list[str]]:
    mask: dict = {}
    while tokens and tokens[0] != ")":
        inner = mask
        while True:
            inner = inner.setdefault(tokens[0], {})
            tokens = tokens[1:]
            if tokens[:1] != ["/"]:
                break
            tokens = tokens[1:]
        if tokens[:1] == ["("]:
            found, tokens = _selection(tokens[1:])
            inner.update(found)
            tokens = tokens[1:]  # the closing one
        if tokens[:1] == [","]:
            tokens = tokens[1:]
    return mask, tokens


def mask_fault(api: str, described: dict, mask: dict) -> str:
    """The first field of a mask that the schema does not have, or nothing."""
    if "$ref" in described:
        return mask_fault(api, schema(api, described["$ref"]), mask)
    if described.get("type") == "array":
        return mask_fault(api, described["items"], mask)
    for name, inner in mask.items():
        known = described.get("properties", {}).get(name) or described.get("additionalProperties")
        if name == "*" or described.get("type", "any") == "any":
            known = known or {}
        elif known is None:
            return name
        if inner and known and (found := mask_fault(api, known, inner)):
            return f"{name}/{found}"
    return ""


def masked(value: object, mask: dict) -> object:
    """A value with what the mask names only."""
    if not mask:
        return value
    if isinstance(value, list):
        return [masked(item, mask) for item in value]
    if isinstance(value, dict):
        return {key: masked(item, mask.get(key, mask.get("*", {}))) for key, item in value.items() if key in mask or "*" in mask}
    return value
