"""So many accounts at once: the reads of the next one are planned when one before it has ended."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Iterator

from providers.provider import Item, Read


class Turns:
    """For the thread that plans: it waits here, while others read."""

    def __init__(self, at_once: int) -> None:
        self._turns = threading.Semaphore(at_once)

    def of(self, reads: Callable[[], Iterable[Read]], done: Callable[[], object] = lambda: None) -> Iterator[Read]:
        """The reads of one account, asked for when it is its turn. `done` is called when the last of them has ended."""
        self._turns.acquire()
        planned = list(reads())
        left = _Countdown(len(planned), functools.partial(self._finished, done))
        for read in planned:
            yield Read(read.scopes, functools.partial(left.counted, read.fetch), read.lane)

    def _finished(self, done: Callable[[], object]) -> None:
        try:
            done()
        finally:
            self._turns.release()


class _Countdown:
    def __init__(self, reads: int, done: Callable[[], object]) -> None:
        self._left, self._done = reads, done
        self._lock = threading.Lock()

    def counted(self, fetch: Callable[[], Iterable[Item]]) -> Iterator[Item]:
        """The items of one read."""
        try:
            yield from fetch()
        finally:
            with self._lock:
                self._left -= 1
                last = self._left == 0
            if last:
                self._done()
