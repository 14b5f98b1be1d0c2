"""What children write to stdout and stderr: pumped, so that nobody blocks on a full pipe, and bounded, so that nobody fills our memory."""

from __future__ import annotations

import collections
import contextlib
import os
import stat
from collections.abc import Callable

READ_SIZE = 64 * 1024
MAX_LINE = 64 * 1024
"""Bytes of one line that is passed on; the rest of a longer one is dropped and counted."""


class Pump:
    """Reads a descriptor without blocking, and hands what it reads to `take`."""

    def __init__(self, fd: int, take: Callable[[bytes], None]) -> None:
        os.set_blocking(fd, False)
        self.fd = fd
        self.eof = False
        self._take = take

    def turn(self) -> int:
        """One read; how many bytes came. Sets `eof` at the end of the stream."""
        try:
            data = os.read(self.fd, READ_SIZE)
        except BlockingIOError:
            return 0
        self.eof = not data
        self._take(data)
        return len(data)

    def drain(self, reads: int = 4) -> None:
        """What is there now; a grandchild that holds the pipe and floods it is not listened to for ever."""
        while reads and self.turn():
            reads -= 1


class Tail:
    """Keeps the last `limit` bytes of a stream, and knows how many went before."""

    def __init__(self, limit: int = 16 * 1024) -> None:
        self._limit = limit
        self._chunks: collections.deque[bytes] = collections.deque()
        self._size = 0
        self.dropped = 0

    def take(self, data: bytes) -> None:
        """More of the stream."""
        self._chunks.append(data)
        self._size += len(data)
        while self._size - len(self._chunks[0]) >= self._limit:
            gone = len(self._chunks.popleft())
            self._size -= gone
            self.dropped += gone

    def text(self) -> str:
        """The end of the stream as text; what is not UTF-8 is escaped."""
        data = b"".join(self._chunks)
        gone = self.dropped + max(0, len(data) - self._limit)
        head = f"[{gone} bytes left out]\n" if gone else ""
        return head + data[-self._limit :].decode("utf-8", "backslashreplace")


class Lines:
    """Cuts a stream into lines and passes each on whole; what one child writes never lands in the middle of another's line."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._pending = bytearray()
        self.dropped = 0

    def take(self, data: bytes) -> None:
        """More of the stream."""
        self._pending += data
        *whole, rest = bytes(self._pending).split(b"\n")
        for line in whole:
            self._pass_on(line)
        self._pending = bytearray(rest[:MAX_LINE])
        self.dropped += max(0, len(rest) - MAX_LINE)

    def end(self) -> None:
        """The stream has ended; an unfinished line is passed on too."""
        if self._pending:
            self._pass_on(bytes(self._pending))
            self._pending.clear()

    def _pass_on(self, line: bytes) -> None:
        self.dropped += max(0, len(line) - MAX_LINE)
        self._write(line[:MAX_LINE] + b"\n")


class Outlet:
    """Our own stdout, which may be a pipe that nobody reads: a line that does not fit is dropped and counted, and nobody waits."""

    def __init__(self, fd: int = 1) -> None:
        self._fd = self._own(fd)
        self._rest = b""
        self.dropped_lines = 0

    @staticmethod
    def _own(fd: int) -> int:
        """A pipe or terminal is opened anew: O_NONBLOCK on a description that others share would surprise them. A file has its offset."""
        mode = os.fstat(fd).st_mode
        if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):
            with contextlib.suppress(OSError):  # not ours to open
                return os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        return os.dup(fd)

    def write(self, line: bytes) -> None:
        """One line; what the kernel took half of is finished before the next begins."""
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
