"""The published state, in memory that processes share: no folder is involved, which could be full or read-only.

The memory holds a header and two places for a state. A new state is written to the place that the header does not point to, and becomes
valid when the header is replaced: a reader sees the old whole or the new whole, and a writer that is killed leaves the old whole.
"""

from __future__ import annotations

import os
import struct
import zlib

_NUMBERS = struct.Struct("=QQQ")
"""Number, offset and length of the valid state; their checksum follows."""

_CHECKSUM = struct.Struct("=I")

_START = 64
"""Offset of the first place."""

ATTEMPTS = 100
"""Readings of a header that is just being replaced, before the reader gives up."""


def create(name: str = "published-state") -> int:
    """Makes the memory; returns a descriptor that child processes may inherit."""
    fd = os.memfd_create(name, os.MFD_CLOEXEC)
    PublishedState(fd).write(b"")
    return fd


class PublishedState:
    """One end of the memory. Only one process may write."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def write(self, data: bytes) -> None:
        """Replaces the published state."""
        number, offset, length = self._header() or (0, _START, 0)
        offset = _START if offset >= _START + len(data) else offset + length
        os.pwrite(self.fd, data, offset)
        numbers = _NUMBERS.pack(number + 1, offset, len(data))
        os.pwrite(self.fd, numbers + _CHECKSUM.pack(zlib.crc32(numbers)), 0)

    def read(self) -> bytes:
        """The state as it was last written; empty before that."""
        for _ in range(ATTEMPTS):
            header = self._header()
            if header is None:
                continue
            _, offset, length = header
            data = os.pread(self.fd, length, offset)
            if self._header() == header:
                return data
        return b""

    def _header(self) -> tuple[int, int, int] | None:
        """Number, offset and length of the valid state; None before the first, and while they are just being replaced."""
        raw = os.pread(self.fd, _NUMBERS.size + _CHECKSUM.size, 0)
        numbers, checksum = raw[: _NUMBERS.size], raw[_NUMBERS.size :]
        if checksum != _CHECKSUM.pack(zlib.crc32(numbers)):
            return None
        number, offset, length = _NUMBERS.unpack(numbers)
        return number, offset, length
