"""Marks of batches: a batch whose bytes were part of a scope's last complete reading costs one hash, and no look at its resources.

Marks are valid only while nobody but the scope's own reading has touched its entities or sightings: triggers of migration 0019 void them.
A reading by a release that knows no marks voids them too, as it is the scope's last run then.
"""

from __future__ import annotations

import array
from collections.abc import Iterator
from typing import NamedTuple

import xxhash

from worker.run.fingerprints import INTEGER
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


class BatchMarks:
    """The batches of one scope, while a run reads it."""

    def __init__(self, seed: int, known: dict[bytes, int] | None = None) -> None:
        """`seed` is the database's; `known` maps the hashes of the last complete reading's batches to how many resources they hold."""
        self._seed = seed
        self._missing = known or {}
        self._seen: dict[bytes, int] = {}
        self._new: list[Batch] = []
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

    @property
    def resources(self) -> int:
        """Resources in the batches that came again."""
        return sum(self._seen.values())

    def repeated(self, encoded: bytes | memoryview) -> int:
        """How many resources a batch holds that the last reading has brought too; 0 for another batch, whose keys `add` takes next."""
        mark = xxhash.xxh3_128_digest(encoded, seed=self._seed)
        resources = self._missing.pop(mark, 0)
        if resources:
            self._seen[mark] = resources
            return resources
        self._next = mark
        return self._seen.get(mark, 0)

    def add(self, keys: array.array[int], resources: int) -> None:
        """Takes the keys of the batch that was not known; fewer keys than resources when some were refused."""
        mark, self._next = self._next, None
        self._count += 1
        self._resources += resources
        if mark is None or len(keys) != resources or self._count + len(self._seen) > MARKS_AT_MOST:
            self.usable = False
        if self.usable and mark is not None:
            self._new.append(Batch(mark, keys))
        else:
            self._new = []

    # --- in the database

    def write(self, connection: Connection, scope: int) -> None:
        """Adds the new batches. Inside a transaction; `written` follows when it is committed."""
        if self._new and (self._seen or self._resources >= MARKED_FROM):
            values = {
                "scope": scope,
                "hashes": [one.hash for one in self._new],
                "resources": [len(one.keys) for one in self._new],
                "keys": [one.keys.tobytes() for one in self._new],
            }
            connection.execute(statements.get("add_marks"), values)

    def written(self) -> None:
        """Forgets the new batches, which are stored."""
        if self._seen or self._resources >= MARKED_FROM:
            self._new = []

    def keys(self, connection: Connection, scope: int) -> Iterator[array.array[int]]:
        """The keys of the batches that came again, batch by batch."""
        values = {"scope": scope, "hashes": list(self._seen)}
        for (keys,) in connection.cursor().stream(statements.get("keys_of_marks"), values, binary=True):
            yield array.array(INTEGER, keys)

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
    row = connection.execute("select seed from elder_worker.hash_seed").fetchone()
    assert row is not None
    seed = row[0] % 2**64
    if valid:
        rows = connection.execute(statements.get("marks"), {"scope": scope, "limit": MARKS_AT_MOST + 1}, binary=True).fetchall()
        if len(rows) <= MARKS_AT_MOST:
            return BatchMarks(seed, dict(rows))
    connection.execute("delete from elder_worker.batch_marks where scope_id = %s", [scope])
    return BatchMarks(seed)
