"""Syncs of connectors: their history and their ledger, as the API stores and shows them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, LiteralString

from psycopg.types.json import Jsonb

from providers import expiry
from worker.store import ledger, run_logs, scopes, statements, sync_requests
from worker.store.connection import Connection, transaction
from worker.store.query import Order, Query, by_number, one, rows
from worker.sync.messages import ScopeClosed, SyncRun, Tombstoned

PREFIX = "connector:"
"""Beginning of the owner of a connector's scopes."""

COLUMNS: LiteralString = (
    "id, connector, run, status, error_kind, error, error_detail, entities_discovered, entities_created, entities_updated, "
    "entities_deleted, entities_rejected, identity, started_at, completed_at"
)

SORTINGS: Mapping[str, Order] = {"id": by_number("id", "id")}
"""Orders of the list of a connector's syncs, which an index has."""

COUNTED = 20_000
"""Syncs that are counted for a list of them."""

PRUNED = 100
"""Most old syncs that go at the end of a sync."""

ENDED = frozenset({"completed", "partial"})
"""Statuses of syncs that ended by themselves, so that their plan is whole."""

NEVER: dict[str, Any] = {
    "status": "never",
    **dict.fromkeys(("error", "started_at", "completed_at", "last_complete_at")),
    "error_kind": "",
    **dict.fromkeys(("entities", "scopes", "incomplete_scopes", "abandoned_scopes"), 0),
}
"""The newest sync of a connector that has never synced."""


def begin(connection: Connection, owner: str, run: str) -> int:
    """The row of a sync, created when it is missing. Inside a transaction."""
    row = connection.execute(statements.get("begin_sync"), {"connector": owner.removeprefix(PREFIX), "run": run}).fetchone()
    assert row is not None
    return int(row[0])


def put(connection: Connection, sync: SyncRun, kept: int = 0) -> None:
    """Stores how a sync stands. At its end, scopes that its whole plan left out are abandoned. Raises `StoreError`.

    `kept` is how many syncs of the connector are kept; 0: all. Where fewer are kept than before, the older ones go with the next syncs.
    """
    with transaction(connection):
        number = begin(connection, sync.owner, sync.run)
        values = {
            "id": number,
            "connector": sync.owner.removeprefix(PREFIX),
            "status": sync.status,
            "error_kind": sync.error_kind,
            "error": sync.error or None,
            "detail": sync.detail or None,
            "resources": sync.resources,
            "created": sync.created,
            "updated": sync.updated,
            "deleted": sync.deleted,
            "rejected": sync.rejected,
            "identity": Jsonb(sync.identity) if sync.identity else None,
            "ends": _credential_ends(sync.identity),
        }
        connection.execute(statements.get("put_sync"), values)
        connection.execute(statements.get("end_earlier_syncs"), values)
        if sync.status in ENDED:
            _abandon(connection, sync.owner, number)
        if sync.status != "running":
            if sync.request:
                sync_requests.serve(connection, sync.owner.removeprefix(PREFIX), sync.request, number)
            if sync.log is not None:
                run_logs.add_of_sync(connection, number, sync.log)
            if kept:
                connection.execute(statements.get("prune_syncs"), values | {"kept": kept, "pruned": PRUNED})


def _credential_ends(identity: dict[str, Any] | None) -> dt.datetime | None:
    details = identity.get("details") if identity else None
    return expiry.of_details(details) if isinstance(details, dict) else None


def _abandon(connection: Connection, owner: str, number: int) -> None:
    found = connection.execute(statements.get("abandon_connector_scopes"), {"owner": owner, "run": number}).fetchall()
    scopes.hand_over(connection, [row for (row,) in found])


