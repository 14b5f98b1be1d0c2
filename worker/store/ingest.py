"""Writes new and changed resources of one scope: new rows by COPY straight into the table, all others through one merge.

A record that PostgreSQL rejects does not fail its batch: the batch is halved until the record stands alone, and that record is refused
with the server's message. Every write is idempotent: rows that are up to date are not written.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence

from providers.records import UNREADABLE, Scope
from worker.run.fingerprints import Entry
from worker.store import copy_format, links, losses, statements
from worker.store.connection import Connection, transaction
from worker.store.errors import BadData, Conflict
from worker.store.rows import COLUMNS, Row, row

PARTLY_READ = f'"{UNREADABLE}":'.encode()
"""Stands in the row of every resource that was read in part."""

CHUNK = 500
"""Rows encoded while PostgreSQL receives the rows before."""


@dataclasses.dataclass
class Stored:
    """How many resources of a batch were written, unchanged and rejected."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    reasons: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    """Rejected resources: the external id or the beginning of the record, and the reason."""

    @property
    def rejection(self) -> str:
        """The first rejected resource with its reason; empty when none was."""
        return ": ".join(self.reasons[0]) if self.reasons else ""

    def add(self, other: Stored) -> None:
        """Adds another batch's numbers."""
        self.created += other.created
        self.updated += other.updated
        self.unchanged += other.unchanged
        self.rejected += other.rejected
        self.reasons += other.reasons


@dataclasses.dataclass
class Ingest:
    """Writes into one scope. `organization` maps an organization's external id to its row; links are resolved within `organizations`."""

    connection: Connection
    scope_id: int
    scope: Scope
    organization: Callable[[str], int]
    organizations: Callable[[], list[int]]
    run_id: int | None = None
    same_catalogue: bool = True
    """True when the last reading of the scope used the same version of the catalogue. Another version may know other fields and links: one
    that is missing now is then neither held back by the guard nor recorded as a change."""

    def store(self, new: Sequence[Entry], changed: Sequence[Entry]) -> Stored:
        """Writes a batch inside the caller's transaction. Raises `StoreError`; then nothing is written."""
        stored = Stored()
        if new:
            try:
                with transaction(self.connection):  # a savepoint
                    stored.add(self._stream(new))
            except BadData:
                self._write(self._rows(new, stored), self._copy, stored)
            except Conflict:  # known under another scope, tombstoned earlier, or twice in this batch
                self._write(self._rows(new, stored), self._merge, stored)
        if changed:
            self._write(self._rows(changed, stored), self._merge, stored)
        return stored

    def _stream(self, entries: Sequence[Entry]) -> Stored:
        """Writes new rows in one COPY; PostgreSQL reads a chunk while the next is encoded."""
        stored, tail = Stored(), self._constants()
        linked: list[Row] = []
        above = self._highest_id()
        with self.connection.cursor() as cursor, cursor.copy(self._copy_statement()) as copy:
            for start in range(0, len(entries), CHUNK):
                rows = self._rows(entries[start : start + CHUNK], stored)
                copy.write(b"".join([found.line + tail for found in rows]))
                linked += [found for found in rows if found.links]
                stored.created += len(rows)
        self._record_created(above, stored.created)
        self._link(linked, fresh=True)
        return stored

    def _rows(self, entries: Iterable[Entry], stored: Stored) -> list[Row]:
        rows = []
        for entry in entries:
            try:
                rows.append(row(entry, self.organization, self.scope.region))
            except BadData as error:
                stored.add(Stored(rejected=1, reasons=[(entry.raw[:80].decode(errors="replace"), str(error))]))
        return rows

    def _write(self, rows: Sequence[Row], write: Callable[[Sequence[Row]], Stored], stored: Stored) -> None:
        """Writes all rows except those that PostgreSQL rejects."""
        try:
            with transaction(self.connection):  # a savepoint
                stored.add(write(rows))
        except BadData as error:
            if len(rows) == 1:
                stored.add(Stored(rejected=1, reasons=[(rows[0].external_id[:200], str(error))]))
                return
            half = len(rows) // 2
            self._write(rows[:half], write, stored)
            self._write(rows[half:], write, stored)

    def _copy(self, rows: Sequence[Row]) -> Stored:
        tail, above = self._constants(), self._highest_id()
        with self.connection.cursor() as cursor, cursor.copy(self._copy_statement()) as copy:
            copy.write(b"".join([found.line + tail for found in rows]))
        self._record_created(above, len(rows))
        self._link(rows, fresh=True)
        return Stored(created=len(rows))

    def _highest_id(self) -> int:
        row = self.connection.execute(statements.get("highest_entity_id")).fetchone()
        assert row is not None
        return int(row[0])

    def _record_created(self, above: int, entities: int) -> None:
        if entities:
            self.connection.execute(statements.get("add_created"), {"run": self.run_id, "above": above, "entities": entities})

    @staticmethod
    def _copy_statement() -> bytes:
        return f"copy entities ({COLUMNS}, provider, account, scope_id) from stdin".encode()

    def _constants(self) -> bytes:
        provider, account = copy_format.text(self.scope.provider), copy_format.text(self.scope.account)
        return f"\t{provider}\t{account}\t{self.scope_id}\n".encode()

    def _merge(self, rows: Sequence[Row]) -> Stored:
        last = list({found.external_id: found for found in rows}.values())
        self.connection.execute(statements.get("stage"))
        with self.connection.cursor() as cursor, cursor.copy(f"copy staged ({COLUMNS}) from stdin".encode()) as copy:
            copy.write(b"".join([found.line + b"\n" for found in last]))
        values = {
            "scope": self.scope_id,
            "run": self.run_id,
            "provider": self.scope.provider,
            "account": self.scope.account,
            "same_catalogue": self.same_catalogue,
        }
        self.connection.execute(statements.get("move"), values)
        self.connection.execute(statements.get("sight"), values)
        self.connection.execute(statements.get("own"), values)
        if any(PARTLY_READ in found.line for found in last):
            self.connection.execute(statements.get("keep_unreadable"))
        if losing := losses.any_anywhere(self.connection):
            self.connection.execute(statements.get("forget_returned_attributes"))
        if self.same_catalogue or losing:
            self.connection.execute(statements.get("defer_attributes"), values)
        recorded = [entity for (entity,) in self.connection.execute(statements.get("record_changes"), values)]
        written = self.connection.execute(statements.get("merge"), {**values, "recorded": recorded}).fetchall()
        self.connection.execute("truncate staged")
        self._link(last, fresh=False)
        new = [entity for entity, inserted, _ in written if inserted]
        if new:
            self.connection.execute(statements.get("record_created"), {**values, "ids": new})
        created = len(new)
        updated = sum(changed and not inserted for _, inserted, changed in written)
        return Stored(created=created, updated=updated, unchanged=len(rows) - created - updated)

    def _link(self, rows: Sequence[Row], *, fresh: bool) -> None:
        links.replace(self.connection, self.scope_id, rows, self.organizations(), fresh=fresh, same_catalogue=self.same_catalogue)
