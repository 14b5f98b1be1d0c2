"""IAM of Google Cloud for the contract server: which permission a method takes, from a list that is kept by hand."""

from __future__ import annotations

import pathlib
from functools import cache

FILE = pathlib.Path(__file__).parents[1] / "providers" / "gcp" / "permissions.txt"


@cache
def _lines() -> tuple[tuple[str, tuple[str, ...]], ...]:
    lines = (line.split() for line in FILE.read_text().splitlines() if line and not line.startswith("#"))
    return tuple((name, tuple(methods)) for name, *methods in lines)


@cache
def known() -> frozenset[str]:
    """Every permission on the list."""
    return frozenset(name for name, _ in _lines())


@cache
def of_method(method: str) -> str:
    """The permission that a method takes; empty when the list does not say."""
    return next((name for name, methods in _lines() if method in methods), "")
