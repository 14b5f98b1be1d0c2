"""Contents of a scope's last complete reading: which keyed hash (`worker.run.keyed_hash`) belongs to which key, about 25 bytes each.

A resource whose hash is here came with the same bytes before: it costs one hash and one look-up, whatever its place in the list.
"""

from __future__ import annotations

import array
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from worker.run.fingerprints import INTEGER

HASH = "Q"
"""Array type of the hashes: unsigned 64 bit."""


class Searched(NamedTuple):
    """The keys of a batch's resources, in their order, and the positions of those whose hash is not known; their key is 0."""

    keys: array.array[int]
    strange: list[int]


class KnownContents:
    """A hash table in flat arrays: a dict of as many numbers would take four times the memory."""

    def __init__(self, count: int) -> None:
        """Room for `count` hashes, two thirds filled then."""
        self._size = size = count * 3 // 2 + 1
        self._slots, self._keys = array.array(HASH, bytes(8 * size)), array.array(INTEGER, bytes(8 * size))
        self._seen = bytearray(b"\1" * size)
        """0 where a hash is that has not been seen."""

    def add(self, contents: Iterable[int], keys: Iterable[int]) -> None:
        """Adds hashes, which are never 0, with their keys."""
        slots, own, unseen, size = self._slots, self._keys, self._seen, self._size
        for content, key in zip(contents, keys, strict=True):
            at = content * size >> 64
            while slots[at]:
                at = at + 1 if at + 1 < size else 0
            slots[at], own[at], unseen[at] = content, key, 0

    def search(self, contents: Sequence[int]) -> Searched:
        """Looks up many hashes, in one loop without function calls, and marks the known ones as seen."""
        slots, own, seen, size = self._slots, self._keys, self._seen, self._size
        places: list[int] = []
        strange: list[int] = []
        for content in contents:
            at = content * size >> 64
            while (there := slots[at]) != content and there:
                at = at + 1 if at + 1 < size else 0
            if there:
                seen[at] = 1
            else:
                strange.append(len(places))
            places.append(at)
        return Searched(array.array(INTEGER, [own[at] for at in places]), strange)  # 0 in an empty slot

    def unseen(self) -> Iterator[int]:
        """The keys of the hashes that have not been seen."""
        at = self._seen.find(0)
        while at >= 0:
            yield self._keys[at]
            at = self._seen.find(0, at + 1)

    def unseen_of(self, contents: Iterable[int], keys: Iterable[int]) -> Iterator[int]:
        """Those of the keys whose hash has not been seen."""
        slots, seen, size = self._slots, self._seen, self._size
        for content, key in zip(contents, keys, strict=True):
            at = content * size >> 64
            while (there := slots[at]) != content and there:
                at = at + 1 if at + 1 < size else 0
            if not seen[at]:
                yield key

    def seen(self) -> Iterator[int]:
        """The keys of the hashes that have been seen."""
        return (key for slot, key, seen in zip(self._slots, self._keys, self._seen, strict=True) if slot and seen)
