"""The OpenAPI document as a page shows it: operations by group, and schemas with a line for each field."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, get_args

from api.openapi import GROUPS
from api.roles import ALLOWED
from worker.store.keys import Role

ANY_NUMBER = 10**15
"""Upper bounds from here on are those of the type, and no rule."""

PLAIN = {"integer": "whole number", "number": "number", "boolean": "true or false", "null": "null", "object": "object"}
"""Types of JSON Schema in words."""

_BOUNDS = (
    ("minimum", "maximum", ""),
    ("minLength", "maxLength", " characters"),
    ("minItems", "maxItems", " items"),
)


class Part(NamedTuple):
    """A piece of the words for a type; `schema` is the key of the schema that it leads to."""

    text: str
    schema: str = ""


class Field(NamedTuple):
    """A field, or a parameter."""

    name: str
    parts: tuple[Part, ...]
    required: bool
    meaning: str
    limits: str
    place: str = ""
    """`path` or `query`, for a parameter."""


class Operation(NamedTuple):
    """A method of a path."""

    method: str
    path: str
    anchor: str
    summary: str
    roles: str
    """The roles of keys that may call it."""
    deprecated: bool
    parameters: tuple[Field, ...]
    body: Part | None
    answers: tuple[tuple[str, Part], ...]
    refusals: tuple[str, ...]
    """Statuses with an `Error`; `api.error_responses` says what each means."""
    example: str
    """A command that calls it."""


class Shape(NamedTuple):
    """A schema; what is not an object has `parts` in place of fields."""

    key: str
    title: str
    meaning: str
    fields: tuple[Field, ...]
    parts: tuple[Part, ...]


def groups(document: Mapping[str, Any]) -> Iterator[tuple[str, list[Operation]]]:
    """Each group of operations with its title."""
    found = [
        _operation(method, path, operation, document)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]
    for title in GROUPS.values():
        yield title, [one for tag, one in found if tag == title]


def shapes(document: Mapping[str, Any]) -> list[Shape]:
    """Every schema, by its title."""
    return sorted((_shape(key, schema) for key, schema in document["components"]["schemas"].items()), key=lambda one: one.title.lower())


def parts(schema: Mapping[str, Any]) -> tuple[Part, ...]:
    """The type of a schema in words."""
    match schema:
        case {"$ref": address}:
            key = address.rpartition("/")[2]
            return (Part(key.rpartition(".")[2], key),)
        case {"anyOf": choices}:
            return _joined((parts(one) for one in choices), " or ")
        case {"enum": values}:
            return _joined(((Part(json.dumps(value)),) for value in values), " or ")
        case {"type": "array", "prefixItems": items}:
            return (Part("list: "), *_joined((parts(one) for one in items), ", "))
        case {"type": "array"}:
            return (Part("list of "), *parts(schema.get("items", {})))
        case {"type": "object", "additionalProperties": Mapping() as value} if value:
            return (Part("object of "), *parts(value))
        case {"type": "object", "title": title}:
            return (Part(title[0].lower() + title[1:]),)
        case {"type": "string"}:
            return (Part("time" if schema.get("format") == "date-time" else "text in base64" if "contentEncoding" in schema else "text"),)
        case {"type": kind}:
            return (Part(PLAIN[kind]),)
    return (Part("any JSON"),)


def _joined(choices: Iterator[tuple[Part, ...]], word: str) -> tuple[Part, ...]:
    return tuple(itertools.chain.from_iterable((Part(word), *one) for one in choices))[1:]


def _operation(method: str, path: str, operation: Mapping[str, Any], document: Mapping[str, Any]) -> tuple[str, Operation]:
    parameters = tuple(
        _field(one["name"], one["schema"], one["required"], one["description"], one["in"]) for one in operation["parameters"]
    )
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    refusals = tuple(status for status, answer in operation["responses"].items() if "$ref" in answer)
    answers = ((status, answer.get("content", {}).get("application/json")) for status, answer in operation["responses"].items())
    return operation["tags"][0], Operation(
        method.upper(),
        path,
        operation["operationId"],
        operation["summary"],
        " or ".join(sorted(ALLOWED[operation["x-elder-role"]], key=get_args(Role).index)),
        operation.get("deprecated", False),
        parameters,
        parts(body["schema"])[0] if body else None,
        tuple((status, parts(content["schema"])[0]) for status, content in answers if content and not _is_empty(content, document)),
        refusals,
        _command(method.upper(), path, body["example"] if body else None),
    )


def _is_empty(content: Mapping[str, Any], document: Mapping[str, Any]) -> bool:
    """True for an answer without a body."""
    key = content["schema"]["$ref"].rpartition("/")[2]
    return bool(document["components"]["schemas"][key].get("properties") == {})


def _command(method: str, path: str, body: Any) -> str:
    lines = [f'curl "$ELDER_API_URL{path}" -H "Authorization: Bearer $ELDER_API_KEY"']
    if method != "GET":
        lines.append(f"-X {method}")
    if body is not None:
        text = json.dumps(body, indent=2).replace("'", "'\\''")
        lines += ["-H 'Content-Type: application/json'", f"-d '{text}'"]
    return " \\\n  ".join(lines)


def _shape(key: str, schema: Mapping[str, Any]) -> Shape:
    title = schema.get("title", key)
    required = schema.get("required", ())
    fields = tuple(
        _field(name, one, name in required, one.get("description", ""), "") for name, one in schema.get("properties", {}).items()
    )
    return Shape(key, title, _plain(schema.get("description", "")), fields, () if "properties" in schema else parts(schema))


def _field(name: str, schema: Mapping[str, Any], required: bool, meaning: str, place: str) -> Field:
    shown = parts(schema)
    if place:  # a parameter of a query is left out, and never null
        shown = shown[:-2] if shown[-1] == Part("null") else shown
    return Field(name, shown, required, _plain(meaning), _limits(schema), place)


def _plain(text: str) -> str:
    """A description with the one mark for code that pages show."""
    return text.replace("``", "`")


def _limits(schema: Mapping[str, Any]) -> str:
    """The bounds, the pattern and the default of a value, in words."""
    one = next((choice for choice in schema.get("anyOf", ()) if choice.get("type") != "null"), schema)
    said = []
    for least, most, unit in _BOUNDS:
        if least in one and one.get(most, ANY_NUMBER) < ANY_NUMBER:
            said.append(f"{one[least]:,} to {one[most]:,}{unit}")
        elif least in one:
            said.append(f"at least {one[least]:,}{unit}")
    if "pattern" in one:
        said.append(f"matches `{one['pattern']}`")
    if schema.get("default") not in (None, "", [], {}):
        said.append(f"default `{json.dumps(schema['default'])}`")
    return ", ".join(said)
