"""References to secrets: in a job's config, ``{"$file": path}`` and ``{"$env": name}`` stand for a secret that the worker reads."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

FILE, ENV = "$file", "$env"

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
_LONGEST_PATH = 1000


def is_reference(value: Any) -> bool:
    """True for an object whose only key is ``$file`` or ``$env``."""
    return isinstance(value, Mapping) and len(value) == 1 and next(iter(value)) in (FILE, ENV)


def is_shown(value: Any) -> bool:
    """True for a reference that may be stored and shown as it is: one that names something, and so holds no secret."""
    return is_reference(value) and next(faults(value), None) is None


def faults(value: Any) -> Iterator[str]:
    """Yields what is wrong with the references in a value, at any depth."""
    for one in _found(value):
        [(kind, where)] = one.items()
        if kind == ENV and not (isinstance(where, str) and _NAME.fullmatch(where)):
            yield "$env takes the name of a variable of the worker's environment"
        path = isinstance(where, str) and where.startswith("/") and len(where) <= _LONGEST_PATH and where.isprintable()
        if kind == FILE and not path:
            yield "$file takes the absolute path of a file of the worker's"


def contains(value: Any) -> bool:
    """True if there is a reference in the value, at any depth."""
    return next(_found(value), None) is not None


def replaced(value: Any, read: Callable[[Mapping[str, str]], str]) -> Any:
    """A copy of `value` with what `read` returns in place of each reference."""
    if is_reference(value):
        return read(value)
    if isinstance(value, Mapping):
        return {key: replaced(item, read) for key, item in value.items()}
    return [replaced(item, read) for item in value] if isinstance(value, list) else value


def spelt(text: str) -> dict[str, str] | None:
    """The reference that a person has written as JSON into a field; None for any other text."""
    if not re.match(r'\s*\{\s*"\$', text):
        return None
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if is_reference(value) else None


def _found(value: Any) -> Iterator[Mapping[str, Any]]:
    if is_reference(value):
        yield value
    elif isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _found(item)
