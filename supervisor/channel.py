"""One end of the channel between supervisor and writer: whole messages, with descriptors, never blocking the reader.

`send` queues what the kernel does not take at once, so that neither side can stop the other; `flush` sends on when the socket is
writable. A peer that does not read is found by `backlog`.
"""

from __future__ import annotations

import collections
import os
import socket
from collections.abc import Sequence
from typing import Generic, TypeVar

import msgspec

from supervisor.errors import ProtocolError
from supervisor.messages import MAX_MESSAGE

MAX_DESCRIPTORS = 4

MessageT = TypeVar("MessageT")


def pair() -> tuple[socket.socket, socket.socket]:
    """Both ends. Neither is inheritable."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)


class Channel(Generic[MessageT]):
    """Sends any message, receives those of `incoming` (a tagged union of `supervisor.messages`)."""

    def __init__(self, end: socket.socket | int, incoming: type[MessageT] | object) -> None:
        self._socket = end if isinstance(end, socket.socket) else socket.socket(fileno=end)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * MAX_MESSAGE)
        self._decoder: msgspec.json.Decoder[MessageT] = msgspec.json.Decoder(incoming)
        self._queue: collections.deque[tuple[bytes, tuple[int, ...]]] = collections.deque()
        self.closed = False

    def fileno(self) -> int:
        """For a poller."""
        return self._socket.fileno()

    @property
    def backlog(self) -> int:
        """Messages that the other side has not taken yet."""
        return len(self._queue)

    def send(self, message: msgspec.Struct, descriptors: Sequence[int] = ()) -> None:
        """Sends a message; `descriptors` are passed on and closed here. Raises `ProtocolError` when it is too large."""
        body = msgspec.json.encode(message)
        if len(body) > MAX_MESSAGE:
            raise ProtocolError(f"a {type(message).__name__} message of {len(body)} bytes is over the limit of {MAX_MESSAGE}")
        self._queue.append((body, tuple(descriptors)))
        self.flush()

    def flush(self) -> bool:
        """Sends what is queued, as far as the kernel takes it; true when nothing is left."""
        while self._queue and not self.closed:
            body, descriptors = self._queue[0]
            try:
                socket.send_fds(self._socket, [body], descriptors) if descriptors else self._socket.send(body)
            except BlockingIOError:
                return False
            except (BrokenPipeError, ConnectionResetError):
                self.closed = True
            self._queue.popleft()
            _close(descriptors)
        return not self._queue

    def receive(self) -> list[tuple[MessageT, tuple[int, ...]]]:
        """Every message that has come, with its descriptors (the receiver's to close). Sets `closed` at the end of the stream."""
        received: list[tuple[MessageT, tuple[int, ...]]] = []
        while not self.closed:
            try:
                body, descriptors, _, _ = socket.recv_fds(self._socket, MAX_MESSAGE, MAX_DESCRIPTORS)
            except BlockingIOError:
                break
            except ConnectionResetError:
                self.closed = True
                break
            if not body:
                self.closed = True
                break
            received.append((self._decode(body, descriptors), tuple(descriptors)))
        return received

    def close(self) -> None:
        """Closes this end and every descriptor that was still to be sent."""
        self.closed = True
        for _, descriptors in self._queue:
            _close(descriptors)
        self._queue.clear()
        self._socket.close()

    def _decode(self, body: bytes, descriptors: Sequence[int]) -> MessageT:
        try:
            return self._decoder.decode(body)
        except (msgspec.ValidationError, msgspec.DecodeError) as error:
            _close(descriptors)
            raise ProtocolError(f"a message on the channel makes no sense: {error}") from None


def _close(descriptors: Sequence[int]) -> None:
    for fd in descriptors:
        os.close(fd)
