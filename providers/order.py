"""The order in which a plan is carried out: oldest attempt first, so that runs that are cut off do not read the same scopes each time."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Iterator

from providers.attempts import Attempts
from providers.provider import Read


class ReadQueue:
    """Reads that wait for a thread, the oldest attempt first.

    A read that was attempted before is handed out only once the plan cannot bring an older one: when the plan is complete, pauses, or is
    longer than the queue may hold. A read that was never attempted is handed out at once.
    """

    def __init__(self, attempts: Attempts, size: int) -> None:
        """`size` is the number of reads at which `put` no longer holds any back."""
        self._attempts, self._size = attempts, size
        self._heap: list[tuple[int, int, Read]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._paused = self._closed = False

    def put(self, read: Read) -> bool:
        """Adds a read; False when the queue was closed. Called by the thread that plans."""
        with self._changed:
            if self._closed:
                return False
            self._paused = False
            heapq.heappush(self._heap, (self._attempts.rank(read.scopes), next(self._numbers), read))
            self._changed.notify()
            return True

    def pause(self) -> None:
        """The plan brings nothing more until some of its reads have ended, or is complete."""
        with self._changed:
            self._paused = True
            self._changed.notify_all()

    def get(self) -> Read | None:
        """The next read; waits for it. None when the queue was closed."""
        with self._changed:
            self._changed.wait_for(self._ready)
            return None if self._closed else heapq.heappop(self._heap)[2]

    def _ready(self) -> bool:
        if self._closed or not self._heap:
            return self._closed
        return self._heap[0][0] == 0 or self._paused or len(self._heap) >= self._size

    def close(self) -> Iterator[Read]:
        """Ends the queue; the reads that nobody has begun."""
        with self._changed:
            self._closed = True
            left, self._heap = self._heap, []
            self._changed.notify_all()
        return (read for _, _, read in left)
