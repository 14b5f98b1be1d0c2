"""Contents of a scope's last complete reading: which keyed hash (`worker.run.keyed_hash`) belongs to which key, about 25 bytes each.

A resource whose hash is here came with the same bytes before: it costs one hash and one look-up, whatever its place in the list.
"""

from __future__ import annotations

import array
from collections.abc import Iterable, Sequence
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
        self._seen = bytearray(size)

    def add(self, contents: Iterable[int], keys: Iterable[int]) -> None:
        """Adds hashes, which are never 0, with their keys."""
        slots, own, size = self._slots, self._keys, self._size
        for content, key in zip(contents, keys, strict=True):
            at = content * size >> 64
            while slots[at]:
                at = at + 1 if at + 1 < size else 0
            slots[at], own[at] = content, key

    def search(self, contents: Sequence[int]) -> Searched:
        """Looks up many hashes, in one loop without function calls, and marks the known ones as seen."""
        slots, own, seen, size = self._slots, self._keys, self._seen, self._size
        keys, strange = array.array(INTEGER), []
        add = keys.append
        for content in contents:
            at = content * size >> 64
            while (there := slots[at]) != content and there:
                at = at + 1 if at + 1 < size else 0
            if there:
                seen[at] = 1
            else:
                strange.append(len(keys))
            add(own[at])  # 0 in an empty slot
        return Searched(keys, strange)

    def unseen(self, contents: Iterable[int], keys: Iterable[int]) -> list[int]:
        """Those of the keys whose hash has not been seen."""
        slots, seen, size = self._slots, self._seen, self._size
        found = []
        for content, key in zip(contents, keys, strict=True):
            at = content * size >> 64
            while (there := slots[at]) != content and there:
                at = at + 1 if at + 1 < size else 0
            if not seen[at]:
                found.append(key)
        return found

    def seen(self) -> Iterable[int]:
        """The keys of the hashes that have been seen."""
        return (key for key, seen in zip(self._keys, self._seen, strict=True) if seen)
