"""Periodic tasks of a loop: when each is due next."""

from __future__ import annotations

import time


class PeriodicTasks:
    """Periodic tasks by name, each with its own interval; every task is due at first."""

    def __init__(self) -> None:
        self._at: dict[str, float] = {}

    def due(self, name: str, seconds: float) -> bool:
        """True when the task is due; the next time is then `seconds` from now."""
        now = time.monotonic()
        if self._at.get(name, 0.0) > now:
            return False
        self._at[name] = now + seconds
        return True

    def soon(self, name: str, seconds: float) -> None:
        """Makes a task due in so many seconds."""
        self._at[name] = time.monotonic() + seconds

    def now(self, name: str) -> None:
        """Makes a task due now."""
        self._at[name] = 0.0

    def seconds_left(self) -> float:
        """Seconds until the first task is due."""
        return max(0.0, min(self._at.values(), default=0.0) - time.monotonic())
