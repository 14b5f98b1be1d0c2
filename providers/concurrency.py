"""So many accounts at once: the reads of the next one are planned when one before it has ended."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Iterator

import msgspec

from providers.provider import Read


class Turns:
    """For the thread that plans: it waits here, while others read."""

    def __init__(self, at_once: int) -> None:
        self._turns = threading.Semaphore(at_once)

    def of(self, reads: Callable[[], Iterable[Read]], done: Callable[[], object] = lambda: None) -> Iterator[Read]:
        """The reads of one account, asked for when it is its turn. `done` is called when all are planned and the last has ended."""
        self._turns.acquire()
        open_ends = _OpenEnds(functools.partial(self._finished, done))
        try:
            for read in reads():
                open_ends.add()
                yield msgspec.structs.replace(read, ended=open_ends.close)
        finally:
            open_ends.close()

    def _finished(self, done: Callable[[], object]) -> None:
        try:
            done()
        finally:
            self._turns.release()


class _OpenEnds:
    """What has not ended of an account: its reads, and at first its planning."""

    def __init__(self, done: Callable[[], object]) -> None:
        self._open, self._done = 1, done
        self._lock = threading.Lock()

    def add(self) -> None:
        with self._lock:
            self._open += 1

    def close(self) -> None:
        with self._lock:
            self._open -= 1
            last = self._open == 0
        if last:
            self._done()
