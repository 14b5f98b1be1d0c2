"""A bounded pool of connections, for the API: a request that gets none in time says so, and does not wait for ever."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psycopg
import psycopg_pool

from worker.store.connection import LIMITS, Connection
from worker.store.errors import Unreachable, classified

WAIT = 5.0
"""Seconds that a request waits for a connection."""

STATEMENT_TIMEOUT = 20_000
"""Milliseconds of one statement of a request."""


class Pool:
    """Opens its first connection when it is first asked."""

    def __init__(self, url: str, size: int = 8) -> None:
        options = (
            f"-c statement_timeout={STATEMENT_TIMEOUT} -c lock_timeout=5000 -c idle_in_transaction_session_timeout=30000 -c timezone=UTC"
        )
        keywords = {**LIMITS, "autocommit": True, "application_name": "elder-api", "options": options}
        self._pool = psycopg_pool.ConnectionPool(url, kwargs=keywords, min_size=0, max_size=size, timeout=WAIT, open=False)
        self._opened = False

    @contextlib.contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection for the block. Raises `StoreError`, also for what goes wrong inside it."""
        if not self._opened:
            self._pool.open()
            self._opened = True
        try:
            with self._pool.connection() as connection:
                yield connection
        except psycopg_pool.PoolTimeout:
            raise Unreachable("no connection to the database within 5 s") from None
        except psycopg.Error as error:
            raise classified(error) from error

    def close(self) -> None:
        """Closes every connection."""
        if self._opened:
            self._pool.close()
