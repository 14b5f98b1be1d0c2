"""The clocks of a job, all monotonic: start, wall, idle and lease. The first that runs out ends it, with its own name."""

from __future__ import annotations

import time
from collections.abc import Callable

from supervisor.loop import Loop, Timer
from supervisor.messages import Cause, Start

RECHECK = 1.0
"""Seconds after which a job that seemed idle, but was excused, is looked at again."""


class Clocks:
    """Ends a job by calling ``end(cause, sentence)``."""

    def __init__(
        self, loop: Loop, start: Start, start_timeout: float, end: Callable[[Cause, str], None], excused: Callable[[], bool]
    ) -> None:
        """`excused` says whether a job that shows no progress has a good reason: it waits for its reader, or it computes."""
        self._loop, self._end, self._excused = loop, end, excused
        self._idle_limit = start.idle
        now = time.monotonic()
        self.moved_at = now
        """Time of the last evidence of progress."""
        self.wall_at = now + start.wall
        """Time at which the wall clock runs out."""
        self._timers: dict[str, Timer] = {}
        self._set("start", now + start_timeout, lambda: end(Cause.START, f"the job's process was not ready within {start_timeout:g} s"))
        self._set("wall", self.wall_at, lambda: end(Cause.TIMEOUT, f"the job ran longer than its limit of {start.wall:g} s"))
        self._set("idle", now + start.idle, self._look)
        if start.lease is not None:
            self.extend(start.lease)

    def ready(self) -> None:
        """The job has started."""
        self._timers.pop("start").cancel()
        self.moved()

    def moved(self) -> None:
        """Evidence of progress."""
        self.moved_at = time.monotonic()

    def extend(self, lease: float) -> None:
        """The lease holds for `lease` more seconds."""
        sentence = "the lease on the job could not be renewed in time, so that another worker may have it"
        self._set("lease", time.monotonic() + lease, lambda: self._end(Cause.LOST, sentence))

    def stop(self) -> None:
        """No clock ends it any more."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _set(self, name: str, when: float, call: Callable[[], None]) -> None:
        if name in self._timers:
            self._timers[name].cancel()
        self._timers[name] = self._loop.at(when, call)

    def _look(self) -> None:
        """Has it moved since the timer was set, or does it only seem to be idle?"""
        now, due = time.monotonic(), self.moved_at + self._idle_limit
        if now < due:
            self._set("idle", due, self._look)
        elif self._excused():
            self._set("idle", now + RECHECK, self._look)
        else:
            self._end(Cause.IDLE, f"the job showed no progress for {self._idle_limit:g} s")
