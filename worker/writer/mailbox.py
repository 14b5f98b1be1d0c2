"""Calls between threads: a thread posts a call, the owner of the mailbox makes the call."""

from __future__ import annotations

import os
import queue
from collections.abc import Callable


class Mailbox:
    """Calls that wait for their owner; the descriptor is readable while calls wait."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def fileno(self) -> int:
        """The descriptor to poll."""
        return self._fd

    def post(self, call: Callable[[], None]) -> None:
        """Adds a call; safe from any thread."""
        self._calls.put(call)
        os.eventfd_write(self._fd, 1)

    def deliver(self) -> None:
        """Makes the posted calls. Called by the owner only."""
        try:
            os.eventfd_read(self._fd)
        except BlockingIOError:
            return
        while not self._calls.empty():
            self._calls.get()()
