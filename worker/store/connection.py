"""Opens connections to PostgreSQL. A dead server is noticed within 15 seconds, whatever the network does."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.rows import TupleRow
from psycopg.types.json import set_json_loads

from worker.store.errors import classified

ResultT = TypeVar("ResultT")

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
"""Limits in milliseconds: of a statement, of an idle transaction, of waiting for a lock."""

RESPONSE_TIMEOUT = STATEMENT_TIMEOUT / 1000 + 10
"""Seconds without an answer after which a connection is closed; longer than STATEMENT_TIMEOUT, at which a live server answers."""


class Connection(psycopg.Connection[TupleRow]):
    """A connection that ends when the server stops answering although the network accepts data: half-open, or behind a stuck proxy."""

    response_timeout = RESPONSE_TIMEOUT

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        set_json_loads(_loads, self)

    def wait(self, gen: PQGen[ResultT], *arguments: Any, **options: Any) -> ResultT:
        """Waits as the base class does, for at most `response_timeout` seconds without data."""
        return super().wait(self._bounded(gen), *arguments, **options)

    def _bounded(self, gen: PQGen[ResultT]) -> PQGen[ResultT]:
        received_at = time.monotonic()
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if ready:
                    received_at = time.monotonic()
                elif time.monotonic() - received_at > self.response_timeout:
                    self.pgconn.finish()
                    raise psycopg.OperationalError(f"no answer from the server for {self.response_timeout:g} s")
                wanted = gen.send(ready)
        except StopIteration as done:
            result: ResultT = done.value
            return result


def connect(url: str, name: str = "elder-worker", *, read_only: bool = False, response_timeout: float = RESPONSE_TIMEOUT) -> Connection:
    """Opens a connection in autocommit mode; transactions are explicit. Raises `StoreError`.

    `response_timeout` limits the seconds without data in the middle of a statement.
    """
    options = f"-c statement_timeout={STATEMENT_TIMEOUT} -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION}"
    options += f" -c lock_timeout={LOCK_TIMEOUT} -c timezone=UTC -c client_min_messages=warning"
    if read_only:
        options += " -c default_transaction_read_only=on"
    try:
        connection = Connection.connect(url, autocommit=True, application_name=name[:63], options=options, **LIMITS)
    except psycopg.Error as error:
        raise classified(error) from None
    except (ValueError, UnicodeError) as error:
        raise classified(psycopg.OperationalError(f"DATABASE_URL cannot be read: {type(error).__name__}")) from None
    connection.response_timeout = response_timeout
    return connection


def _loads(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except RecursionError:  # a config written past the API; the other rows of the result stay readable
        return None


@contextlib.contextmanager
def transaction(connection: Connection) -> Iterator[Connection]:
    """Opens a transaction. Raises `StoreError`; then nothing of it is stored."""
    try:
        with connection.transaction():
            yield connection
    except psycopg.Error as error:
        raise classified(error) from error


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Translates psycopg's errors of single statements into `StoreError`."""
    try:
        yield
    except psycopg.Error as error:
        raise classified(error) from error
