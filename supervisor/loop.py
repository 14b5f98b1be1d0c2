"""The event loop: descriptors and timers, one thread, one monotonic clock."""

from __future__ import annotations

import heapq
import itertools
import selectors
import time
from collections.abc import Callable

Callback = Callable[[], None]

COMPACT_AT = 256
"""Number of timers from which on cancelled ones are removed from the heap."""


class Timer:
    """One call that the loop makes later."""

    __slots__ = ("call", "when")

    def __init__(self, when: float, call: Callback) -> None:
        self.when = when
        self.call: Callback | None = call

    def cancel(self) -> None:
        """Cancels the scheduled call."""
        self.call = None


class Loop:
    """Makes calls when a descriptor is ready or a time has come. A callback must not block."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._compact_at = COMPACT_AT
        self.worst_lag = 0.0
        """Seconds by which the latest of all timers was called too late, since it was last set to 0."""

    def at(self, when: float, call: Callback) -> Timer:
        """Schedules one call at `when`, on the monotonic clock."""
        timer = Timer(when, call)
        if len(self._timers) >= self._compact_at:
            self._remove_cancelled()
        heapq.heappush(self._timers, (when, next(self._order), timer))
        return timer

    def _remove_cancelled(self) -> None:
        """Removes cancelled timers: the clocks of a job that has ended may have hours to go."""
        self._timers = [entry for entry in self._timers if entry[2].call is not None]
        heapq.heapify(self._timers)
        self._compact_at = max(COMPACT_AT, 2 * len(self._timers))

    def after(self, seconds: float, call: Callback) -> Timer:
        """Schedules one call `seconds` from now."""
        return self.at(time.monotonic() + seconds, call)

    def every(self, seconds: float, call: Callback) -> None:
        """Schedules calls `seconds` apart, without end."""

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
        """Ends the watch of a descriptor, if there is one. To be called before the descriptor is closed."""
        if fd in self._selector.get_map():
            self._selector.unregister(fd)

    def run_once(self) -> None:
        """Waits for the next event or timer and makes the calls that are due."""
        timeout = max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None
        for key, _ in self._selector.select(timeout):
            watched = self._selector.get_map().get(key.fd)
            if watched is not None and watched.data == key.data:  # an earlier callback may have closed it, and its number may be reused
                key.data()
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            when, _, timer = heapq.heappop(self._timers)
            if timer.call is not None:
                self.worst_lag = max(self.worst_lag, now - when)
                timer.call()

    def close(self) -> None:
        """Closes the selector of the loop."""
        self._selector.close()
