"""Threads that share work: values computed once, and so many accounts read at once."""

from __future__ import annotations

import collections
import concurrent.futures
import functools
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Generic, TypeVar

import msgspec

from providers.provider import PAUSE, Read

ItemT = TypeVar("ItemT")
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

    def __init__(
        self, kept: tuple[type[Exception], ...] = (), most: int | None = None, drop: Callable[[ValueT], object] = lambda _: None
    ) -> None:
        """`most` is how many values are kept, those that were used last; without, all are. `drop` gets each that is kept no longer."""
        self._lock, self._kept, self._most, self._drop = threading.Lock(), kept, most, drop
        self._by_key: dict[KeyT, Once[ValueT]] = {}

    def get(self, key: KeyT, compute: Callable[[], ValueT]) -> ValueT:
        """The value of a key. Raises what `compute` raises."""
        with self._lock:
            once = self._by_key.pop(key) if key in self._by_key else Once(self._kept)
            self._by_key[key] = once  # the dict's last key is the last used
            is_full = self._most is not None and len(self._by_key) > self._most
            oldest = self._by_key.pop(next(iter(self._by_key))) if is_full else None
        for value in oldest.computed() if oldest else ():
            self._drop(value)
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


TOGETHER = 1.0
"""Seconds for which plans wait for each other, so that their reads are in turn from the first one on."""


def ahead(pool: concurrent.futures.Executor, compute: Callable[[ItemT], ValueT], items: Iterable[ItemT], width: int) -> Iterator[ValueT]:
    """The values for items, in the order of the items; the pool computes up to `width` of them ahead. Raises what `compute` raises."""
    begun: collections.deque[concurrent.futures.Future[ValueT]] = collections.deque()
    try:
        for item in items:
            begun.append(pool.submit(compute, item))
            if len(begun) >= width:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
    finally:
        for future in begun:
            future.cancel()


def interleaved(now: Iterable[Iterator[Read]], later: Iterable[concurrent.futures.Future[Iterator[Read]]] = ()) -> Iterator[Read]:
    """The reads of the plans in `now`, one of each in turn, then those of the plans that are still being made, one of each in turn.

    Plans that are there soon after the first of them begin together; one that takes longer joins when it is there.
    """
    plans, waiting = collections.deque(now), set(later)
    while plans:
        yield from _round(plans)
    if waiting:
        yield PAUSE
        concurrent.futures.wait(waiting, None, concurrent.futures.FIRST_COMPLETED)
        concurrent.futures.wait(waiting, TOGETHER)
    while plans or waiting:
        if not plans:
            yield PAUSE
        done, waiting = concurrent.futures.wait(waiting, 0 if plans else None, concurrent.futures.FIRST_COMPLETED)
        plans.extend(future.result() for future in done)
        yield from _round(plans)


def _round(plans: collections.deque[Iterator[Read]]) -> Iterator[Read]:
    """One read of each plan; a plan that is at its end is left out."""
    for _ in range(len(plans)):
        plan = plans.popleft()
        read = next(plan, None)
        if read is not None:
            yield read
            plans.append(plan)


class Turns:
    """So many accounts at once, for the thread that plans: it waits here while others read."""

    def __init__(self, at_once: int) -> None:
        self._turns = threading.Semaphore(at_once)

    def of(self, reads: Callable[[], Iterable[Read]], done: Callable[[], object] = lambda: None) -> Iterator[Read]:
        """The reads of one account, asked for when it is its turn. `done` is called when all are planned and the last has ended."""
        if not self._turns.acquire(blocking=False):
            yield PAUSE
            self._turns.acquire()
        yield from self._counted(reads, done)

    def interleaved(self, accounts: Iterable[tuple[Callable[[], Iterable[Read]], Callable[[], object]]]) -> Iterator[Read]:
        """The reads of all accounts (each as its reads and what is done at its end), one of each in turn, as many accounts as may be."""
        waiting, open_ = iter(accounts), collections.deque[Iterator[Read]]()
        more = True
        while more or open_:
            while more and self._turns.acquire(blocking=False):
                account = next(waiting, None)
                more = account is not None
                if account is None:
                    self._turns.release()
                else:
                    open_.append(self._counted(*account))
            if not open_ and more:
                yield PAUSE
                self._turns.acquire()
                self._turns.release()
            yield from _round(open_)

    def _counted(self, reads: Callable[[], Iterable[Read]], done: Callable[[], object]) -> Iterator[Read]:
        """The reads of an account that has its turn, which ends with the last of them."""
        open_ends = _OpenEnds(functools.partial(self._finished, done))
        try:
            for read in reads():
                if read is PAUSE:
                    yield PAUSE
                    continue
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
    """The unfinished work of an account: its reads, and at first its planning."""

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
