"""Complaints about values in plain words: "`regions` must be a list, and is a text" for what msgspec says of types and paths.

One place for all that people send or write: bodies and queries of the API, job configs, settings, the command line's file. No value is
quoted but one that is none of a closed list's, and that only where no secret is.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import inspect

_PATH = re.compile(r"(?P<said>.*?)(?: - at (?P<key>`key` in )?`\$(?P<path>[^`]*)`)?", re.DOTALL)
_FIELD = re.compile(r"Object (?P<trouble>missing required|contains unknown) field `(?P<name>.+)`")
_TROUBLES = {"missing required": "missing", "contains unknown": "not known"}
_STEPS = re.compile(r"\.([^.\[]+)|\[([^\]]*)\]")

_NOUNS = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "bytes": "a text in base64",
    "datetime": "a time",
}
_GIVEN = {"float": "a decimal number", "bool": "a boolean"}
_BOUNDS = {">=": "at least", "<=": "at most", ">": "more than", "<": "less than"}
_UNITS = {"str": "characters", "bytes": "bytes", "array": "items", "object": "keys"}
_FORMS = {
    "RFC3339 encoded datetime": "must be a time such as 2026-01-31T12:00:00Z",
    "RFC3339 encoded date": "must be a date such as 2026-01-31",
    "UUID": "must be a UUID",
    "base64 encoded string": "must be a text in base64",
}


def sentence(error: msgspec.ValidationError, annotation: Any, name: str = "") -> str:
    """The sentence for an error of msgspec about a value of that type; `name` is what the user calls the value, if it has a name."""
    found = _PATH.fullmatch(str(error))
    said, path = (found["said"], found["path"] or "") if found else (str(error), "")
    subject = _subject(name, path, in_key=bool(found and found["key"]))
    if field := _FIELD.fullmatch(said):
        return f"{_subject(name, path + '.' + field['name'])} is {_TROUBLES[field['trouble']]}"
    inner, secret = _inner(annotation, path)
    if said.startswith("Invalid enum value "):
        return f"{subject} {_choice(said.removeprefix('Invalid enum value '), inner, secret)}"
    for shape, words in _SHAPES:
        if match := shape.fullmatch(said):
            return f"{subject} {words(match.groupdict())}"
    return f"{subject} is not valid" if secret else said if not (name or path) else f"{subject}: {said}"


def _subject(name: str, path: str, *, in_key: bool = False) -> str:
    """The subject of the sentence, as the user wrote it: the fields of nested values with dots."""
    whole = (name + path).removeprefix(".")
    shown = f"`{whole.removesuffix('[...]')}`" if whole else "the whole"
    if in_key:
        return f"a key in {shown}"
    return f"a value in {shown}" if whole.endswith("[...]") else shown


def _inner(annotation: Any, path: str) -> tuple[inspect.Type, bool]:
    """The type at a path inside a type, and True when it or a type around it is marked as a secret."""
    found, secret = _bare(inspect.type_info(annotation))
    for field, _item in _STEPS.findall(path):
        found, marked = _bare(_member(found, field))
        secret = secret or marked
    return found, secret


def _bare(found: inspect.Type) -> tuple[inspect.Type, bool]:
    """The type without its marks and without null, and True when a mark says that it is a secret."""
    secret = False
    while isinstance(found, inspect.Metadata | inspect.UnionType):
        if isinstance(found, inspect.Metadata):
            secret, found = secret or bool((found.extra or {}).get("secret")), found.type
            continue
        parts = [part for part in found.types if not isinstance(part, inspect.NoneType)]
        if len(parts) != 1:
            return found, secret
        found = parts[0]
    return found, secret


def _member(found: inspect.Type, field: str) -> inspect.Type:
    """The type of a field of an object, or of the items of a list or of an object."""
    if isinstance(found, inspect.StructType):
        return next((one.type for one in found.fields if one.encode_name == field), inspect.AnyType())
    item = getattr(found, "item_type", getattr(found, "value_type", None))
    return item if isinstance(item, inspect.Type) else inspect.AnyType()


def _choice(given: str, inner: inspect.Type, secret: bool) -> str:
    if secret:
        return "is not valid"
    choices = inner.values if isinstance(inner, inspect.LiteralType) else _values(inner)
    return f"must be {_or(list(map(str, choices)))}, and is {given}" if choices else f"is {given}, which is none of its values"


def _values(found: inspect.Type) -> tuple[Any, ...]:
    """The values of every closed list in a union."""
    if isinstance(found, inspect.EnumType):
        return tuple(one.value for one in found.cls)
    parts = found.types if isinstance(found, inspect.UnionType) else ()
    return tuple(value for part in parts if isinstance(part, inspect.LiteralType) for value in part.values)


def _or(words: list[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _kind(said: dict[str, str]) -> str:
    kinds = [one for one in said["kinds"].split(" | ") if one != "null"] or ["null"]
    got = _GIVEN.get(said["got"], _NOUNS.get(said["got"], said["got"]))
    return f"must be {_or([_NOUNS.get(one, one) for one in kinds])}, and is {got}"


def _count(said: dict[str, str]) -> str:
    return f"must have {said['least'] or ''}{said['count']} items, and has {said['got']}"


def _length(said: dict[str, str]) -> str:
    unit = _UNITS.get(said["kind"], "items")
    return f"must have {_BOUNDS[said['sign']]} {said['count']} {unit.removesuffix('s') if said['count'] == '1' else unit}"


def _bound(said: dict[str, str]) -> str:
    return f"must be {_BOUNDS[said['sign']]} {said['bound']}"


def _multiple(said: dict[str, str]) -> str:
    return f"must be a multiple of {said['factor']}"


def _pattern(said: dict[str, str]) -> str:
    return f"must match the pattern {said['pattern']}"


def _form(said: dict[str, str]) -> str:
    return _FORMS.get(said["form"], f"is no valid {said['form']}")


_SHAPES = (
    (re.compile(r"Expected `(?P<kinds>[^`]+)`, got `(?P<got>[^`]+)`"), _kind),
    (re.compile(r"Expected `(?P<kind>\w+)` of (?P<least>at least )?length (?P<count>\d+), got (?P<got>\d+)"), _count),
    (re.compile(r"Expected `(?P<kind>\w+)` of length (?P<sign>[<>]=?) (?P<count>\d+)"), _length),
    (re.compile(r"Expected `\w+` (?P<sign>[<>]=?) (?P<bound>\S+)"), _bound),
    (re.compile(r"Expected `\w+` that's a multiple of (?P<factor>\S+)"), _multiple),
    (re.compile(r"Expected `str` matching regex '(?P<pattern>.*)'"), _pattern),
    (re.compile(r"Invalid (?P<form>.+)"), _form),
)
