"""Log lines of runs and of connectors' syncs: those of a run are stored while it goes on, and whole with its outcome; shown by the API."""

from __future__ import annotations

from typing import Any

from psycopg.types.json import Jsonb

from worker.run.outcome import RunLog
from worker.store import statements
from worker.store.connection import Connection
from worker.store.query import one

FIELDS = ("at", "level", "logger", "text")


def put(connection: Connection, run: int, log: RunLog) -> None:
    """Stores all that a run has logged so far, in place of what is stored. Inside a transaction that has checked the claim."""
    connection.execute(statements.get("put_run_log"), _values(run, log))


def add_of_sync(connection: Connection, sync: int, log: RunLog) -> None:
    """Stores the log of a sync that has ended, once. Inside a transaction."""
    connection.execute(statements.get("add_sync_log"), _values(sync, log))


def _values(run: int, log: RunLog) -> dict[str, Any]:
    return {"run": run, "lines": Jsonb(log.lines), "left_out": log.left_out, "left_out_after": log.left_out_after}


def get(connection: Connection, run: int) -> dict[str, Any] | None:
    """The log of a run, by the fields of the API, without lines where it has none; None for a run that is not there."""
    return _shown(one(connection, statements.get("run_log"), [run]))


def get_of_sync(connection: Connection, connector: str, sync: int | None = None) -> dict[str, Any] | None:
    """The log of a connector's newest sync, or of that one, by the fields of the API; None where there is no such sync."""
    return _shown(one(connection, statements.get("sync_log"), {"name": connector, "sync": sync}))


def _shown(found: dict[str, Any] | None) -> dict[str, Any] | None:
    return found and {**found, "lines": [dict(zip(FIELDS, line, strict=True)) for line in found["lines"]]}
