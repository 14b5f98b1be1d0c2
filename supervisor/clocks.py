"""The clocks of a job, all monotonic. The first that runs out ends the job, with a cause of its own.

The causes: START for the start clock, TIMEOUT for the wall clock, IDLE for the idle clock, LOST for the lease.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from supervisor.loop import Loop, Timer
from supervisor.messages import Cause, Start

RECHECK = 1.0
"""Seconds until a job that showed no progress, but was busy, is checked again."""


class Clocks:
    """The four clocks of one job, which end it by calling ``end(cause, sentence)``."""

    def __init__(self, loop: Loop, start: Start, start_timeout: float, end: Callable[[Cause, str], None], busy: Callable[[], bool]) -> None:
        """`busy` is true when a job that shows no progress waits for its reader, or computes: then it is not idle."""
        self._loop, self._end, self._busy = loop, end, busy
        self._idle_limit = start.idle
        now = time.monotonic()
        self.progressed_at = now
        """Time of the last evidence of progress."""
        self.wall_at = now + start.wall
        """Time at which the wall clock runs out."""
        self._timers: dict[str, Timer] = {}
        self._set("start", now + start_timeout, lambda: end(Cause.START, f"the job's process was not ready within {start_timeout:g} s"))
        self._set("wall", self.wall_at, lambda: end(Cause.TIMEOUT, f"the job ran longer than its limit of {start.wall:g} s"))
        self._set("idle", now + start.idle, self._check_idle)
        if start.lease is not None:
            self.extend(start.lease)

    def ready(self) -> None:
        """Stops the start clock: READY has arrived."""
        self._timers.pop("start").cancel()
        self.progressed()

    def progressed(self) -> None:
        """Restarts the idle clock."""
        self.progressed_at = time.monotonic()

    def extend(self, lease: float) -> None:
        """Lets the lease run for `lease` seconds from now."""
        sentence = "the lease on the job could not be renewed in time, so that another worker may have it"
        self._set("lease", time.monotonic() + lease, lambda: self._end(Cause.LOST, sentence))

    def stop(self) -> None:
        """Stops all clocks of the job."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _set(self, name: str, when: float, call: Callable[[], None]) -> None:
        if name in self._timers:
            self._timers[name].cancel()
        self._timers[name] = self._loop.at(when, call)

    def _check_idle(self) -> None:
        """Ends an idle job; sets the timer again for one that has progressed since, or that is busy."""
        now, due = time.monotonic(), self.progressed_at + self._idle_limit
        if now < due:
            self._set("idle", due, self._check_idle)
        elif self._busy():
            self._set("idle", now + RECHECK, self._check_idle)
        else:
            self._end(Cause.IDLE, f"the job showed no progress for {self._idle_limit:g} s")
