"""Settings types as environment variables: what each variable is called, takes and means, and the one place where its text is read.

A settings type is a frozen ``msgspec.Struct``. Each field is one variable, named by a prefix and the field's own name in upper case
(``ldap`` and ``bind_dn`` make ``LDAP_BIND_DN``); `setting` in the annotation describes it, and may give it another name::

    class LibrarySettings(msgspec.Struct, frozen=True):
        key: Annotated[Secret, setting("Key of the library.")]
        page_size: Annotated[int, setting("Books in one answer.", ge=1, low="many requests", high="large answers")] = 100

Types are ``str``, ``bool``, ``int``, ``float``, ``Literal`` of strings and ``tuple[str, ...]``, each also ``| None``. `variables` gives
the fields as `Variable`s, which are plain data: a process that may not import the settings type reads and documents them all the same.
"""

from __future__ import annotations

import math
import re
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Meta

SettingsT = TypeVar("SettingsT", bound=msgspec.Struct)

_TRUE, _FALSE = frozenset({"true", "1", "yes", "on"}), frozenset({"false", "0", "no", "off"})
_QUOTED = re.compile(r"""(["'])((?:(?!\1).)*)\1(?:\s+#.*)?""", re.DOTALL)
_SIGN = re.compile(r"(?:^|\s)#")
_COMPLETE = re.compile(r"(?:[^\s=(),]+(?:\s*,\s*[^\s=(),]+)*)?|\(.*\)|[^,]+=[^,]+,.*=.*", re.DOTALL)
"""A word or a list of words; a filter; a DN of several parts."""

_DN_GOES_ON = re.compile(r",\s*\w+=")
_TYPES = {str: "text", bool: "boolean", int: "integer", float: "number"}


class Variable(msgspec.Struct, frozen=True, kw_only=True):
    """One environment variable, as data."""

    name: str
    field: str
    """The field of the settings type that holds its value."""
    type: Literal["text", "list", "boolean", "integer", "number", "choice"] = "text"
    choices: tuple[str, ...] = ()
    required: bool = False
    default: Any = None
    """None: the variable has none, and its description says what happens without a value."""
    minimum: float | None = None
    maximum: float | None = None
    secret: bool = False
    file: bool = False
    """The value is the path of a file that the job's process may read."""
    description: str = ""
    low: str = ""
    """The consequence of a value that is too low."""
    high: str = ""
    """The consequence of a value that is too high."""


def setting(
    description: str,
    *,
    variable: str | None = None,
    ge: float | None = None,
    le: float | None = None,
    low: str = "",
    high: str = "",
    secret: bool = False,
    file: bool = False,
) -> Meta:
    """Describes a field of a settings type. `low` and `high` say what goes wrong when a number is too low and too high."""
    marks = {"variable": variable, "low": low, "high": high, "secret": secret, "file": file}
    return Meta(description=description, ge=ge, le=le, extra={name: mark for name, mark in marks.items() if mark})


NO_VARIABLE = Meta(extra={"no_variable": True})
"""Marks a field that no environment variable can set."""


class NoSettings(msgspec.Struct, frozen=True):
    """The settings of a provider that has none."""


def variables(settings: type[msgspec.Struct], prefix: str = "") -> tuple[Variable, ...]:
    """The variables of a settings type, in the order of its fields. Raises `TypeError` for a field that is of none of the types above."""
    described = ((field, dict(_marks(field.type))) for field in msgspec.structs.fields(settings))
    return tuple(_variable(settings, field, marks, prefix) for field, marks in described if not marks.get("no_variable"))


def parse(variable: Variable, text: str) -> Any:
    """The typed value of a variable's text; None when nothing is left of it. Raises `ValueError` with what it must be.

    A comment behind the value is dropped, because Docker's env files keep it: ``636  # LDAPS``. A secret is taken as it stands. A text
    or a list may hold a ``#`` of its own: in quotes always, and else wherever it does not look like the start of a comment.
    """
    if variable.secret:
        plain = text.strip()
    elif quoted := _QUOTED.fullmatch(text.strip()):
        plain = quoted[2]
    else:
        plain = _uncommented(text, free=variable.type in ("text", "list"))
    return _READERS[variable.type](variable, plain) if plain else None


def read(settings: type[SettingsT], environ: Mapping[str, str], prefix: str = "") -> SettingsT:
    """A settings type's values from the environment. Raises `ValueError` for one that is wrong."""
    found = {one.field: parse(one, environ.get(one.name, "")) for one in variables(settings, prefix)}
    return msgspec.convert({field: value for field, value in found.items() if value is not None}, settings)


