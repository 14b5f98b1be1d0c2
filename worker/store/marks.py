"""Marks of batches: a batch whose bytes were part of a scope's last complete reading costs one hash, and no look at its resources.

A mark also has a hash of each resource, for the batches that differ: `KnownContents` finds in them what came before in any place.

Marks are valid only while nobody but the scope's own reading has touched its entities or sightings: triggers of migration 0019 void them.
A reading by a release that knows no marks voids them too, as it is the scope's last run then.
"""

from __future__ import annotations

import array
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from worker.run.contents import HASH, KnownContents
from worker.run.fingerprints import INTEGER
from worker.run.keyed_hash import KeyedHash
from worker.store import statements
from worker.store.connection import Connection

MARKS_AT_MOST = 20_000
"""Batches of a scope; one that has more is read without marks. They take 4 MB, whatever a batch holds."""

MARKED_FROM = 100
"""Resources of a scope from which on it has marks: the search in fewer is as fast as to store them."""


class Batch(NamedTuple):
    """A batch that the last reading did not bring."""

    hash: bytes
    keys: array.array[int]
    contents: array.array[int]


class BatchMarks:
    """The batches of one scope, while a run reads it."""

    def __init__(self, hashes: KeyedHash, known: dict[bytes, int] | None = None, *, searchable: bool = False) -> None:
        """`known` maps the hashes of the last complete reading's batches to how many resources they hold.

        `searchable`: each of them has a hash of each resource, so that what is not among those has changed or is new.
        """
        self._hashes = hashes
        self._missing = known or {}
        self._searchable = searchable and bool(known)
        self.total = sum(self._missing.values())
        """Resources of the last complete reading; 0 when its marks are not valid."""
        self._seen: dict[bytes, int] = {}
        self._new: list[Batch] = []
        self._handed: list[Batch] = []
        self._next: bytes | None = None
        self._count = self._resources = 0
        self.usable = True
        """False when what was read cannot be described by marks."""

    @property
    def missing(self) -> bool:
        """True when the last reading had batches that this one has not brought."""
        return bool(self._missing)

    @property
    def seen(self) -> bool:
        """True when a batch of the last reading came again."""
        return bool(self._seen)

    def repeated(self, encoded: bytes | memoryview) -> int:
        """How many resources a batch holds that the last reading has brought too; 0 for another batch, whose keys `add` takes next."""
        mark = self._hashes.batch(encoded)
        resources = self._missing.pop(mark, 0)
        if resources:
            self._seen[mark] = resources
            return resources
        self._next = mark
        return self._seen.get(mark, 0)

    def contents(self, resources: Iterable[bytes | memoryview]) -> list[int]:
        """The keyed hash of each resource of a batch."""
        return self._hashes.resources(resources)

    def add(self, keys: array.array[int], contents: Sequence[int]) -> None:
        """Takes the keys and hashes of the batch that was not known; fewer keys than hashes when some resources were refused."""
        mark, self._next = self._next, None
        self._count += 1
        self._resources += len(contents)
        if mark is None or len(keys) != len(contents) or self._count + len(self._seen) > MARKS_AT_MOST:
            self.usable = False
        if self.usable and mark is not None:
            self._new.append(Batch(mark, keys, array.array(HASH, contents)))
        else:
            self._new = []

    # --- in the database

    def hand_over(self) -> None:
        """Sets the new batches apart, which `write` stores; `written` or `take_back` follows."""
        if self._seen or self._resources >= MARKED_FROM:
            self._handed, self._new = self._new, []

    def write(self, connection: Connection, scope: int) -> None:
        """Adds the batches that were handed over. Inside a transaction."""
        if self._handed:
            values = {
                "scope": scope,
                "hashes": [one.hash for one in self._handed],
                "resources": [len(one.keys) for one in self._handed],
                "keys": [one.keys.tobytes() for one in self._handed],
                "contents": [self._hashes.proof + one.contents.tobytes() for one in self._handed],
            }
            connection.execute(statements.get("add_marks"), values)

    def written(self) -> None:
        """Forgets the batches that were handed over: they are stored."""
        self._handed = []

    def take_back(self) -> None:
        """Counts the batches that were handed over as new again: they were not stored."""
        if self.usable:
            self._new = self._handed + self._new
        self._handed = []

    def keys(self, connection: Connection, scope: int) -> Iterator[array.array[int]]:
        """The keys of the batches that came again, batch by batch."""
        values = {"scope": scope, "hashes": list(self._seen)}
        for (keys,) in connection.cursor().stream(statements.get("keys_of_marks"), values, binary=True):
            yield array.array(INTEGER, keys)

    def load_contents(self, connection: Connection, scope: int) -> KnownContents | None:
        """All resources of the last complete reading, before this one has stored a batch; None when its marks do not tell them."""
        if not self._searchable:
            return None
        known = KnownContents(self.total)
        for contents, keys in self._resources_of(connection, scope, [*self._missing, *self._seen]):
            known.add(contents, keys)
        return known

    def unseen(self, connection: Connection, scope: int, known: KnownContents | None) -> Iterator[int] | None:
        """Keys of the resources that neither came in their batch nor are seen in `known`; None when the marks do not tell them."""
        if not self._searchable:
            return None
        if known is not None and not self._seen:
            return known.unseen()
        rows = self._resources_of(connection, scope, list(self._missing))
        return (key for contents, keys in rows for key in (keys if known is None else known.unseen_of(contents, keys)))

    def _resources_of(self, connection: Connection, scope: int, hashes: list[bytes]) -> Iterator[tuple[array.array[int], array.array[int]]]:
        values = {"scope": scope, "hashes": hashes}
        for contents, keys in connection.cursor().stream(statements.get("resources_of_marks"), values, binary=True):
            yield array.array(HASH, contents[len(self._hashes.proof) :]), array.array(INTEGER, keys)

    def keep(self, connection: Connection, scope: int, run: int) -> None:
        """Makes the batches of this complete reading the scope's marks. Inside the transaction that ends the scope."""
        if not self.usable:
            return
        if self._missing:
            connection.execute(statements.get("delete_marks"), {"scope": scope, "hashes": list(self._missing)})
        if self._seen or self._resources >= MARKED_FROM:
            same = not self._missing and not self._count
            connection.execute(statements.get("keep_marks"), {"scope": scope, "run": run, "same": same})


def load(connection: Connection, scope: int, *, valid: bool) -> BatchMarks:
    """The marks of a scope whose reading begins; those that are not valid are deleted. Inside a transaction."""
    row = connection.execute("select secret from elder_worker.hash_seed", binary=True).fetchone()
    assert row is not None
    hashes = KeyedHash(row[0])
    if valid:
        values = {"scope": scope, "limit": MARKS_AT_MOST + 1, "proof": hashes.proof}
        rows = connection.execute(statements.get("marks"), values, binary=True).fetchall()
        if len(rows) <= MARKS_AT_MOST:
            return BatchMarks(hashes, {mark: count for mark, count, _ in rows}, searchable=all(whole for _, _, whole in rows))
    connection.execute("delete from elder_worker.batch_marks where scope_id = %s", [scope])
    return BatchMarks(hashes)
