"""Log lines of runs: stored with the outcome, shown by the API."""

from __future__ import annotations

from typing import Any

from psycopg.types.json import Jsonb

from worker.run.outcome import RunLog
from worker.store import statements
from worker.store.connection import Connection
from worker.store.query import one

FIELDS = ("at", "level", "logger", "text")


def add(connection: Connection, run: int, log: RunLog) -> None:
    """Stores the log of a run that has ended, once. Inside a transaction."""
    values = {"run": run, "lines": Jsonb(log.lines), "left_out": log.left_out, "left_out_after": log.left_out_after}
    connection.execute(statements.get("add_run_log"), values)


def get(connection: Connection, run: int) -> dict[str, Any] | None:
    """The log of a run, by the fields of the API, without lines where it has none; None for a run that is not there."""
    found = one(connection, statements.get("run_log"), [run])
    return found and {**found, "lines": [dict(zip(FIELDS, line, strict=True)) for line in found["lines"]]}