def environment(settings: msgspec.Struct, prefix: str = "") -> dict[str, str]:
    """The variables that a settings object has values for, as text: for a library that reads an environment."""
    values = ((one, getattr(settings, one.field)) for one in variables(type(settings), prefix))
    return {one.name: shown(value) for one, value in values if value not in (None, "", ())}


def shown(value: Any) -> str:
    """A value as its variable is written."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ",".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _variable(settings: type[msgspec.Struct], field: msgspec.structs.FieldInfo, marks: dict[str, Any], prefix: str) -> Variable:
    kind, choices = _kind(field.type)
    if kind is None:
        raise TypeError(f"{settings.__name__}.{field.name} is of a type that no environment variable can hold: mark it NO_VARIABLE")
    default = field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default
    known = {name: marks[name] for name in ("minimum", "maximum", "secret", "file", "description", "low", "high") if name in marks}
    return Variable(
        name=marks.get("variable") or f"{prefix}{field.name}".upper(),
        field=field.name,
        type=kind,
        choices=choices,
        required=field.required,
        default=None if default is msgspec.NODEFAULT else list(default) if isinstance(default, tuple) else default,
        **known,
    )


def _kind(annotation: Any) -> tuple[Any, tuple[str, ...]]:
    """(type of the variable or None, its choices)."""
    while typing.get_origin(annotation) in (typing.Annotated, typing.Union, types.UnionType):
        annotation = next(part for part in typing.get_args(annotation) if part is not type(None))
    if typing.get_origin(annotation) is Literal:
        return "choice", typing.get_args(annotation)
    if typing.get_origin(annotation) is tuple:
        return ("list" if typing.get_args(annotation) == (str, ...) else None), ()
    return _TYPES.get(annotation), ()


def _marks(annotation: Any) -> Iterator[tuple[str, Any]]:
    """Everything that the annotation says of a field, its outermost words last, so that they win."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        for part in typing.get_args(annotation):
            yield from _marks(part)
    elif typing.get_origin(annotation) is typing.Annotated:
        inner, *metas = typing.get_args(annotation)
        yield from _marks(inner)
        for meta in metas:
            if isinstance(meta, Meta):
                said = {"description": meta.description, "minimum": meta.ge, "maximum": meta.le, **(meta.extra or {})}
                yield from ((name, value) for name, value in said.items() if value is not None)


def _uncommented(text: str, *, free: bool) -> str:
    """The value in front of a comment. In `free` text, where a ``#`` may belong to the value, see `_starts_comment`."""
    for found in _SIGN.finditer(text):
        before = text[: found.start()].strip()
        if not free or _starts_comment(before, text[found.end() :], alone=found[0] == "#"):
            return before
    return text.strip()


def _starts_comment(before: str, after: str, *, alone: bool) -> bool:
    """Tells a comment in free text: a blank follows, or what is in front is complete; no bracket is open, and no DN goes on behind it."""
    if after[:1].strip() and (alone or not _COMPLETE.fullmatch(before)):
        return False
    return before.count("(") <= before.count(")") and not _DN_GOES_ON.search(after)


def _boolean(_: Variable, text: str) -> bool:
    if text.lower() not in _TRUE | _FALSE:
        raise ValueError("must be true or false")
    return text.lower() in _TRUE


def _number(variable: Variable, text: str) -> float:
    whole = variable.type == "integer"
    try:
        number: float = int(text) if whole else float(text)
    except ValueError:
        raise ValueError("must be a whole number" if whole else "must be a number") from None
    if not math.isfinite(number):
        raise ValueError("must be a number")
    if variable.minimum is not None and number < variable.minimum:
        raise ValueError(f"must be at least {variable.minimum:g}")
    if variable.maximum is not None and number > variable.maximum:
        raise ValueError(f"must be at most {variable.maximum:g}")
    return number


def _choice(variable: Variable, text: str) -> str:
    for choice in variable.choices:
        if text.lower() == choice.lower():
            return choice
    raise ValueError(f"must be one of {', '.join(variable.choices)}")


def _list(_: Variable, text: str) -> list[str] | None:
    return [part.strip() for part in text.split(",") if part.strip()] or None


_READERS: dict[str, Any] = {
    "text": lambda _, text: text,
    "list": _list,
    "boolean": _boolean,
    "integer": _number,
    "number": _number,
    "choice": _choice,
}
