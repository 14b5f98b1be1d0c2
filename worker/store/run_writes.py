"""Stores what a run has gathered: each transaction with the run's progress and the check of its claim.

What is gathered is written in a thread of its own while the next is read and compared. Whatever else needs the connection waits for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import msgspec
from psycopg.types.json import Jsonb

from providers.records import Identity
from worker.run.aside import Aside
from worker.run.inventory import InventoryError, Totals, unobserved
from worker.run.queue import Claimed
from worker.store import statements
from worker.store.claimed import ClaimedConnection
from worker.store.connection import Connection
from worker.store.ingest import Ingest, Stored
from worker.store.open_scope import OpenScope

BATCH_ROWS, BATCH_BYTES = 5_000, 2 * 1024 * 1024
"""Rows or bytes gathered before a write, whichever comes first; as many are gathered meanwhile."""

IDLE_ROWS = 500
"""Rows that are written at once when nothing is being written."""

ResultT = TypeVar("ResultT")


class RunWrites:
    """The writes of one run. Every method that writes raises `InventoryError`; what was not stored is then gathered still."""

    def __init__(self, claim: ClaimedConnection, claimed: Claimed, totals: Totals) -> None:
        self._claim, self._claimed, self._totals = claim, claimed, totals
        self.scopes: dict[int, OpenScope] = {}
        self.organization = claimed.organization_id
        self.identity: Identity | None = None
        self.wrote = False
        """True when a resource has been stored."""
        self.observer: Callable[[int, int], None] = unobserved
        """Told of each batch that was stored: when it began, in nanoseconds of the monotonic clock, and its rows."""
        self._rows = self._bytes = 0
        self._written = 0
        """Resources of the run that the last transaction has told the database."""
        self._aside: Aside[dict[int, Stored]] = Aside(f"writes of run {claimed.run_id}")

    @property
    def pending(self) -> bool:
        """True when resources wait to be written."""
        return self._rows > 0

    def gathered(self, rows: int, size: int) -> None:
        """Counts gathered resources; begins to write them when they are enough, or a few while nothing else is being written."""
        self._rows += rows
        self._bytes += size
        enough = self._rows >= BATCH_ROWS or self._bytes >= BATCH_BYTES
        if enough or (self._rows >= IDLE_ROWS and self._aside.idle):
            self._await()
            self._hand_over()
            self._aside.start(self._store_ahead)

    def transact(self, work: Callable[[Connection], ResultT]) -> ResultT:
        """Runs `work` in a transaction, after what is being written."""
        self._await()
        return self._claim.transact(work)

    def store(self, work: Callable[[Connection, dict[int, Stored]], ResultT]) -> ResultT:
        """Writes what is gathered and runs `work` in the same transaction; `work` is told what was written, by scope."""

        def both(connection: Connection) -> tuple[dict[int, Stored], ResultT]:
            stored = self._write(connection)
            return stored, work(connection, stored)

        self._await()
        self._hand_over()
        began = time.monotonic_ns()
        try:
            stored, result = self._claim.transact(both)
        except InventoryError:
            self._take_back()
            raise
        self._observe(began, stored)
        self._settle(stored)
        return result

    def forget(self) -> None:
        """Forgets what is gathered, which never will be stored."""
        for opened in self.scopes.values():
            opened.forget()
        self._rows = self._bytes = 0

    def close(self) -> None:
        """Closes the connection, after what is being written."""
        try:
            self._await()
        finally:
            self._claim.close()

    def _await(self) -> None:
        """Waits until what is being written is stored."""
        try:
            stored = self._aside.wait()
        except InventoryError:
            self._take_back()
            raise
        if stored is not None:
            self._settle(stored)

    def _hand_over(self) -> None:
        for opened in self.scopes.values():
            opened.hand_over()
        self._rows = self._bytes = 0

    def _take_back(self) -> None:
        for opened in self.scopes.values():
            opened.take_back()
        self._rows = sum(len(opened.gathered) for opened in self.scopes.values())

    def _store_ahead(self) -> dict[int, Stored]:
        began = time.monotonic_ns()
        stored = self._claim.transact(self._write_ahead)
        self._observe(began, stored)
        return stored

    def _observe(self, began: int, stored: dict[int, Stored]) -> None:
        if rows := sum(one.created + one.updated for one in stored.values()):
            self.observer(began, rows)

    def _write_ahead(self, connection: Connection) -> dict[int, Stored]:
        """Writes what need not be on the disk yet: the end of the scope makes it durable, and finds out when it was lost before."""
        connection.execute(statements.get("write_ahead"))
        return self._write(connection)

    def _settle(self, stored: dict[int, Stored]) -> None:
        """Counts what a committed transaction wrote, and forgets it."""
        self._totals.confirmed = self._written
        for index, one in stored.items():
            self.scopes[index].reject(one)
            self._totals.created += one.created
            self._totals.updated += one.updated
            self._totals.unchanged += one.unchanged
            self._totals.rejected += one.rejected
            self.wrote = True
        for opened in self.scopes.values():
            opened.written()

    def _write(self, connection: Connection) -> dict[int, Stored]:
        """Writes the resources that were handed over, by scope, and the run's progress."""
        stored = {}
        for index, opened in self.scopes.items():
            opened.marks.write(connection, opened.row)
            new, changed = opened.decided(connection)
            if new or changed:
                connection.execute(statements.get("own_reading"), {"scope": opened.row})
                stored[index] = self._ingest(connection, opened).store(new, changed)
        gathered = Stored()
        for one in stored.values():
            gathered.add(one)
        totals, self._written = self._totals, self._totals.resources
        values = {
            "run": self._claimed.run_id,
            "resources": self._written,
            "created": totals.created + gathered.created,
            "updated": totals.updated + gathered.updated,
            "deleted": totals.deleted,
            "rejected": totals.rejected + gathered.rejected,
            "planned": totals.planned,
            "identity": Jsonb(msgspec.to_builtins(self.identity)) if self.identity else None,
        }
        connection.execute(statements.get("put_progress"), values)
        return stored

    def _ingest(self, connection: Connection, opened: OpenScope) -> Ingest:
        number = self.organization
        assert number is not None
        return Ingest(connection, opened.row, opened.scope, lambda _: number, lambda: [number], self._claimed.run_id, opened.same_catalogue)
