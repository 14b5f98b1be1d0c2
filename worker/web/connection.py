"""A connection that waits in the poller until its next request can be read."""

from __future__ import annotations

import contextlib
import re
import socket

from gunicorn.workers.gthread import TConn

SILENCE = 2
"""Seconds for the next bytes of a request that has begun: whoever is slower gets no answer, and its thread is another's."""

MAX_HEAD = 64 * 1024
"""Bytes of a request that the kernel keeps for us before a thread is given to it: whole, but for large bodies. No head is as long."""

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,12})[ \t]*\r\n", re.IGNORECASE)
_EXPECT = re.compile(rb"\r\nexpect:", re.IGNORECASE)


def missing(begun: bytes) -> int:
    """How many bytes more a request needs, at least, before it can be read. Raises `ValueError` when its head has no end."""
    end = begun.find(b"\r\n\r\n")
    if end < 0:
        if len(begun) >= MAX_HEAD:
            raise ValueError
        return 1
    length = _LENGTH.search(begun, 0, end + 2)
    waits = _EXPECT.search(begun, 0, end + 2)  # its sender wants a word before it goes on
    whole = end + 4 + (int(length[1]) if length and not waits else 0)
    return max(0, min(whole, MAX_HEAD) - len(begun))


class Connection(TConn):  # type: ignore[misc]
    """Remembers how many bytes to wait for; fewer at the next event means that the client has closed."""

    awaited = 1

    def ahead(self) -> bytes:
        """Returns what has come of the next request, and leaves it in the kernel. Raises `BlockingIOError` when nothing has."""
        return bytes(self.sock.recv(MAX_HEAD, socket.MSG_PEEK | socket.MSG_DONTWAIT))

    def wait_for(self, size: int) -> None:
        """The next event comes when there are `size` bytes, or no more will come."""
        self.awaited = size
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)

    def holds_more(self) -> bool:
        """True if a part of the next request was read with the last one: a thread would have to wait for the rest."""
        ahead = self.parser.unreader.buf.getvalue()
        with contextlib.suppress(ValueError):
            return bool(ahead and missing(ahead))
        return True

    def end_sending(self) -> None:
        """Tells the client that nothing more comes. Raises `OSError`."""
        self.sock.shutdown(socket.SHUT_WR)
