"""Counters, gauges and histograms, and the series that messages name. What a name or a label means is for those who choose it."""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from typing import Any

import msgspec

BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0)
"""Upper bounds of every histogram, in seconds: from the time it takes to kill a process to the longest run."""

Labels = tuple[tuple[str, str], ...]
Key = tuple[str, Labels]


class Series(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A metric's name and labels."""

    name: str
    labels: dict[str, str] = {}


class Increment(Series, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An amount to be added to a counter."""

    amount: float = 1


class Metrics:
    """All series of one process. Not thread-safe. Labels must have few values: the set of series may not grow with the number of jobs."""

    def __init__(self) -> None:
        self._counters: dict[Key, float] = {}
        self._gauges: dict[Key, float] = {}
        self._histograms: dict[Key, list[float]] = {}

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        """Adds to a counter."""
        self._increase(_key(name, labels), amount)

    def add(self, increments: Iterable[Increment]) -> None:
        """Adds to counters whatever their names are."""
        for increment in increments:
            self._increase(_key(increment.name, increment.labels), increment.amount)

    def _increase(self, key: Key, amount: float) -> None:
        self._counters[key] = self._counters.get(key, 0) + amount

    def total(self, name: str, value: float, **labels: str) -> None:
        """Sets a counter to a total that is kept elsewhere and never falls."""
        self._counters[_key(name, labels)] = value

    def set(self, name: str, value: float, **labels: str) -> None:
        """Sets a gauge to a value."""
        self._gauges[_key(name, labels)] = value

    def observe(self, name: str, seconds: float, **labels: str) -> None:
        """Adds a duration to a histogram."""
        self.observe_series(Series(name, labels), seconds)

    def observe_series(self, series: Series, seconds: float) -> None:
        """Adds a duration to a histogram whatever its name is."""
        numbers = self._histograms.setdefault(_key(series.name, series.labels), [0.0] * (len(BUCKETS) + 2))
        numbers[bisect.bisect_left(BUCKETS, seconds)] += 1
        numbers[-1] += seconds

    def samples(self) -> list[tuple[str, str, dict[str, str], Any]]:
        """``[name, type, labels, value]`` for each series, as published."""
        families = (("counter", self._counters), ("gauge", self._gauges))
        numbers = [(name, kind, dict(labels), value) for kind, series in families for (name, labels), value in series.items()]
        return numbers + [(name, "histogram", dict(labels), _histogram(numbers)) for (name, labels), numbers in self._histograms.items()]


def _key(name: str, labels: dict[str, str]) -> Key:
    return name, tuple(sorted(labels.items()))


def _histogram(numbers: list[float]) -> dict[str, Any]:
    counts, total = [], 0.0
    for number in numbers[: len(BUCKETS)]:
        total += number
        counts.append(int(total))
    return {"buckets": list(BUCKETS), "counts": counts, "sum": numbers[-1], "count": int(total + numbers[len(BUCKETS)])}
