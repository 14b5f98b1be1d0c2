"""The audit log: who changed what, from where, with the object before and after. Rows are added in the transaction of the change itself."""

from __future__ import annotations

from typing import Any, LiteralString

import msgspec
from psycopg.types.json import Jsonb

from worker.store.connection import Connection
from worker.store.query import Query

COLUMNS: LiteralString = "id, at, actor, role, address, action, object, before, after"


class Actor(msgspec.Struct, frozen=True):
    """The person or process that changes something. `name` is ``key:NAME``, ``ELDER_API_KEY``, ``local`` or ``cli:USER``."""

    name: str
    role: str = ""
    address: str = ""


def add(connection: Connection, actor: Actor, action: str, subject: str, before: Any = None, after: Any = None) -> None:
    """Adds a line. `before` and `after` are JSON values without secrets."""
    values = [actor.name, actor.role, actor.address, action, subject, _json(before), _json(after)]
    connection.execute(
        "insert into audit_log (actor, role, address, action, object, before, after) values (%s, %s, %s, %s, %s, %s, %s)", values
    )


def page(
    connection: Connection, number: int, size: int, *, actor: str | None = None, action: str | None = None, subject: str | None = None
) -> tuple[list[dict[str, Any]], int]:
    """A page of lines, the newest first."""
    query = Query(COLUMNS, "audit_log", "id desc")
    query.only("actor = %s", actor)
    query.only("action = %s", action)
    query.only("object = %s", subject)
    return query.page(connection, number, size)


def _json(value: Any) -> Jsonb | None:
    """The value as JSON; times become text."""
    return None if value is None else Jsonb(msgspec.to_builtins(value))