def add_line(connection: Connection, number: int, scope: int, closed: ScopeClosed, done: Tombstoned) -> None:
    """Adds a scope's line to the ledger of a sync. Inside a transaction."""
    values = {
        "run": number,
        "scope": scope,
        "provider": closed.scope.provider,
        "account": closed.scope.account,
        "region": closed.scope.region,
        "resource_type": closed.scope.resource_type,
        "coverage": closed.scope.coverage,
        "outcome": closed.outcome,
        "resources": closed.resources,
        "deleted": done.deleted,
        "held_back": done.held_back,
        "held_links": done.held_links,
        "held_attributes": done.held_attributes,
        "message": closed.message[:2000],
        "permission": closed.permission[:2000],
        "detail": closed.detail[:8000],
        "as_of": closed.as_of,
    }
    connection.execute(statements.get("add_to_connector_ledger"), values)


def summaries(connection: Connection) -> list[dict[str, Any]]:
    """Each connector with its newest sync, its scopes and its next sync; also those that a worker has and that have never synced."""
    return _summaries(connection, None)


def summary(connection: Connection, name: str) -> dict[str, Any] | None:
    """One connector with its newest sync and that sync's whole ledger; `latest` is None when it has never synced."""
    found = _summaries(connection, name)
    if not found:
        return None
    newest = rows(connection, statements.get("syncs"), {"name": name, "limit": 1, "before": None})
    return {**found[0], "latest": _whole(connection, newest)}


def sync(connection: Connection, name: str, number: int) -> dict[str, Any] | None:
    """One sync of a connector with its whole ledger, as `latest` of `summary` is; None where the connector has no such sync."""
    found = rows(connection, statements.get("one_sync"), {"name": name, "sync": number})
    return _whole(connection, found)


def _whole(connection: Connection, found: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The first sync with its whole ledger, and the scopes that it reads now."""
    for whole in _with_scopes(connection, found[:1], ledger.SCOPES_AT_MOST):
        reading = ledger.being_read(connection, whole, PREFIX + whole["connector"], statements.get("scopes_being_synced"))
        return {**whole, "reading": reading}
    return None


def known(connection: Connection, name: str) -> bool:
    """True when a connector has delivered, or a worker that lives has it, or a request for it waits."""
    delivered = connection.execute("select from connector_history where connector = %s limit 1", [name]).fetchone()
    return delivered is not None or sync_requests.is_current(sync_requests.states(connection, name).get(name, sync_requests.UNKNOWN))


def _summaries(connection: Connection, name: str | None) -> list[dict[str, Any]]:
    states = sync_requests.states(connection, name)
    found = {row["name"]: row for row in rows(connection, statements.get("connectors"), {"name": name})}
    known = sorted({*found, *(name for name, state in states.items() if sync_requests.is_current(state))})
    return [{"name": name, **NEVER, **found.get(name, {}), **states.get(name, sync_requests.UNKNOWN)} for name in known]


def selection(name: str, status: str | None = None, sort: str = "-id") -> Query:
    """The syncs of a connector in an order of `SORTINGS`; those of one status."""
    query = Query(COLUMNS, "connector_history", SORTINGS, sort, most=COUNTED)
    query.only("connector = %s", name)
    query.only("status = %s", status)
    return query


def has_sync(connection: Connection, name: str, number: int) -> bool:
    """True when a connector has a sync of this id."""
    return one(connection, "select id from connector_history where id = %s and connector = %s", [number, name]) is not None


def history(connection: Connection, name: str, limit: int, before: int | None = None) -> tuple[list[dict[str, Any]], int]:
    """The newest syncs of a connector, or those before one, oldest first, each with some of its scopes; and how many syncs there are."""
    newest = rows(connection, statements.get("syncs"), {"name": name, "limit": limit, "before": before})
    counted = one(connection, "select count(*) as syncs from connector_history where connector = %s", [name])
    return _with_scopes(connection, newest[::-1], ledger.shown_of_each(len(newest))), counted["syncs"] if counted else 0


def _with_scopes(connection: Connection, found: list[dict[str, Any]], limit: int) -> list[dict[str, Any]]:
    return ledger.with_scopes(connection, found, statements.get("lines_of_syncs"), limit)
