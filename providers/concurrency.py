"""Threads that share work: values computed once, and so many accounts read at once."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Generic, TypeVar

import msgspec

from providers.provider import PAUSE, Read

KeyT = TypeVar("KeyT", bound=Hashable)
ValueT = TypeVar("ValueT")


class Once(Generic[ValueT]):
    """One value, computed by the first thread that needs it; the others wait for that value.

    An error of one of the `kept` types is kept too, and raised for every later caller. After any other error the next caller tries again.
    """

    def __init__(self, kept: tuple[type[Exception], ...] = ()) -> None:
        self._lock, self._kept = threading.Lock(), kept
        self._values: list[ValueT] = []  # none or one: a value may be None
        self._error: Exception | None = None

    def get(self, compute: Callable[[], ValueT]) -> ValueT:
        """The value. Raises what `compute` raises."""
        if not self._values:
            with self._lock:
                self._compute(compute)
        return self._values[0]

    def _compute(self, compute: Callable[[], ValueT]) -> None:
        if self._values:
            return
        if self._error is not None:
            raise self._error
        try:
            self._values.append(compute())
        except self._kept as error:
            self._error = error
            raise

    def computed(self) -> list[ValueT]:
        """The value as a list of one; empty before it is computed."""
        return list(self._values)


class OncePerKey(Generic[KeyT, ValueT]):
    """Values by key, each computed once as in `Once`; threads that need different keys do not wait for each other."""

    def __init__(self, kept: tuple[type[Exception], ...] = ()) -> None:
        self._lock, self._kept = threading.Lock(), kept
        self._by_key: dict[KeyT, Once[ValueT]] = {}

    def get(self, key: KeyT, compute: Callable[[], ValueT]) -> ValueT:
        """The value of a key. Raises what `compute` raises."""
        with self._lock:
            once = self._by_key.setdefault(key, Once(self._kept))
        return once.get(compute)

    def computed(self) -> list[ValueT]:
        """All values computed so far."""
        with self._lock:
            return [value for once in self._by_key.values() for value in once.computed()]

    def clear(self) -> list[ValueT]:
        """Forgets all values; returns those computed so far, for the caller to close."""
        with self._lock:
            before, self._by_key = self._by_key, {}
        return [value for once in before.values() for value in once.computed()]


class Turns:
    """For the thread that plans: it waits here, while others read."""

    def __init__(self, at_once: int) -> None:
        self._turns = threading.Semaphore(at_once)

    def of(self, reads: Callable[[], Iterable[Read]], done: Callable[[], object] = lambda: None) -> Iterator[Read]:
        """The reads of one account, asked for when it is its turn. `done` is called when all are planned and the last has ended."""
        if not self._turns.acquire(blocking=False):
            yield PAUSE
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
