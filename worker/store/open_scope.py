"""A scope while a run reads it: what is known of its resources, and what has come that differs."""

from __future__ import annotations

import array
import dataclasses
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from providers.records import Scope
from worker.run.contents import KnownContents
from worker.run.fingerprints import Entry, Fingerprints, content_of, key_of
from worker.store import scopes
from worker.store.connection import Connection
from worker.store.ingest import Stored
from worker.store.marks import BatchMarks

STRANGE_AT_MOST = 50_000
"""Resources that came otherwise than before; of a scope with more, every key is loaded, and their keys are not gathered in a set (4 MB)."""


@dataclasses.dataclass
class Gathered:
    """Resources that wait to be written."""

    new: list[Entry] = dataclasses.field(default_factory=list)
    changed: list[Entry] = dataclasses.field(default_factory=list)
    strange: list[Entry] = dataclasses.field(default_factory=list)
    """Resources whose hash is not among the known contents: new or changed, which is decided when they are written."""

    def __len__(self) -> int:
        return len(self.new) + len(self.changed) + len(self.strange)

    def __add__(self, other: Gathered) -> Gathered:
        return Gathered(self.new + other.new, self.changed + other.changed, self.strange + other.strange)

    def lengths(self) -> tuple[int, int, int]:
        """How many are new, changed and strange."""
        return len(self.new), len(self.changed), len(self.strange)

    def size_from(self, lengths: tuple[int, int, int]) -> int:
        """The bytes of what has been added since there were so many."""
        lists = zip((self.new, self.changed, self.strange), lengths, strict=True)
        return sum(len(entry.raw) for entries, start in lists for entry in entries[start:])


@dataclasses.dataclass
class OpenScope:
    """A scope that is being read.

    What is `gathered` is handed over to be written; until it is written, or taken back, the thread that writes it has `handed` to itself.
    """

    row: int
    scope: Scope
    marks: BatchMarks
    known: Fingerprints | None = None
    """The stored fingerprints, loaded for a batch that the last reading did not bring, unless `contents` can be."""
    contents: KnownContents | None = None
    """The resources of the last complete reading, when its marks tell them: then no stored fingerprints have to be loaded."""
    gathered: Gathered = dataclasses.field(default_factory=Gathered)
    handed: Gathered = dataclasses.field(default_factory=Gathered)
    came: set[int] = dataclasses.field(default_factory=set)
    """The keys of all that were strange in this reading."""
    rejected: int = 0
    rejection: str = ""
    """The first rejected resource with its reason."""
    same_catalogue: bool = True
    """True when the last reading of the scope used the same version of the catalogue (see `Ingest.same_catalogue`)."""
    grown: bool = False

    @property
    def loaded(self) -> bool:
        """True when a batch can be compared."""
        return self.known is not None or (self.contents is not None and len(self.came) <= STRANGE_AT_MOST)

    @property
    def had(self) -> int:
        """Resources that the scope had when its reading began; without valid marks, known when `unseen` has been asked for."""
        return self.marks.total or (len(self.known) if self.known is not None else 0)

    def load(self, connection: Connection) -> None:
        """Loads what is known of the scope's resources. Inside a transaction."""
        if not self.loaded and self.contents is None:
            self.contents = self.marks.load_contents(connection, self.row)
        if not self.loaded:
            self._search_in(connection)

    def compare(self, resources: Sequence[msgspec.Raw], refused: list[bytes]) -> tuple[int, int]:
        """Compares a batch with what is known, and gathers what differs; returns how many are unchanged, and the bytes gathered."""
        hashes = self.marks.contents(resources)
        before = self.gathered.lengths()
        if self.known is None:
            unchanged, keys = self._compare_contents(resources, hashes, refused)
        else:
            unchanged, keys = self.known.sort_out(resources, self.gathered.new, self.gathered.changed, refused)
        self.marks.add(keys, hashes)
        return unchanged, self.gathered.size_from(before)

    def _compare_contents(self, resources: Sequence[msgspec.Raw], hashes: list[int], refused: list[bytes]) -> tuple[int, array.array[int]]:
        assert self.contents is not None
        keys, strange = self.contents.search(hashes)
        unchanged = len(keys) - len(strange)
        for at in strange:
            data = bytes(resources[at])
            try:
                keys[at] = key = key_of(data)
            except ValueError:
                refused.append(data)
            else:
                self.gathered.strange.append(Entry(key, content_of(data), data))
                self.came.add(key)
        return unchanged, keys[: len(keys) - len(refused)]

    def hand_over(self) -> None:
        """Sets apart what is to be written now."""
        self.handed, self.gathered = self.gathered, Gathered()
        self.marks.hand_over()

    def take_back(self) -> None:
        """Gathers again what was handed over and not written."""
        self.handed, self.gathered = Gathered(), self.handed + self.gathered
        self.marks.take_back()

    def written(self) -> None:
        """Forgets what was handed over: it is stored."""
        self.handed = Gathered()
        self.marks.written()

    def decided(self, connection: Connection) -> tuple[list[Entry], list[Entry]]:
        """Sorts what was handed over into new and changed resources. Inside the transaction that writes them."""
        new, changed, strange = list(self.handed.new), list(self.handed.changed), self.handed.strange
        stored = scopes.stored_of(connection, self.row, [entry.key for entry in strange]) if strange else {}
        for entry in strange:
            if entry.key not in stored:
                new.append(entry)
            elif stored[entry.key] == (entry.content, False):  # other bytes and the same content: somebody has crafted them
                changed.append(entry._replace(content=entry.content ^ 1))
            else:
                changed.append(entry)
        self.grown |= bool(new)
        return new, changed

    def forget(self) -> None:
        """Forgets the gathered resources, which never will be stored."""
        self.gathered = Gathered()

    def _search_in(self, connection: Connection) -> Fingerprints:
        if self.known is None:
            self.known = scopes.fingerprints(connection, self.row)
            self.known.mark(self.came)
            self.known.mark(self.contents.seen() if self.contents else ())
            self.contents, self.came = None, set()
        return self.known

    def unseen(self, connection: Connection) -> Iterator[int]:
        """Keys of the scope's resources that this reading has not brought. Inside the transaction that ends the scope."""
        if self.known is None and not self.marks.missing:
            return iter(())
        found = self.marks.unseen(connection, self.row, self.contents) if self.known is None else None
        if found is not None:
            return (key for key in found if key not in self.came)
        known = self._search_in(connection)
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
