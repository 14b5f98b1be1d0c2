"""Lists the deletions that the guard holds back, by name, for the person who decides about their release."""

from __future__ import annotations

from typing import Any

from worker.store import statements
from worker.store.connection import Connection
from worker.store.connectors import PREFIX
from worker.store.query import rows


def page(connection: Connection, number: int, size: int, *, run: int | None = None, owner: str | None = None) -> tuple[list[Any], int]:
    """A page of what is held back of a run, or of a connector: entities, links and attributes; and how many there are in all."""
    connector = owner.removeprefix(PREFIX) if owner else None
    values = {"run": run, "owner": owner, "connector": connector, "limit": size, "offset": (number - 1) * size}
    found = rows(connection, statements.get("held_of"), values)
    total = found[0]["total"] if found else _count(connection, values)
    return [{name: value for name, value in one.items() if name != "total"} for one in found], total


def _count(connection: Connection, values: dict[str, Any]) -> int:
    """The total for a page beyond the last one."""
    first = rows(connection, statements.get("held_of"), {**values, "limit": 1, "offset": 0})
    return int(first[0]["total"]) if first else 0
