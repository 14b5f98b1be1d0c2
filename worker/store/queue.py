"""The queue of jobs in PostgreSQL, for `worker.run.queue`: one connection, used by one thread."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from worker.config.foreign import Packages
from worker.run.outcome import Verdict
from worker.run.queue import Abilities, Claimed, Cleaned, Numbers, Renewal, Swept, Test, Unacceptable, Unreachable
from worker.store import claims, descriptions, migrate, retention, search_blocks, statements
from worker.store.connection import Connection, connect, guarded, transaction
from worker.store.errors import BadData, LostClaim, StoreError
from worker.store.jobs import WAKE
from worker.store.notifications import Notifications

REPLICA_LAG = 30.0
"""Seconds after a notification during which the primary is asked, because a replica may lag."""

PRIMARY_EVERY = 60.0
"""Seconds after which the primary is asked whatever the replica answers: the replica may lag by hours, or be detached."""

RESPONSE_TIMEOUT = 8.0
"""Most seconds without an answer after which the connection is closed; the statements of the queue are small. A third of a lease, if that
is less: a claim whose renewal is not answered has to be known to be in danger before its lease has ended."""


class PostgresQueue:
    """A connected session: migrates, listens for notifications, claims. Every method raises `Unreachable` when the database fails."""

    def __init__(
        self,
        url: str,
        owner: str,
        worker: str,
        ttl: float,
        *,
        read_url: str = "",
        listen_url: str = "",
        kept: retention.Kept = retention.Kept(),  # noqa: B008 - frozen
        abilities: Abilities | None = None,
        packages: Packages | None = None,
    ) -> None:
        """`owner` is a UUID, random for each start of a process; `worker` is a name for people; `ttl` is LEASE_TTL in seconds;
        `listen_url` is DATABASE_LISTEN_URL;
        `kept` says for how long history is kept; `abilities` are what this worker can run: without, it claims any job.
        `packages` are the third parties' providers of this worker, stored for the API.
        """
        self._abilities = abilities
        self._owner, self._worker, self._ttl, self._read_url, self._kept = owner, worker, ttl, read_url, kept
        self._replica: Connection | None = None
        self._primary_until = self._primary_next = 0.0
        with _reachable():
            self._connection = connect(url, f"elder-worker/{owner[:8]}")
            try:
                self.schema = migrate.migrate_on(self._connection)
                if packages is not None:
                    descriptions.store(self._connection, packages.descriptions, packages.problems)
                self._notifications = Notifications(self._connection, listen_url, f"elder-worker/{owner[:8]} listens")
                self._connection.response_timeout = min(RESPONSE_TIMEOUT, max(1.0, ttl / 3))  # a migration may take longer
            except BaseException:
                self._connection.close()
                raise

    def fileno(self) -> int:
        """Descriptor that is readable when a notification has arrived."""
        return self._notifications.fileno()

    def notified(self) -> bool:
        """Takes the notifications that have arrived; returns true when there were some, or when it is time to look without."""
        with _reachable():
            notified = self._notifications.arrived()
        if notified:
            self._primary_until = time.monotonic() + REPLICA_LAG
        return notified or self._notifications.overdue()

    def claim(self, limit: int, job: int | None) -> list[Claimed]:
        """Claims due jobs, or the given one. A replica may say whether any are due; the claim itself runs on the primary."""
        if job is None and not self._anything_due():
            return []
        with _reachable():
            return claims.claim(self._connection, self._owner, self._worker, self._ttl, limit, job, self._abilities)

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
            return True  # then ask the primary

    def claim_tests(self, limit: int) -> list[Test]:
        """Claims waiting connectivity tests."""
        with _reachable(), transaction(self._connection):
            rows = self._connection.execute(statements.get("claim_tests"), {**self._who(), "limit": limit}).fetchall()
        return [Test(str(number), provider, config) for number, provider, config in rows]

    def _who(self) -> dict[str, Any]:
        """The parameters by which statements name the worker."""
        can = self._abilities
        providers, queues = (list(can.providers), list(can.queues)) if can else (None, None)
        return {"owner": UUID(self._owner), "name": self._worker, "providers": providers, "queues": queues}

    def renew(self, held: list[Claimed]) -> Renewal:
        """Renews our leases and writes our heartbeat."""
        with _reachable():
            ours, cancelled = claims.renew(self._connection, self._owner, self._ttl, held)
            self._connection.execute(statements.get("heartbeat"), self._who())
        return Renewal(
            lost=frozenset(str(claim.run_id) for claim in held if claim.run_id not in ours), cancelled=frozenset(map(str, cancelled))
        )

    def release(self, claimed: Claimed, sentence: str) -> bool:  # noqa: ARG002 - the sentence is for the log
        """Returns a job to the queue."""
        with _reachable(), contextlib.suppress(LostClaim), transaction(self._connection):
            claims.check(self._connection, self._owner, claimed)
            claims.release(self._connection, self._owner, claimed)
            return True
        return False

    def finish(self, claimed: Claimed, verdict: Verdict, owner: str = "") -> Verdict | None:
        """Stores the end of a run that had no process, or whose end could not be stored before, under the claim of `owner`.

        Returns the verdict as stored; None when the claim was lost.
        """
        with _reachable(), contextlib.suppress(LostClaim), transaction(self._connection):
            return claims.finish_later(self._connection, owner or self._owner, claimed, verdict)
        return None

    def answer(self, test: Test, answer: dict[str, Any]) -> None:
        """Stores the answer of a connectivity test and notifies the API."""
        with _reachable(), transaction(self._connection):
            self._connection.execute(
                statements.get("answer_test"),
                [Jsonb(answer), UUID(test.id), UUID(self._owner)],
            )
            self._connection.execute("select pg_notify('elder_test', %s)", [test.id])

    def release_tests(self) -> None:
        """Returns unanswered connectivity tests of this worker to the queue, so that another worker may answer them."""
        with _reachable(), transaction(self._connection):
            if self._connection.execute(_RELEASE_TESTS, [UUID(self._owner)]).rowcount:
                self._connection.execute(WAKE)

    def sweep(self, overdue: float = 0.0) -> list[Swept]:
        """Ends the runs of workers that are gone for `overdue` seconds; returns those and the ones that the API has ended."""
        with _reachable():
            return claims.sweep(self._connection, overdue)

    def clean(self) -> Cleaned:
        """Deletes a batch of what is kept no longer."""
        with _reachable():
            return retention.clean(self._connection, self._kept)

    def add_signatures(self) -> bool:
        """Adds a batch of pending entities to the signatures of the search."""
        with _reachable():
            return search_blocks.add_pending(self._connection)

    def numbers(self) -> Numbers:
        """Counts what waits: jobs by their state, scopes, what is held back, failing connectors, what ends, is unconfirmed or denied."""
        with _reachable():
            row = self._connection.execute(statements.get("queue_numbers")).fetchone()
        return Numbers(int(row[0]), float(row[1]), *map(int, row[2:])) if row else Numbers()

    def close(self) -> None:
        """Closes all open connections."""
        self._notifications.close()
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
