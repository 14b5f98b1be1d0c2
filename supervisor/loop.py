"""The loop: descriptors and timers, one thread, one monotonic clock."""

from __future__ import annotations

import heapq
import itertools
import selectors
import time
from collections.abc import Callable

Callback = Callable[[], None]

CROWD = 256
"""Timers from which on it is worth looking for those that were cancelled."""


class Timer:
    """A call to come; `cancel` forgets it."""

    __slots__ = ("call", "when")

    def __init__(self, when: float, call: Callback) -> None:
        self.when = when
        self.call: Callback | None = call

    def cancel(self) -> None:
        """Forgets the call."""
        self.call = None


class Loop:
    """Calls back when a descriptor is ready or a time has come. A callback must not block."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._crowd = CROWD
        self.worst_lag = 0.0
        """Seconds by which the latest of all timers was called too late, since it was last set to 0."""

    def at(self, when: float, call: Callback) -> Timer:
        """Calls once at `when` (monotonic)."""
        timer = Timer(when, call)
        if len(self._timers) >= self._crowd:
            self._forget_cancelled()
        heapq.heappush(self._timers, (when, next(self._order), timer))
        return timer

    def _forget_cancelled(self) -> None:
        """A job's clocks may have an hour to go when it ends: what was cancelled is not kept until then."""
        self._timers = [entry for entry in self._timers if entry[2].call is not None]
        heapq.heapify(self._timers)
        self._crowd = max(CROWD, 2 * len(self._timers))

    def after(self, seconds: float, call: Callback) -> Timer:
        """Calls once, `seconds` from now."""
        return self.at(time.monotonic() + seconds, call)

    def every(self, seconds: float, call: Callback) -> None:
        """Calls for ever, `seconds` apart."""

        def again() -> None:
            self.after(seconds, again)
            call()

        self.after(seconds, again)

    def watch(self, fd: int, call: Callback, events: int = selectors.EVENT_READ) -> None:
        """Calls whenever the descriptor is ready; replaces an earlier watch of it."""
        if fd in self._selector.get_map():
            self._selector.modify(fd, events, call)
        else:
            self._selector.register(fd, events, call)

    def forget(self, fd: int) -> None:
        """Ends a watch, if there is one. Call it before the descriptor is closed."""
        if fd in self._selector.get_map():
            self._selector.unregister(fd)

    def turn(self) -> None:
        """One turn: waits for the next event or timer and makes the calls that are due."""
        timeout = max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None
        for key, _ in self._selector.select(timeout):
            watched = self._selector.get_map().get(key.fd)
            if watched is not None and watched.data == key.data:  # an earlier callback may have closed it, and its number be another's
                key.data()
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            when, _, timer = heapq.heappop(self._timers)
            if timer.call is not None:
                self.worst_lag = max(self.worst_lag, now - when)
                timer.call()

    def close(self) -> None:
        """Closes the selector."""
        self._selector.close()
