"""The supervisor's link to the writer: one channel for each process of the writer, watched by the loop."""

from __future__ import annotations

import logging
import os
import selectors
from collections.abc import Callable, Mapping

from supervisor import channel as channels
from supervisor.channel import Channel
from supervisor.errors import ProtocolError
from supervisor.loop import Loop
from supervisor.messages import Drain, Exited, FromWriter, Ready, Refused, Slots, Spawned

BACKLOG = 1000
"""Unread messages from which on the writer counts as stuck."""

log = logging.getLogger("supervisor")


class WriterLink:
    """Sends messages to the writer while there is one, and passes its messages on."""

    def __init__(self, loop: Loop, receive: Callable[[FromWriter], None], kill: Callable[[], None]) -> None:
        """`receive` is called with each message; `kill` ends a writer that breaks the protocol or does not read."""
        self._loop, self._receive, self._kill = loop, receive, kill
        self._channel: Channel[FromWriter] | None = None

    def open(self) -> Mapping[str, int]:
        """Makes a channel for a new writer; returns the descriptor that the writer gets. Raises `SpawnError`."""
        self.close()
        ours, theirs = channels.pair()
        self._channel = Channel(ours, FromWriter)
        self._loop.watch(self._channel.fileno(), self._on_readable)
        return {"control": theirs.detach()}

    def close(self) -> None:
        """Closes the channel, if there is one."""
        if self._channel:
            self._loop.forget(self._channel.fileno())
            self._channel.close()
            self._channel = None

    def send(self, message: Slots | Spawned | Refused | Ready | Exited | Drain, descriptors: tuple[int, ...] = ()) -> None:
        """Sends a message with descriptors, which are closed on this side; drops both when there is no writer."""
        if self._channel is None or self._channel.closed:
            for fd in descriptors:
                os.close(fd)
            return
        self._channel.send(message, descriptors)
        self._flush()

    def _on_readable(self) -> None:
        assert self._channel is not None
        try:
            for message, _ in self._channel.receive():
                self._receive(message)
        except ProtocolError as error:
            log.error("the writer broke the protocol and is ended: %s", error)
            self._kill()
        self._flush()

    def _flush(self) -> None:
        if self._channel is None:
            return
        if self._channel.closed:
            self._loop.forget(self._channel.fileno())
            return
        events = selectors.EVENT_READ if self._channel.flush() else selectors.EVENT_READ | selectors.EVENT_WRITE
        self._loop.watch(self._channel.fileno(), self._on_readable, events)
        if self._channel.backlog > BACKLOG:
            log.error("the writer has left %d messages unread and is ended", self._channel.backlog)
            self._kill()
