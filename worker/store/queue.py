"""The queue of jobs in PostgreSQL, as `worker.run.queue` wants it: one connection, used by one thread."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from worker.run.outcome import Verdict
from worker.run.queue import Claimed, Numbers, Renewal, Swept, Test, Unacceptable, Unreachable
from worker.store import claims, migrate, statements
from worker.store.connection import Connection, connect, guarded, transaction
from worker.store.errors import BadData, LostClaim, StoreError
from worker.store.jobs import WAKE

CHANNEL = "elder_worker"

REPLICA_LAG = 30.0
"""Seconds after a notification during which a replica that says "nothing is due" is not believed."""

PRIMARY_EVERY = 60.0
"""Seconds after which the primary is asked whatever the replica says: it may lag by hours, or be a replica no more."""

RESPONSE_TIMEOUT = 8.0
"""Seconds for an answer of the database: what is asked here is small."""


class PostgresQueue:
    """Migrates, listens, and answers. Every method raises `Unreachable` when the database does not do its part."""

    def __init__(self, url: str, owner: str, worker: str, ttl: float, *, read_url: str = "") -> None:
        """`owner` is a UUID, random for each start of a process; `worker` is a name for people; `ttl` is LEASE_TTL in seconds."""
        self._owner, self._worker, self._ttl, self._read_url = owner, worker, ttl, read_url
        self._replica: Connection | None = None
        self._primary_until = self._primary_next = 0.0
        with _reachable():
            self._connection = connect(url, f"elder-worker/{owner[:8]}")
            try:
                self.schema = migrate.migrate_on(self._connection)
                self._connection.execute(f"listen {CHANNEL}")
                self._connection.response_timeout = RESPONSE_TIMEOUT  # a migration may take longer
            except BaseException:
                self._connection.close()
                raise

    def fileno(self) -> int:
        """Readable when something was notified."""
        return self._connection.fileno()

    def notified(self) -> bool:
        """Takes the notifications that have come."""
        with _reachable():
            notified = list(self._connection.notifies(timeout=0))
        if notified:
            self._primary_until = time.monotonic() + REPLICA_LAG
        return bool(notified)

    def claim(self, limit: int, job: int | None) -> list[Claimed]:
        """Due jobs, or that one. A replica may be asked whether there are any; the claim itself is the primary's."""
        if job is None and not self._anything_due():
            return []
        with _reachable():
            return claims.claim(self._connection, self._owner, self._worker, self._ttl, limit, job)

    def _anything_due(self) -> bool:
        now = time.monotonic()
        if not self._read_url or now < self._primary_until or now >= self._primary_next or self._replica_knows_of_some():
            self._primary_next = now + PRIMARY_EVERY
            return True
        return False

    def _replica_knows_of_some(self) -> bool:
        try:
            if self._replica is None or self._replica.closed:
                name = f"elder-worker/{self._owner[:8]} reads"
                self._replica = connect(self._read_url, name, read_only=True, response_timeout=RESPONSE_TIMEOUT)
            with guarded():
                return self._replica.execute(_ANY_DUE).fetchone() is not None
        except StoreError:
            return True  # the primary knows

    def claim_tests(self, limit: int) -> list[Test]:
        """Connectivity tests that wait."""
        with _reachable(), transaction(self._connection):
            rows = self._connection.execute(statements.get("claim_tests"), [UUID(self._owner), limit]).fetchall()
        return [Test(str(number), provider, config) for number, provider, config in rows]

    def renew(self, held: list[Claimed]) -> Renewal:
        """Our leases and our heartbeat."""
        with _reachable():
            ours, cancelled = claims.renew(self._connection, self._owner, self._ttl, held)
            self._connection.execute(statements.get("heartbeat"), [UUID(self._owner), self._worker])
        return Renewal(
            lost=frozenset(str(claim.run_id) for claim in held if claim.run_id not in ours), cancelled=frozenset(map(str, cancelled))
        )

    def release(self, claimed: Claimed, sentence: str) -> bool:  # noqa: ARG002 - the sentence is for the log
        """Back to the queue."""
        return self._if_ours(claimed, lambda: claims.release(self._connection, self._owner, claimed))

    def refuse(self, claimed: Claimed, verdict: Verdict) -> bool:
        """The run ended before it had a process."""
        return self._if_ours(claimed, lambda: claims.finish(self._connection, self._owner, claimed, verdict))

    def _if_ours(self, claimed: Claimed, work: Callable[[], None]) -> bool:
        with _reachable(), contextlib.suppress(LostClaim), transaction(self._connection):
            claims.check(self._connection, self._owner, claimed)
            work()
            return True
        return False

    def answer(self, test: Test, answer: dict[str, Any]) -> None:
        """Of a connectivity test."""
        with _reachable(), transaction(self._connection):
            self._connection.execute(
                statements.get("answer_test"),
                [Jsonb(answer), UUID(test.id), UUID(self._owner)],
            )
            self._connection.execute("select pg_notify('elder_test', %s)", [test.id])

    def release_tests(self) -> None:
        """Connectivity tests that were claimed here and have no answer: whoever asked still waits, and another worker may know."""
        with _reachable(), transaction(self._connection):
            if self._connection.execute(_RELEASE_TESTS, [UUID(self._owner)]).rowcount:
                self._connection.execute(WAKE)

    def sweep(self) -> list[Swept]:
        """Ends the runs of workers that are gone, and tells of those that others have ended."""
        with _reachable():
            return claims.sweep(self._connection)

    def numbers(self) -> Numbers:
        """How many jobs are due, and for how long the oldest has been."""
        with _reachable():
            row = self._connection.execute(statements.get("queue_numbers")).fetchone()
        return Numbers(int(row[0]), float(row[1])) if row else Numbers()

    def close(self) -> None:
        """Hangs up."""
        for connection in (self._connection, self._replica):
            if connection is not None:
                connection.close()


@contextlib.contextmanager
def _reachable() -> Iterator[None]:
    try:
        with guarded():
            yield
    except LostClaim:
        raise
    except BadData as error:
        raise Unacceptable(str(error)) from error
    except (StoreError, psycopg.Error) as error:
        raise Unreachable(str(error)) from error


_ANY_DUE = "select from discovery_jobs where enabled and next_run_at <= now() limit 1"
_RELEASE_TESTS = "update elder_worker.tests set owner = null, claimed_at = null where owner = %s and answer is null"
