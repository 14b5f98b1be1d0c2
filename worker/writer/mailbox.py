"""How other threads reach the main thread: they post a call, it makes the call."""

from __future__ import annotations

import os
import queue
from collections.abc import Callable


class Mailbox:
    """Calls to be made by one thread; its descriptor is readable while there are some."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def fileno(self) -> int:
        """For a poller."""
        return self._fd

    def post(self, call: Callable[[], None]) -> None:
        """From any thread."""
        self._calls.put(call)
        os.eventfd_write(self._fd, 1)

    def deliver(self) -> None:
        """Makes the calls that were posted. By the owner only."""
        try:
            os.eventfd_read(self._fd)
        except BlockingIOError:
            return
        while not self._calls.empty():
            self._calls.get()()
