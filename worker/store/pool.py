"""A bounded pool of connections, for the API: a request that gets none in time says why, and does not wait for ever."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg
import psycopg_pool

from worker.store.connection import LIMITS, Connection
from worker.store.errors import StoreError, Unreachable, classified

WAIT, WAIT_AWAY = 5.0, 2.0
"""Seconds that a request waits for a connection: when all are in use, and when the database was away a moment ago."""

GIVE_UP = 1.0
"""Seconds after which the pool stops trying by itself: the next request tries again, so that a database that is back is used at once."""

STATEMENT_TIMEOUT = 20_000
"""Milliseconds of one statement of a request."""


class Pool:
    """Opens its first connection when it is first asked."""

    def __init__(self, url: str, size: int = 8) -> None:
        options = (
            f"-c statement_timeout={STATEMENT_TIMEOUT} -c lock_timeout=5000 -c idle_in_transaction_session_timeout=30000 -c timezone=UTC"
        )
        self._problem: StoreError | None = None
        self._size = size
        self._pool = psycopg_pool.ConnectionPool(
            url,
            connection_class=self._connections(),
            kwargs={**LIMITS, "autocommit": True, "application_name": "elder-api", "options": options},
            min_size=0,
            max_size=size,
            reconnect_timeout=GIVE_UP,
            check=psycopg_pool.ConnectionPool.check_connection,
            open=False,
        )
        self._opened = False

    @contextlib.contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection for the block. Raises `StoreError`, also for what goes wrong inside it."""
        if not self._opened:
            self._pool.open()
            self._opened = True
        try:
            with self._pool.connection(timeout=WAIT if self._problem is None else WAIT_AWAY) as connection:
                yield connection
        except psycopg_pool.PoolTimeout:
            raise self._problem or Unreachable(f"all {self._size} connections are in use: try again") from None
        except psycopg.Error as error:
            raise classified(error) from error

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """The same, in one read-only snapshot: what is counted is what is listed."""
        with self.connection() as connection, connection.transaction():
            connection.execute("set transaction isolation level repeatable read, read only")
            yield connection

    def close(self) -> None:
        """Closes every connection."""
        if self._opened:
            self._pool.close()

    def _connections(self) -> type[Connection]:
        """Connections that tell this pool why there is none: psycopg's own pool only logs it."""
        pool = self

        class Telling(Connection):
            patience = STATEMENT_TIMEOUT / 1000 + 5

            @classmethod
            def connect(cls, conninfo: str = "", **keywords: Any) -> Any:
                try:
                    made = super().connect(conninfo, **keywords)
                except psycopg.Error as error:
                    pool._problem = classified(error)
                    raise
                pool._problem = None
                return made

        return Telling
