"""Writes what is new or has changed in one scope: new rows by COPY straight into the table, all others through one merge.

A record that PostgreSQL refuses does not take its batch with it: the batch is halved until the record stands alone, and is refused
with the server's own words. Everything may be done twice: what is already as it should be is not written.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence

from providers.records import Scope
from worker.run.fingerprints import Entry
from worker.store import copy_format, links, statements
from worker.store.connection import Connection, transaction
from worker.store.errors import BadData, Conflict
from worker.store.rows import COLUMNS, Row, row

CHUNK = 500
"""Rows that are made while PostgreSQL takes the ones before."""


@dataclasses.dataclass
class Stored:
    """What became of a batch."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    reasons: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    """(external id or the beginning of the record, why), of each that was rejected."""

    @property
    def rejection(self) -> str:
        """Of the first that was rejected: who it is, and why. Empty when none was."""
        return ": ".join(self.reasons[0]) if self.reasons else ""

    def add(self, other: Stored) -> None:
        """Sums up."""
        self.created += other.created
        self.updated += other.updated
        self.unchanged += other.unchanged
        self.rejected += other.rejected
        self.reasons += other.reasons


@dataclasses.dataclass
class Ingest:
    """Into one scope. `organization` turns an organization's external id into its row; `organizations` are where links may lead."""

    connection: Connection
    scope_id: int
    scope: Scope
    organization: Callable[[str], int]
    organizations: Callable[[], list[int]]
    run_id: int | None = None

    def store(self, new: Sequence[Entry], changed: Sequence[Entry]) -> Stored:
        """Writes; inside a transaction of the caller. Raises `StoreError`, then nothing is written."""
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
        """New rows, most of which nothing is wrong with: PostgreSQL reads a chunk while we make the next."""
        stored, tail = Stored(), self._constants()
        linked: list[Row] = []
        with self.connection.cursor() as cursor, cursor.copy(self._copy_statement()) as copy:
            for start in range(0, len(entries), CHUNK):
                rows = self._rows(entries[start : start + CHUNK], stored)
                copy.write(b"".join([found.line + tail for found in rows]))
                linked += [found for found in rows if found.links]
                stored.created += len(rows)
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
        """All rows but those that PostgreSQL refuses."""
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
        tail = self._constants()
        with self.connection.cursor() as cursor, cursor.copy(self._copy_statement()) as copy:
            copy.write(b"".join([found.line + tail for found in rows]))
        self._link(rows, fresh=True)
        return Stored(created=len(rows))

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
        values = {"scope": self.scope_id, "run": self.run_id, "provider": self.scope.provider, "account": self.scope.account}
        self.connection.execute(statements.get("move"), values)
        self.connection.execute(statements.get("record_changes"), values)
        written = self.connection.execute(statements.get("merge"), values).fetchall()
        self.connection.execute("truncate staged")
        self._link(last, fresh=False)
        created = sum(inserted for (inserted,) in written)
        return Stored(created=created, updated=len(written) - created, unchanged=len(rows) - len(written))

    def _link(self, rows: Sequence[Row], *, fresh: bool) -> None:
        links.replace(self.connection, self.scope_id, rows, self.organizations(), fresh=fresh)
