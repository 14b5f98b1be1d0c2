"""Connectivity tests through the database: the API adds a row, a worker answers it, and the API waits only while workers are alive."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from worker.store import statements
from worker.store.connection import Connection, transaction
from worker.store.jobs import WAKE
from worker.store.query import rows

LOOK = 1.0
"""Seconds between two queries without a notification; behind a connection pooler there is none."""


def workers(connection: Connection, seconds: float, provider: str | None = None) -> int:
    """Counts the workers seen within the last `seconds`, those that can run a provider if one is given."""
    row = connection.execute(statements.get("workers_seen"), {"seconds": seconds, "provider": provider}).fetchone()
    return int(row[0]) if row else 0


def alive(connection: Connection, seconds: float) -> list[dict[str, Any]]:
    """Lists the workers seen within the last `seconds`, each with the ``runs`` that it holds."""
    return rows(connection, statements.get("workers"), {"seconds": seconds})


def ask(connection: Connection, provider: str, config: dict[str, Any]) -> UUID:
    """Adds a test and wakes the workers; returns its id."""
    with transaction(connection):
        row = connection.execute(
            "insert into elder_worker.tests (provider, config) values (%s, %s) returning id", [provider, Jsonb(config)]
        ).fetchone()
        connection.execute(WAKE)
    assert row is not None
    number: UUID = row[0]
    return number


def answer(connection: Connection, test: UUID, seconds: float) -> dict[str, Any] | None:
    """Waits for the answer; returns None when none arrives in time. The test is deleted either way."""
    deadline = time.monotonic() + seconds
    if not connection.pooled:
        connection.execute("listen elder_test")
    try:
        while True:
            row = connection.execute("select answer from elder_worker.tests where id = %s", [test]).fetchone()
            left = deadline - time.monotonic()
            if row is None or row[0] is not None or left <= 0:
                return row[0] if row else None
            list(connection.notifies(timeout=min(LOOK, left), stop_after=1))
    finally:
        if not connection.pooled:
            connection.execute("unlisten elder_test")
        connection.execute(statements.get("forget_test"), [test])
