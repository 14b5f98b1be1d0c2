"""A scope while a run reads it."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

from providers.records import Scope
from worker.run.fingerprints import Entry, Fingerprints
from worker.store.ingest import Stored


@dataclasses.dataclass
class OpenScope:
    """A scope that is being read."""

    row: int
    scope: Scope
    known: Fingerprints
    new: list[Entry] = dataclasses.field(default_factory=list)
    changed: list[Entry] = dataclasses.field(default_factory=list)
    rejected: int = 0
    rejection: str = ""
    """The first rejected resource with its reason."""
    guarded: bool = True
    """False when another version of the catalogue read the scope before."""
    grown: bool = False

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
