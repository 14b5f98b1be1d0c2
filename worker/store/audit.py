"""The audit log: who changed what, from where, with the object before and after. Rows are added in the transaction of the change itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, LiteralString

import msgspec
from psycopg.types.json import Jsonb

from worker.store.connection import Connection
from worker.store.query import Order, Query, by_number

COLUMNS: LiteralString = "id, at, actor, role, address, action, object, before, after"

SORTINGS: Mapping[str, Order] = {
    "at": by_number("id", "id"),
    "actor": Order("actor", "%s", "actor"),
    "object": Order("object", "%s", "object"),
}
"""Orders of the audit log, each of which an index has. Lines are numbered as they are added."""


class Actor(msgspec.Struct, frozen=True):
    """The person or process that changes something. `name` is ``key:NAME``, ``ELDER_API_KEY``, ``local``, ``cli:USER``,
    ``oidc:NAME (SUBJECT at ISSUER)``, or ``worker`` for what a setting lets it do by itself.
    """

    name: str
    role: str = ""
    address: str = ""


def add(connection: Connection, actor: Actor, action: str, subject: str, before: Any = None, after: Any = None) -> None:
    """Adds a line. `before` and `after` are JSON values without secrets."""
    values = [actor.name, actor.role, actor.address, action, subject, _json(before), _json(after)]
    connection.execute(
        "insert into audit_log (actor, role, address, action, object, before, after) values (%s, %s, %s, %s, %s, %s, %s)", values
    )


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """The conditions on lines of the audit log; None is not a condition."""

    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None


def selection(wanted: Wanted, sort: str = "-at") -> Query:
    """The lines that fit, in an order of `SORTINGS`."""
    query = Query(COLUMNS, "audit_log", SORTINGS, sort)
    query.only("actor = %s", wanted.actor)
    query.only("action = %s", wanted.action)
    query.only("object = %s", wanted.subject)
    query.only("at >= %s", wanted.since)
    query.only("at < %s", wanted.until)
    return query


def names(connection: Connection) -> tuple[list[str], list[str]]:
    """The actors and the actions that there are lines of."""
    actors = connection.execute("select distinct actor from audit_log order by 1").fetchall()
    actions = connection.execute("select distinct action from audit_log order by 1").fetchall()
    return [name for (name,) in actors], [name for (name,) in actions]


def _json(value: Any) -> Jsonb | None:
    """The value as JSON; times become text."""
    return None if value is None else Jsonb(msgspec.to_builtins(value))
