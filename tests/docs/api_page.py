"""The tables of docs/api.md that are made from the code: what a status means, and by what each list can be sorted."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from api import error_responses
from api.endpoints import ENDPOINTS
from api.listing import ListQuery

STATUSES, LISTS = "| status | means |", "| list | `sort` | without `sort` |"
"""Heads of the tables."""


def filled(text: str) -> str:
    """The text with the rows of these tables as the code says. Raises `ValueError` when one is not there exactly once."""
    for head, made in ((STATUSES, statuses()), (LISTS, lists())):
        if text.count(f"\n{head}\n") != 1:
            raise ValueError(f"docs/api.md needs the table {head!r}, once")
        before, rest = text.split(f"{head}\n")
        lines = rest.split("\n")
        behind = next(number for number, line in enumerate(lines) if not line.startswith("|"))
        text = "\n".join([before + head, "|" + "---|" * (head.count("|") - 1), *made, *lines[behind:]])
    return text


def statuses() -> Iterator[str]:
    """A row for each status."""
    for status, meaning in sorted(error_responses.sentences().items()):
        yield f"| {status} | {meaning} |"


def lists() -> Iterator[str]:
    """A row for each list."""
    for endpoint in ENDPOINTS:
        if issubclass(endpoint.query, ListQuery):
            [default] = (field.default for field in msgspec.structs.fields(endpoint.query) if field.name == "sort")
            names = ", ".join(f"`{name}`" for name in endpoint.query.sortings)
            yield f"| `{endpoint.method} {endpoint.path}` | {names} | `{default}` |"
