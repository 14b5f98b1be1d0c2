"""What declarations of resource types share: paths into an answer, and texts with holes that such paths fill.

A path is keys with dots between them; ``[]`` after a key walks the list under it: ``Reservations[].Instances[]``. What is not there is
no value, never an error: whether a path can exist at all is checked by tests against the vendor's own description. A hole that ends in
``?`` may have no value; for any other, the text is empty then.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_HOLE = re.compile(r"{([^{}?]+)(\??)}")


@functools.cache
def steps(path: str) -> tuple[tuple[str, bool], ...]:
    """The keys of a path, each with whether the list under it is walked."""
    return tuple((part.removesuffix("[]"), part.endswith("[]")) for part in path.split(".")) if path else ()


def values(document: Any, path: str) -> Iterator[Any]:
    """Everything at `path` that is not None."""
    return _walk(document, steps(path))


def first(document: Any, path: str) -> Any:
    """The first value at `path`, or None."""
    return next(values(document, path), None)


def pick(document: Mapping[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """The document with nothing in it but what is at these paths (none of which walks a list), under the same keys; no None."""
    found: dict[str, Any] = {}
    for path in paths:
        value = first(document, path)
        if value is not None:
            *above, last = path.split(".")
            place = found
            for key in above:
                place = place.setdefault(key, {})
            place[last] = value
    return found


def _walk(node: Any, rest: tuple[tuple[str, bool], ...]) -> Iterator[Any]:
    if not rest:
        if node is not None:
            yield node
        return
    (key, is_list), *tail = rest
    below = node.get(key) if isinstance(node, Mapping) else None
    for child in (below or ()) if is_list else (below,):
        yield from _walk(child, tuple(tail))


def holes(text: str) -> tuple[str, ...]:
    """The paths in the braces of a text."""
    return tuple(hole for hole, _ in _HOLE.findall(text))


def fill(text: str, document: Any, context: Mapping[str, str]) -> str:
    """The text with each ``{hole}`` replaced from the context or else from the document; empty when one of them has no value."""
    found = {hole: context.get(hole) if hole in context else first(document, hole) for hole in holes(text)}
    if any(found[hole] is None and not optional for hole, optional in _HOLE.findall(text)):
        return ""
    return _HOLE.sub(lambda match: "" if found[match[1]] is None else str(found[match[1]]), text)
