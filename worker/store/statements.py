"""The longer SQL statements, by name, from the .sql files in this package: ``-- name: find_it`` above each."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources


@cache
def _all() -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for file in resources.files("worker.store").joinpath("sql").iterdir():
        parts = re.split(r"^-- name: (\w+)\n", file.read_text(), flags=re.MULTILINE)
        found |= {name: body.strip().encode() for name, body in zip(parts[1::2], parts[2::2], strict=True)}
    return found


def get(name: str) -> bytes:
    """The statement of that name."""
    return _all()[name]
