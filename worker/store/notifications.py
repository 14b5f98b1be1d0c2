"""Notifications of new jobs: on the queue's connection, on one of their own to DATABASE_LISTEN_URL, or none behind a pooler."""

from __future__ import annotations

import time

import psycopg
import structlog

from worker.store.connection import Connection, connect, guarded
from worker.store.errors import StoreError

CHANNEL = "elder_worker"

LOOK = 5.0
"""Seconds between two looks for what a notification would have told."""

RETRY = 30.0
"""Seconds between two attempts to reach DATABASE_LISTEN_URL."""

_log = structlog.get_logger("worker.backlog")


class Notifications:
    """Used by the thread of the queue. Trouble with DATABASE_LISTEN_URL is told and delays jobs; it ends nothing."""

    def __init__(self, connection: Connection, url: str, name: str) -> None:
        """`connection` is the queue's; `url` is DATABASE_LISTEN_URL, or empty. Raises `StoreError` for the queue's own connection."""
        self._connection, self._url, self._name = connection, url, name
        self._own: Connection | None = None
        self._retry_at = self._looked_at = time.monotonic()
        if url:
            self._connect()
        elif connection.pooled:
            _log.info(
                f"new jobs start within {LOOK:g} s, and not at once: DATABASE_URL leads through a connection pooler, which passes on no "
                "notifications; DATABASE_LISTEN_URL may name the server itself"
            )
        else:
            with guarded():
                connection.execute(f"listen {CHANNEL}")

    def fileno(self) -> int:
        """Descriptor that is readable when a notification has arrived, or a connection has ended."""
        return (self._own or self._connection).fileno()

    def arrived(self) -> bool:
        """Takes the notifications that have arrived; true when there were some. Raises `psycopg.Error` for the queue's own connection."""
        if not self._url:
            return bool(list(self._connection.notifies(timeout=0)))
        if self._own is None and time.monotonic() >= self._retry_at:
            self._connect()
        try:
            return self._own is not None and bool(list(self._own.notifies(timeout=0)))
        except psycopg.Error as error:
            self._failed(str(error))
            return True

    def overdue(self) -> bool:
        """True every LOOK seconds while nothing would notify."""
        if self._own is not None or not (self._url or self._connection.pooled) or time.monotonic() < self._looked_at + LOOK:
            return False
        self._looked_at = time.monotonic()
        return True

    def close(self) -> None:
        """Closes the connection to DATABASE_LISTEN_URL; the other is the queue's."""
        if self._own is not None:
            self._own.close()
            self._own = None

    def _connect(self) -> None:
        try:
            self._own = connect(self._url, self._name)
            with guarded():
                self._own.execute(f"listen {CHANNEL}")
        except StoreError as error:
            self._failed(str(error))

    def _failed(self, reason: str) -> None:
        self.close()
        self._retry_at = time.monotonic() + RETRY
        _log.warning(
            f"new jobs start within {LOOK:g} s, and not at once: DATABASE_LISTEN_URL cannot be reached: {' '.join(reason.split())}"
        )
