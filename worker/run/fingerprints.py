"""Fingerprints of a scope's resources: a key (hash of the external id) and a content (hash of the resource), 16 bytes per resource.

An unchanged resource costs no SQL and no decoding. The arrays are sorted and have one byte per resource for "seen", so that memory is
bounded by the largest scope.
"""

from __future__ import annotations

import array
import bisect
import enum
import hashlib
import sys
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

_blake2b = hashlib.blake2b
_from_bytes = int.from_bytes

INTEGER = "q"
"""Array type of keys and contents: signed 64 bit, as PostgreSQL's bigint."""


BACKSLASH = ord("\\")


class Entry(NamedTuple):
    """A resource to write: its key, content and JSON."""

    key: int
    content: int
    raw: bytes


class Sorted(NamedTuple):
    """How many resources of a batch are unchanged, and the keys of all that were not refused, in their order."""

    unchanged: int
    keys: array.array[int]


class Change(enum.Enum):
    """How a resource compares with its stored fingerprint."""

    UNCHANGED = enum.auto()
    CHANGED = enum.auto()
    NEW = enum.auto()


def key_of(raw: bytes) -> int:
    """The key of a resource in canonical JSON (`worker.run.wire.encode_resource`): a hash of its external id, as it is encoded.

    Raises `ValueError` when `raw` is not a resource.
    """
    if raw[:2] != b'["':
        raise ValueError("not a resource")
    end = raw.index(b'",', 2)
    while raw[end - 1] == BACKSLASH:  # the quote may be part of the id
        ahead = raw[2:end]
        if (len(ahead) - len(ahead.rstrip(b"\\"))) % 2 == 0:
            break
        end = raw.index(b'",', end + 1)
    return _from_bytes(_blake2b(raw[2:end], digest_size=8).digest(), "little", signed=True)


def content_of(raw: bytes) -> int:
    """A hash of the whole resource."""
    return _from_bytes(_blake2b(raw, digest_size=8).digest(), "little", signed=True)


def key_of_id(external_id: str) -> int:
    """The key of the resource with that external id."""
    return _from_bytes(_blake2b(msgspec.json.encode(external_id)[1:-1], digest_size=8).digest(), "little", signed=True)


class Fingerprints:
    """Fingerprints of the active resources of one scope."""

    def __init__(self, pairs: Iterable[tuple[int, int]] = ()) -> None:
        """`pairs` of key and content, sorted by key."""
        self._keys, self._contents = array.array(INTEGER), array.array(INTEGER)
        for key, content in pairs:
            self._keys.append(key)
            self._contents.append(content)
        self._seen = bytearray(len(self._keys))

    @classmethod
    def from_bytes(cls, data: bytes) -> Fingerprints:
        """Reads little-endian pairs sorted by key, as `to_bytes` writes them."""
        return cls._from((data,), "little")

    @classmethod
    def from_network(cls, parts: Iterable[bytes]) -> Fingerprints:
        """Reads big-endian pairs sorted by key, as PostgreSQL sends them."""
        return cls._from(parts, "big")

    @classmethod
    def _from(cls, parts: Iterable[bytes], order: str) -> Fingerprints:
        made = cls()
        for part in parts:
            flat = array.array(INTEGER, part)
            if sys.byteorder != order:
                flat.byteswap()
            made._keys += flat[0::2]
            made._contents += flat[1::2]
        made._seen = bytearray(len(made._keys))
        return made

    def to_bytes(self) -> bytes:
        """Little-endian pairs of key and content, sorted by key."""
        flat = array.array(INTEGER, bytes(16 * len(self._keys)))
        flat[0::2], flat[1::2] = self._keys, self._contents
        if sys.byteorder == "big":
            flat.byteswap()
        return flat.tobytes()

    def __len__(self) -> int:
        return len(self._keys)

    def compare(self, key: int, content: int) -> Change:
        """Marks a resource as seen and compares its content."""
        keys = self._keys
        at = bisect.bisect_left(keys, key)
        if at == len(keys) or keys[at] != key:
            return Change.NEW
        self._seen[at] = 1
        return Change.UNCHANGED if self._contents[at] == content else Change.CHANGED

    def sort_out(self, raws: Iterable[bytes], new: list[Entry], changed: list[Entry], refused: list[bytes]) -> Sorted:
        """Marks many resources as seen and sorts those that differ into the lists.

        The same as `compare` for each, in one loop without function calls: this is the cost of an unchanged inventory.
        """
        keys, contents, seen, size = self._keys, self._contents, self._seen, len(self._keys)
        find, blake2b, number = bisect.bisect_left, _blake2b, _from_bytes
        unchanged, found = 0, array.array(INTEGER)
        add = found.append
        for raw in raws:
            data = bytes(raw)
            end = data.find(b'",', 2)
            if data[:2] == b'["' and end > 0 and data[end - 1] != BACKSLASH:
                key = number(blake2b(data[2:end], digest_size=8).digest(), "little", signed=True)
            else:
                try:
                    key = key_of(data)
                except ValueError:
                    refused.append(data)
                    continue
            add(key)
            content = number(blake2b(data, digest_size=8).digest(), "little", signed=True)
            at = find(keys, key)
            if at == size or keys[at] != key:
                new.append(Entry(key, content, data))
                continue
            seen[at] = 1
            if contents[at] == content:
                unchanged += 1
            else:
                changed.append(Entry(key, content, data))
        return Sorted(unchanged, found)

    def mark(self, keys: Iterable[int]) -> None:
        """Marks resources as seen by their keys."""
        known, seen, size = self._keys, self._seen, len(self._keys)
        for key in keys:
            at = bisect.bisect_left(known, key)
            if at < size and known[at] == key:
                seen[at] = 1

    def unseen(self) -> Iterator[int]:
        """Keys of known resources that have not been seen."""
        at = self._seen.find(0)
        while at >= 0:
            yield self._keys[at]
            at = self._seen.find(0, at + 1)
