"""A bounded pool of connections for the API: a request that gets no connection in time fails with the reason."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import psycopg_pool

from worker.store.connection import LIMITS, Connection
from worker.store.errors import StoreError, Unreachable, classified

ACQUIRE_TIMEOUT, ACQUIRE_TIMEOUT_WHEN_DOWN = 5.0, 1.0
"""Seconds a request waits for a connection: when all are in use, and when the database was unreachable a moment ago."""

POLL_SECONDS = 0.1
"""Seconds between two checks whether an attempt to connect has failed; a waiting request then fails at once."""

RECONNECT_TIMEOUT = 0.0
"""Seconds of the pool's own retries: none, because the next request connects, and so uses a recovered database at once."""

CONNECT_TIMEOUT = 3
"""Seconds for an attempt to connect; below `ACQUIRE_TIMEOUT`, so that a request is told why there is no connection."""

CHECK_TIMEOUT = 2.0
"""Seconds a pooled connection has to answer a check."""

STATEMENT_TIMEOUT = 20_000
"""Milliseconds a statement of a request may take."""

SESSION = {
    "statement_timeout": STATEMENT_TIMEOUT,
    "lock_timeout": 5_000,
    "idle_in_transaction_session_timeout": 30_000,
    "timezone": "UTC",
}

RESPONSE_TIMEOUT = STATEMENT_TIMEOUT / 1000 + 5
"""Seconds without data in the middle of a statement after which a connection is closed."""


class Pool:
    """A pool that opens its first connection at the first request."""

    def __init__(self, url: str, size: int = 8) -> None:
        self._problem: StoreError | None = None
        self._tried_at = 0.0
        self._size = size
        self._pool = psycopg_pool.ConnectionPool(
            url,
            connection_class=self._connections(),
            kwargs={**LIMITS, "connect_timeout": CONNECT_TIMEOUT, "autocommit": True, "application_name": "elder-api", "session": SESSION},
            min_size=0,
            max_size=size,
            reconnect_timeout=RECONNECT_TIMEOUT,
            check=_alive,
            open=False,
        )
        self._opened = False

    @contextlib.contextmanager
    def connection(self) -> Iterator[Connection]:
        """Lends a connection for the block. Raises `StoreError`, also for psycopg errors inside the block."""
        if not self._opened:
            self._pool.open()
            self._opened = True
        connection = self._acquire()
        try:
            with connection:
                yield connection
        except psycopg.Error as error:
            raise classified(error) from error
        finally:
            self._pool.putconn(connection)

    def _acquire(self) -> Connection:
        """Takes a connection. Raises `StoreError` as soon as an attempt to connect that began after the request has failed."""
        began = time.monotonic()
        timeout = ACQUIRE_TIMEOUT if self._problem is None else ACQUIRE_TIMEOUT_WHEN_DOWN
        while True:
            try:
                return self._pool.getconn(timeout=POLL_SECONDS)
            except psycopg_pool.PoolTimeout:
                waited = time.monotonic() - began
                problem = self._problem
                if problem and (self._tried_at >= began or waited > timeout):
                    raise problem from None
                if waited > timeout:
                    raise Unreachable(f"all {self._size} connections are in use: try again") from None
            except psycopg.Error as error:
                raise classified(error) from error

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """Lends a connection in one read-only snapshot, so that counts and lists agree."""
        with self.connection() as connection, snapshot(connection):
            yield connection

    def close(self) -> None:
        """Closes every connection of the pool."""
        if self._opened:
            self._pool.close()

    def _connections(self) -> type[Connection]:
        """Connection class that reports connection errors to this pool; psycopg's pool only logs them."""
        pool = self

        class Reporting(Connection):
            response_timeout = RESPONSE_TIMEOUT

            @classmethod
            def connect(cls, conninfo: str = "", **keywords: Any) -> Any:
                began = time.monotonic()
                try:
                    made = super().connect(conninfo, **keywords)
                except psycopg.Error as error:
                    pool._problem, pool._tried_at = classified(error), began
                    raise
                pool._problem = None
                return made

        return Reporting


def _alive(connection: Connection) -> None:
    """Checks that a connection answers within CHECK_TIMEOUT. Raises `psycopg.Error`."""
    connection.response_timeout = CHECK_TIMEOUT
    psycopg_pool.ConnectionPool.check_connection(connection)
    connection.response_timeout = RESPONSE_TIMEOUT


@contextlib.contextmanager
def snapshot(connection: Connection) -> Iterator[None]:
    """Opens a read-only transaction with a stable snapshot."""
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        yield
