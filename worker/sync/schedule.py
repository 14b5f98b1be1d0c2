"""The schedule of connectors: each syncs at the start, then at its interval with jitter, sooner after a failure, and never twice at once.

The schedule is pure: its callers pass the time. Times are seconds on one monotonic clock.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator

import msgspec

JITTER = 0.05
"""Share of the interval by which a sync may come earlier or later, so that the connectors of many workers drift apart."""

RETRY_FIRST = 30.0
"""Seconds until the first retry; each further one waits twice as long, and never longer than the interval."""

FINAL_KINDS = frozenset({"config", "credentials"})
"""Errors that a retry cannot cure: the next try is at the next interval."""


class Connector(msgspec.Struct):
    """One connector, and when its next sync is due."""

    name: str
    interval: float
    next_at: float | None = None
    """None while a sync runs."""
    failures: int = 0
    """Failed syncs in a row."""

    @property
    def running(self) -> bool:
        """True while a sync of the connector runs."""
        return self.next_at is None


class Schedule:
    """The schedule of all connectors that are switched on."""

    def __init__(
        self,
        intervals: Iterable[tuple[str, float]],
        now: float,
        *,
        on_startup: bool = True,
        max_retries: int = 3,
        spread: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """`intervals` are (name, seconds); `max_retries` is how often a failed sync is tried again before its next interval."""
        self._max_retries, self._spread = max_retries, spread
        self._connectors = {name: Connector(name, interval) for name, interval in intervals}
        for connector in self._connectors.values():
            connector.next_at = now if on_startup else now + self._jittered(connector.interval)

    def __iter__(self) -> Iterator[Connector]:
        return iter(self._connectors.values())

    def due(self, now: float) -> list[Connector]:
        """The connectors that are due, the longest overdue first."""
        found = [connector for connector in self._connectors.values() if connector.next_at is not None and connector.next_at <= now]
        return sorted(found, key=lambda connector: connector.next_at or 0.0)

    def next_at(self) -> float | None:
        """The time of the next sync; None when all connectors sync at the moment."""
        return min((connector.next_at for connector in self._connectors.values() if connector.next_at is not None), default=None)

    def hasten(self, name: str, now: float) -> None:
        """Makes a connector due at once, unless it syncs at the moment."""
        connector = self._connectors[name]
        if connector.next_at is not None:
            connector.next_at = min(connector.next_at, now)

    def started(self, name: str) -> None:
        """Notes that a sync began: the connector is not due again until it has ended."""
        self._connectors[name].next_at = None

    def ended(self, name: str, now: float, *, ok: bool, error_kind: str = "") -> None:
        """Notes that a sync ended, and schedules the next one."""
        connector = self._connectors[name]
        connector.failures = 0 if ok else connector.failures + 1
        wait = self._jittered(connector.interval)
        if not ok and error_kind not in FINAL_KINDS and connector.failures <= self._max_retries:
            wait = min(wait, self._jittered(RETRY_FIRST * 2 ** (connector.failures - 1)))
        connector.next_at = now + wait

    def postponed(self, name: str, now: float, seconds: float = 5.0) -> None:
        """Notes that no process could be started: the sync is due again soon, and has not failed."""
        self._connectors[name].next_at = now + seconds

    def _jittered(self, seconds: float) -> float:
        return seconds * (1 + self._spread(-JITTER, JITTER))
