"""One end of the channel between supervisor and writer: whole messages with descriptors, sent and received without blocking.

`send` queues what the kernel does not take at once, so that neither side can block the other; `flush` continues when the socket is
writable. `backlog` shows a peer that does not read.
"""

from __future__ import annotations

import collections
import os
import socket
from collections.abc import Sequence
from typing import Generic, TypeVar

import msgspec

from supervisor.errors import ProtocolError, SpawnError
from supervisor.messages import MAX_MESSAGE

MAX_DESCRIPTORS = 4

MessageT = TypeVar("MessageT")


def pair() -> tuple[socket.socket, socket.socket]:
    """Makes a channel: both ends, neither inheritable. Raises `SpawnError` when no descriptor is left."""
    try:
        return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    except OSError as error:
        raise SpawnError(f"a channel could not be made: {error.strerror}") from error


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
        """Descriptor of the socket, for a poller."""
        return self._socket.fileno()

    @property
    def backlog(self) -> int:
        """Number of messages that the other side has not read yet."""
        return len(self._queue)

    def send(self, message: msgspec.Struct, descriptors: Sequence[int] = ()) -> None:
        """Sends a message with `descriptors`, which are closed on this side. Raises `ProtocolError` when the message is too large."""
        body = msgspec.json.encode(message)
        if len(body) > MAX_MESSAGE:
            raise ProtocolError(f"a {type(message).__name__} message of {len(body)} bytes is over the limit of {MAX_MESSAGE}")
        self._queue.append((body, tuple(descriptors)))
        self.flush()

    def flush(self) -> bool:
        """Sends queued messages as far as the kernel takes them; true when none is left."""
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
        """Returns every message that has arrived, with descriptors that the caller must close. Sets `closed` at the end of the stream."""
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
        """Closes this end and every descriptor that was not sent yet."""
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
            raise ProtocolError(f"a message on the channel cannot be decoded: {error}") from None


def _close(descriptors: Sequence[int]) -> None:
    for fd in descriptors:
        os.close(fd)
