"""Requests of people for a sync at once, and what the workers tell of their connectors.

A request is a number that grows, one row for each connector. It waits until a worker takes it up, and is served when the sync that this
worker began for it has ended. A worker that stops gives back what it has not served. One that was not heard of for `ALIVE` seconds has
died: another one takes up what it had.
"""

from __future__ import annotations

from typing import Any

from worker.store import statements
from worker.store.connection import Connection, transaction
from worker.store.query import rows
from worker.sync.messages import WorkerConnectors

ALIVE = 30.0
"""Seconds since a worker was heard of, for which it lives. It tells how its connectors stand every few seconds."""

LONGEST = 10 * 365 * 86400.0
"""Most seconds until the next sync."""

UNKNOWN: dict[str, Any] = {"next_sync_at": None, "workers": [], "syncing": [], "request": None, "waiting_for": ""}
"""How a connector stands of which no worker has told anything."""


def report(connection: Connection, stated: WorkerConnectors) -> dict[str, int]:
    """Stores how a worker's connectors stand; returns the requests that it has to serve, by connector. Raises `StoreError`."""
    with transaction(connection):
        for one in sorted(stated.connectors, key=lambda one: one.name):
            state = {
                "connector": one.name,
                "worker": stated.worker,
                "name": stated.name,
                "next_in": None if one.next_in is None else min(max(one.next_in, 0.0), LONGEST),
                "syncing": one.syncing,
                "alive": ALIVE,
            }
            connection.execute(statements.get("put_connector_worker"), state)
            if one.served:
                serve(connection, one.name, one.served, error=one.error)
            if one.ready:
                connection.execute(statements.get("take_sync_request"), state)
        connection.execute(statements.get("forget_connector_workers"))
        have = {"worker": stated.worker, "connectors": [one.name for one in stated.connectors]}
        connection.execute(statements.get("leave_connectors"), have)
        connection.execute(statements.get("give_back_sync_requests"), have)
        return dict(connection.execute(statements.get("taken_sync_requests"), {"worker": stated.worker}).fetchall())


def serve(connection: Connection, connector: str, request: int, sync: int | None = None, error: str = "") -> None:
    """Records that the sync of a request has ended; `sync` is its id in the history. Inside a transaction."""
    values = {"connector": connector, "request": request, "sync": sync, "error": error}
    connection.execute(statements.get("serve_sync_request"), values)


def request(connection: Connection, connector: str, by: str) -> bool:
    """Stores the request for a sync at once. False: one waits already, and its sync serves both."""
    return connection.execute(statements.get("request_sync"), {"connector": connector, "by": by}).fetchone() is not None


def states(connection: Connection, name: str | None = None) -> dict[str, dict[str, Any]]:
    """How each connector stands, or the one with that name: the workers that have it, its next sync, and the newest request."""
    found = rows(connection, statements.get("connector_states"), {"name": name, "alive": ALIVE})
    return {one["name"]: _state(one) for one in found}


def is_current(state: dict[str, Any]) -> bool:
    """True while a worker has the connector, or a request is not served yet."""
    return bool(state["workers"]) or bool(state["request"] and state["request"]["state"] != "served")


def _state(row: dict[str, Any]) -> dict[str, Any]:
    asked = _request(row) if row["number"] is not None else None
    waits = asked is not None and asked["state"] == "waiting"
    return {
        **{key: row[key] for key in ("next_sync_at", "workers", "syncing")},
        "request": asked,
        "waiting_for": _waiting_for(row) if waits else "",
    }


def _request(row: dict[str, Any]) -> dict[str, Any]:
    kept = ("number", "requested_at", "requested_by", "worker", "served", "served_at", "sync_id", "error")
    state = "served" if row["served"] >= row["number"] else "taken" if row["worker"] and row["taken"] == row["number"] else "waiting"
    return {**{key: row[key] for key in kept}, "state": state}


def _waiting_for(row: dict[str, Any]) -> str:
    if not row["workers"]:
        return f"no running worker has told that it has the connector {row['name']} switched on"
    if row["syncing"]:
        return f"the sync that runs on {' and '.join(row['syncing'])} ends first"
    return f"a worker takes it up within seconds: {' or '.join(row['workers'])}"
