"""The output of children: read, so that no child blocks on a full pipe, and bounded, so that none fills the supervisor's memory."""

from __future__ import annotations

import collections
import contextlib
import os
import stat
from collections.abc import Callable

from supervisor.plain import plain

READ_SIZE = 64 * 1024
MAX_LINE = 64 * 1024
"""Bytes of a line that are passed on; the rest of a longer line is dropped and counted."""


class Pump:
    """Reads a descriptor without blocking, and passes the data to `sink`."""

    def __init__(self, fd: int, sink: Callable[[bytes], None]) -> None:
        os.set_blocking(fd, False)
        self.fd = fd
        self.eof = False
        self._sink = sink

    def read_once(self) -> int:
        """Reads once; returns the number of bytes. Sets `eof` at the end of the stream."""
        try:
            data = os.read(self.fd, READ_SIZE)
        except BlockingIOError:
            return 0
        self.eof = not data
        self._sink(data)
        return len(data)

    def drain(self, reads: int = 4) -> None:
        """Reads what is in the pipe now, at most `reads` times: a grandchild may hold the pipe and flood it."""
        while reads and self.read_once():
            reads -= 1


class Tail:
    """The last `limit` bytes of a stream, and the number of bytes dropped before them."""

    def __init__(self, limit: int = 16 * 1024) -> None:
        self._limit = limit
        self._chunks: collections.deque[bytes] = collections.deque()
        self._size = 0
        self.dropped = 0

    def feed(self, data: bytes) -> None:
        """Adds data of the stream."""
        self._chunks.append(data)
        self._size += len(data)
        while self._size - len(self._chunks[0]) >= self._limit:
            dropped = len(self._chunks.popleft())
            self._size -= dropped
            self.dropped += dropped

    def text(self) -> str:
        """The end of the stream as text, with bytes that are not UTF-8 escaped.

        A line whose beginning was dropped may begin with half a secret, which cannot be recognised and masked. That line is left out; when
        it is all that there is, its first quarter is left out.
        """
        data = b"".join(self._chunks)
        kept, dropped = data[-self._limit :], self.dropped + max(0, len(data) - self._limit)
        if dropped:
            begin = kept.find(b"\n") + 1 or len(kept) // 4
            kept, dropped = kept[begin:], dropped + begin
        head = f"[{dropped} bytes left out]\n" if dropped else ""
        return head + kept.decode("utf-8", "backslashreplace")


class Lines:
    """Splits a stream into lines and passes each on whole, so that the lines of several children never mix."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._pending = bytearray()
        self.dropped = 0

    def feed(self, data: bytes) -> None:
        """Adds data of the stream."""
        self._pending += data
        *whole, rest = bytes(self._pending).split(b"\n")
        for line in whole:
            self._pass_on(line)
        self._pending = bytearray(rest[:MAX_LINE])
        self.dropped += max(0, len(rest) - MAX_LINE)

    def end(self) -> None:
        """Ends the stream: passes an unfinished line on."""
        if self._pending:
            self._pass_on(bytes(self._pending))
            self._pending.clear()

    def _pass_on(self, line: bytes) -> None:
        self.dropped += max(0, len(line) - MAX_LINE)
        kept = line[:MAX_LINE]
        if not kept.isascii() or not kept.decode("ascii").isprintable():
            kept = plain(kept.decode("utf-8", "backslashreplace")).encode()
        self._write(kept + b"\n")


class Outlet:
    """The process's stdout, written without blocking: a line that does not fit into the pipe is dropped and counted."""

    def __init__(self, fd: int = 1) -> None:
        self._fd = self._own(fd)
        self._rest = b""
        self.dropped_lines = 0

    @staticmethod
    def _own(fd: int) -> int:
        """A new descriptor. A pipe or terminal is opened again, because O_NONBLOCK applies to all that share it; a file is duplicated."""
        mode = os.fstat(fd).st_mode
        if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):
            with contextlib.suppress(OSError):  # no permission to open it
                return os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        return os.dup(fd)

    def write(self, line: bytes) -> None:
        """Writes a line; finishes one that the kernel took in part before it begins the next."""
        if self._rest and not self._push(self._rest):
            self.dropped_lines += 1
            return
        if not self._push(line) and self._rest == line:
            self._rest = b""
            self.dropped_lines += 1

    def _push(self, data: bytes) -> bool:
        try:
            written = os.write(self._fd, data)
        except (BlockingIOError, BrokenPipeError):
            written = 0
        self._rest = data[written:]
        return not self._rest
