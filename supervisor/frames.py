"""Frames: how a job process speaks to the two processes that listen to it.

Why a protocol of our own: the listener must survive anything the speaker does. A job may be killed in the middle of a byte, may
write garbage, may leave a grandchild holding the pipe open. So nothing that arrives is ever unpickled, a reader never waits for
the end of a frame, and a length is checked before memory is taken for it.

A frame is ``length:u32be  kind:u8  body[length]``; the body is JSON. ``length`` counts the body alone and is at most
`MAX_FRAME`; a larger one is a `ProtocolError`, after which the reader refuses all further bytes.

Who may speak, where:

========  ==================  ====================================================================
pipe      direction           kinds, in order
========  ==================  ====================================================================
start     writer -> job       one ``START`` (config and secrets), after the job has said ``READY``
control   job -> supervisor   one ``READY``, then any number of ``PROGRESS``
data      job -> writer       a `FrameKind` that job and writer define; the supervisor does not read it
========  ==================  ====================================================================

End of file on a pipe says nothing: only the pidfd says that a process is dead.
"""

from __future__ import annotations

import enum
import os
import struct
from collections.abc import Iterator
from typing import Generic, TypeVar

from supervisor.errors import ProtocolError

MAX_FRAME = 4 * 1024 * 1024
"""Bytes of the largest body a reader takes: above it, memory is at the speaker's mercy; far below it, wide resources do not fit."""

READ_SIZE = 256 * 1024
"""Bytes asked of the pipe at once."""

_HEADER = struct.Struct(">IB")


class FrameKind(enum.IntEnum):
    """Base of the enumerations that say what a frame's body is; one for each conversation, and no number used twice."""


class ControlKind(FrameKind):
    """Frames on the start and control pipes."""

    START = 1
    READY = 2
    PROGRESS = 3


KindT = TypeVar("KindT", bound=FrameKind)


def encode(kind: FrameKind, body: bytes) -> bytes:
    """One frame. Raises `ProtocolError` for a body that no reader would take."""
    if len(body) > MAX_FRAME:
        raise ProtocolError(f"a {kind.name} frame of {len(body)} bytes is over the limit of {MAX_FRAME}")
    return _HEADER.pack(len(body), kind) + body


class FrameBuffer(Generic[KindT]):
    """Cuts a stream of bytes into frames of the given kinds; holds at most one unfinished frame."""

    def __init__(self, kinds: type[KindT], limit: int = MAX_FRAME) -> None:
        self._kinds, self._limit = kinds, limit
        self._pending = bytearray()

    @property
    def unfinished(self) -> int:
        """Bytes of the frame that has not ended yet."""
        return len(self._pending)

    def feed(self, data: bytes) -> Iterator[tuple[KindT, bytes]]:
        """Yields each frame that `data` completes. Raises `ProtocolError` on a bad length or kind."""
        pending = self._pending
        pending += data
        start = 0
        try:
            while len(pending) - start >= _HEADER.size:
                length, kind = _HEADER.unpack_from(pending, start)
                if length > self._limit:
                    raise ProtocolError(f"a frame claims {length} bytes, over the limit of {self._limit}")
                end = start + _HEADER.size + length
                if len(pending) < end:
                    self._check_kind(kind)
                    break
                body = bytes(memoryview(pending)[start + _HEADER.size : end])
                start = end
                yield self._check_kind(kind), body
        finally:
            del pending[:start]

    def _check_kind(self, kind: int) -> KindT:
        try:
            return self._kinds(kind)
        except ValueError:
            raise ProtocolError(f"a frame has the kind {kind}, which has no place on this pipe") from None


class FrameReader(Generic[KindT]):
    """Reads frames of the given kinds from a non-blocking descriptor, as far as bytes are there."""

    def __init__(self, fd: int, kinds: type[KindT], limit: int = MAX_FRAME) -> None:
        os.set_blocking(fd, False)
        self.fd = fd
        self.eof = False
        self.bytes_read = 0
        self._buffer = FrameBuffer(kinds, limit)

    @property
    def unfinished(self) -> int:
        """Bytes of a frame whose end has not come."""
        return self._buffer.unfinished

    def read(self, budget: int = READ_SIZE) -> Iterator[tuple[KindT, bytes]]:
        """Yields the frames completed by one read of at most `budget` bytes; sets `eof` at the end of the stream."""
        try:
            data = os.read(self.fd, budget)
        except BlockingIOError:
            return
        if not data:
            self.eof = True
            return
        self.bytes_read += len(data)
        yield from self._buffer.feed(data)
