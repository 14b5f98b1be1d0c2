"""Paths into an answer, and texts with holes that are filled from it.

A path is keys with dots between them; ``[]`` after a key walks the list under it: ``Reservations[].Instances[]``. What is not there is
no value and no error: tests hold every path against the vendor's own description. ``**.key`` is the key wherever it stands. A key with a
dot in it stands in quotes: ``metadata.annotations."iam.gke.io/gcp-service-account"``.

A hole in a text is a path in braces: ``{VpcId}``. ``{OwnerId|account}`` is the first of several that has a value, ``{QueueUrl/}`` what
follows the last slash of the value. A hole without a value makes the whole text empty, unless it ends in ``?``: ``{SetIdentifier?}``.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

ANYWHERE = "**."

_STEP = re.compile(r'(?:"[^"]*"|[^."]+)(?:\[\])?')
_HOLE = re.compile(r"{([^{}?]+)(\??)}")


@functools.cache
def steps(path: str) -> tuple[tuple[str, bool], ...]:
    """The keys of a path, each with whether the list under it is walked."""
    parts = _STEP.findall(path) if '"' in path else path.split(".") if path else ()
    return tuple((part.removesuffix("[]").strip('"'), part.endswith("[]")) for part in parts)


def values(document: Any, path: str) -> Iterator[Any]:
    """Everything at `path` that is not None."""
    return _walk(document, steps(path))


def first(document: Any, path: str) -> Any:
    """The first value at `path`, or None."""
    if "." not in path and '"' not in path and type(document) is dict and path and not path.endswith("[]"):
        return document.get(path)  # one key of an object: nearly every path
    return next(values(document, path), None)


def pick(document: Mapping[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """The part of the document that is at these paths, none of which walks a list, under the same keys and without None."""
    found: dict[str, Any] = {}
    for path in paths:
        value = first(document, path)
        if value is not None:
            *parents, last = path.split(".")
            holder = found
            for key in parents:
                holder = holder.setdefault(key, {})
            holder[last] = value
    return found


def holders(document: Any, path: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Follows a path: yields each object that has its last key, and that key."""
    if path.startswith(ANYWHERE):
        yield from _anywhere(document, path.removeprefix(ANYWHERE))
        return
    parents, _, last = path.rpartition(".")
    for holder in values(document, parents):
        if isinstance(holder, dict) and last in holder:
            yield holder, last


def _anywhere(node: Any, key: str) -> Iterator[tuple[dict[str, Any], str]]:
    if isinstance(node, dict):
        for child in node.values():
            yield from _anywhere(child, key)
        if key in node:
            yield node, key
    elif isinstance(node, list):
        for child in node:
            yield from _anywhere(child, key)


def _walk(node: Any, keys: tuple[tuple[str, bool], ...], depth: int = 0) -> Iterator[Any]:
    if depth == len(keys):
        if node is not None:
            yield node
        return
    key, is_list = keys[depth]
    below = node.get(key) if isinstance(node, Mapping) else None
    for child in (below or ()) if is_list else (below,):
        yield from _walk(child, keys, depth + 1)


def is_text(value: Any) -> bool:
    """True for a text that is valid Unicode, and so can be sent and stored: JSON may have half of a pair of surrogates."""
    return isinstance(value, str) and (value.isascii() or not any("\ud800" <= one <= "\udfff" for one in value))


@functools.cache
def holes(text: str) -> tuple[str, ...]:
    """The paths in the braces of a text."""
    return tuple(path.removesuffix("/") for hole, _ in _HOLE.findall(text) for path in hole.split("|"))


def fill(text: str, document: Any, context: Mapping[str, str]) -> str:
    """The text with each hole filled from the context or else from the document; empty when one of them has no value."""
    filled: list[str] = []
    for before, hole, optional in _parts(text):
        filled.append(before)
        value = _value(hole, document, context)
        if value is not None:
            filled.append(value if type(value) is str else str(value))
        elif hole and not optional:
            return ""
    return "".join(filled)


@functools.cache
def _parts(text: str) -> tuple[tuple[str, tuple[str, ...], bool], ...]:
    """The text before each hole, the paths of the hole, and whether it may stay empty; at the end what follows the last one."""
    *parts, rest = re.split(_HOLE, text)
    holes = (tuple(hole.split("|")) for hole in parts[1::3])
    return (*zip(parts[::3], holes, map(bool, parts[2::3]), strict=True), (rest, (), True))


def _value(hole: tuple[str, ...], document: Any, context: Mapping[str, str]) -> Any:
    for path in hole:
        value = context[path] if path in context else _part(path, document, context)
        if value is not None:
            return value
    return None


def _part(path: str, document: Any, context: Mapping[str, str]) -> Any:
    if not path.endswith("/"):
        return first(document, path)
    whole = _value((path.removesuffix("/"),), document, context)
    return None if whole is None else str(whole).rsplit("/", 1)[-1]
