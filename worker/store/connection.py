"""Opens connections to PostgreSQL. A dead server is noticed within 15 seconds, whatever the network does.

A connection pooler (PgBouncer and the like) may give each transaction another session of the server. So nothing here outlives a
transaction: no statement is prepared on the server, and behind a pooler each transaction sets the limits, not the start of the session.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.rows import TupleRow
from psycopg.types.json import set_json_loads

from worker.store.errors import Misconfigured, classified

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

SESSION: dict[str, object] = {
    "statement_timeout": STATEMENT_TIMEOUT,
    "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION,
    "lock_timeout": LOCK_TIMEOUT,
    "timezone": "UTC",
    "client_min_messages": "warning",
}

RESPONSE_TIMEOUT = STATEMENT_TIMEOUT / 1000 + 10
"""Seconds without an answer after which a connection is closed; longer than STATEMENT_TIMEOUT, at which a live server answers."""


_OPTIONS_REFUSED = re.compile(r"unsupported .*startup parameter")


class Connection(psycopg.Connection[TupleRow]):
    """A connection that ends when the server stops answering although the network accepts data: half-open, or behind a stuck proxy."""

    response_timeout = RESPONSE_TIMEOUT
    pooled = False
    """True behind a connection pooler: then nothing that belongs to a session (LISTEN, SET) can be relied on."""
    limits = b""
    """Statements that set the limits of a transaction behind a pooler."""

    @classmethod
    def connect(cls, conninfo: str = "", **keywords: Any) -> Any:
        """Connects; `session` has parameters of the session. Raises `psycopg.Error`.

        A pooler refuses the `options` of the start, or another process than the one that greeted answers. Then the parameters hold in
        transactions, and the time zone everywhere.
        """
        session: dict[str, object] = keywords.pop("session", {})
        keywords["prepare_threshold"] = None
        options = " ".join(f"-c {name}={value}" for name, value in session.items())
        try:
            made = super().connect(conninfo, options=options, **keywords)
        except psycopg.OperationalError as error:
            if not _OPTIONS_REFUSED.search(str(error)):
                raise
            made = super().connect(conninfo, **keywords)
        try:
            made.recognise_pooler(session)
        except BaseException:
            made.close()
            raise
        return made

    def recognise_pooler(self, session: Mapping[str, object]) -> None:
        """Sets `pooled`, and behind a pooler the time zone and `limits`."""
        row = self.execute("select pg_backend_pid()").fetchone()
        self.pooled = row is None or row[0] != self.info.backend_pid
        if self.pooled:
            self.execute("set timezone to 'UTC'")  # a pooler keeps it for each client
            self.limits = ";".join(f"set local {name} = '{value}'" for name, value in session.items()).encode()

    @contextlib.contextmanager
    def transaction(self, *arguments: Any, **options: Any) -> Iterator[psycopg.Transaction]:
        """Opens a transaction or a savepoint as the base class does."""
        outermost = self.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        with super().transaction(*arguments, **options) as opened:
            if outermost and self.limits:
                self.execute(self.limits)
            yield opened

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        set_json_loads(_loads, self)

    def wait(self, gen: PQGen[ResultT], *arguments: Any, **options: Any) -> ResultT:
        """Waits as the base class does, for at most `response_timeout` seconds without data.

        An error that leaves an answer unread closes the connection: the base class reports a socket that is gone as an error and takes
        the connection for whole, on which each later statement would then fail.
        """
        try:
            return super().wait(self._bounded(gen), *arguments, **options)
        except psycopg.Error:
            if self.pgconn.transaction_status == psycopg.pq.TransactionStatus.ACTIVE:
                self.pgconn.finish()
            raise

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


_UNREADABLE = "the URL of the database cannot be read: it is postgresql://USER:PASSWORD@HOST:PORT/DATABASE"


def connect(url: str, name: str = "elder-worker", *, read_only: bool = False, response_timeout: float = RESPONSE_TIMEOUT) -> Connection:
    """Opens a connection in autocommit mode; transactions are explicit. Raises `StoreError`.

    `response_timeout` limits the seconds without data in the middle of a statement.
    """
    session = SESSION | ({"default_transaction_read_only": "on"} if read_only else {})
    try:
        connection: Connection = Connection.connect(url, session=session, autocommit=True, application_name=name[:63], **LIMITS)
    except psycopg.Error as error:
        if isinstance(error, psycopg.ProgrammingError) and not error.sqlstate:  # it quotes the URL, in which a password may be
            raise Misconfigured(_UNREADABLE) from None
        raise classified(error) from None
    except ValueError:
        raise Misconfigured(_UNREADABLE) from None
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
