"""The one place that connects. A server that is gone is noticed within 15 seconds, whatever the network does."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg.rows import TupleRow

from worker.store.errors import classified

Connection = psycopg.Connection[TupleRow]

LIMITS: dict[str, Any] = {
    "connect_timeout": 5,
    "tcp_user_timeout": 10_000,  # ms without an acknowledgement of what we sent
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}
STATEMENT_TIMEOUT = 120_000
IDLE_IN_TRANSACTION = 60_000
LOCK_TIMEOUT = 15_000
"""Milliseconds."""


def connect(url: str, name: str = "elder-worker", *, read_only: bool = False) -> Connection:
    """A connection in autocommit mode: a transaction is always explicit. Raises `StoreError`."""
    options = f"-c statement_timeout={STATEMENT_TIMEOUT} -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION}"
    options += f" -c lock_timeout={LOCK_TIMEOUT} -c timezone=UTC -c client_min_messages=warning"
    if read_only:
        options += " -c default_transaction_read_only=on"
    try:
        return psycopg.connect(url, autocommit=True, application_name=name[:63], options=options, **LIMITS)
    except psycopg.Error as error:
        raise classified(error) from None
    except (ValueError, UnicodeError) as error:
        raise classified(psycopg.OperationalError(f"DATABASE_URL cannot be read: {type(error).__name__}")) from None


@contextlib.contextmanager
def transaction(connection: Connection) -> Iterator[Connection]:
    """A transaction whose errors are ours. Raises `StoreError`; then nothing of it is stored."""
    try:
        with connection.transaction():
            yield connection
    except psycopg.Error as error:
        raise classified(error) from error


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Single statements whose errors are ours."""
    try:
        yield
    except psycopg.Error as error:
        raise classified(error) from error
