"""A scope while a run reads it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import NamedTuple

from providers.records import Scope
from worker.run.fingerprints import Entry, Fingerprints
from worker.store import scopes
from worker.store.connection import Connection
from worker.store.ingest import Stored
from worker.store.marks import BatchMarks


@dataclasses.dataclass
class OpenScope:
    """A scope that is being read."""

    row: int
    scope: Scope
    known: Fingerprints | None
    """None while every batch has been one of the last complete reading."""
    marks: BatchMarks
    new: list[Entry] = dataclasses.field(default_factory=list)
    changed: list[Entry] = dataclasses.field(default_factory=list)
    rejected: int = 0
    rejection: str = ""
    """The first rejected resource with its reason."""
    guarded: bool = True
    """False when another version of the catalogue read the scope before."""
    grown: bool = False

    def search_in(self, connection: Connection) -> Fingerprints:
        """Fingerprints of the scope's resources, loaded at the first call. To be called inside a transaction."""
        if self.known is None:
            self.known = scopes.fingerprints(connection, self.row)
        return self.known

    def unseen(self, connection: Connection) -> Iterator[int]:
        """Keys of the scope's resources that this reading has not brought. Inside the transaction that ends the scope."""
        if self.known is None and not self.marks.missing:
            return iter(())
        known = self.search_in(connection)
        for keys in self.marks.keys(connection, self.row) if self.marks.seen else ():
            known.mark(keys)
        return known.unseen()

    def reject(self, rejected: Stored) -> None:
        """Counts rejected resources and keeps the first reason."""
        self.rejected += rejected.rejected
        self.rejection = self.rejection or rejected.rejection


class Taken(NamedTuple):
    """The deletions at the end of a scope, and those that the guard held back."""

    deleted: int
    held: int
    held_links: int
    held_attributes: int
