"""SQL statements of more than one line, by name, from the .sql files of this package.

A file is a sequence of statements, each under its header: ``-- name: find_it``, then comment lines that say what the statement does,
then the statement. The comments document the statement and are not sent to the server.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import NamedTuple

_HEADER = re.compile(r"^-- name: (\w+)\n((?:-- .*\n)*)", re.MULTILINE)


class Statement(NamedTuple):
    """One statement and the sentences that stand above it."""

    purpose: str
    sql: bytes


@cache
def statements() -> dict[str, Statement]:
    """All statements, by name. Raises `ValueError` for a name that stands twice."""
    found: dict[str, Statement] = {}
    for file in resources.files("worker.store").joinpath("sql").iterdir():
        for name, statement in parse(file.read_text()):
            if name in found:
                raise ValueError(f"{file.name}: the statement {name} stands twice")
            found[name] = statement
    return found


def parse(text: str) -> list[tuple[str, Statement]]:
    """The statements of one file."""
    headers = list(_HEADER.finditer(text))
    ends = [header.start() for header in headers[1:]] + [len(text)]
    return [
        (header[1], Statement(header[2].replace("-- ", "").strip(), text[header.end() : end].strip().encode()))
        for header, end in zip(headers, ends, strict=True)
    ]


def get(name: str) -> bytes:
    """The SQL of a statement."""
    return statements()[name].sql
