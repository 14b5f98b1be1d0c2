"""The writer's numbers, as they go into its report. The set of series depends on providers and outcomes, never on jobs."""

from __future__ import annotations

import bisect
from typing import Any

SECONDS = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0)
"""Upper bounds of the duration buckets."""

Labels = tuple[tuple[str, str], ...]


class Metrics:
    """Counters, gauges and histograms. Used by the main thread only."""

    def __init__(self) -> None:
        self._counters: dict[tuple[str, Labels], float] = {}
        self._gauges: dict[tuple[str, Labels], float] = {}
        self._histograms: dict[tuple[str, Labels], list[float]] = {}

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        """Adds to a counter."""
        key = _key(name, labels)
        self._counters[key] = self._counters.get(key, 0) + amount

    def total(self, name: str, value: float, **labels: str) -> None:
        """Sets a counter that somebody else keeps; it only grows."""
        self._counters[_key(name, labels)] = value

    def set(self, name: str, value: float, **labels: str) -> None:
        """Sets a gauge."""
        self._gauges[_key(name, labels)] = value

    def observe(self, name: str, seconds: float, **labels: str) -> None:
        """Adds a duration to a histogram."""
        numbers = self._histograms.setdefault(_key(name, labels), [0.0] * (len(SECONDS) + 2))
        numbers[bisect.bisect_left(SECONDS, seconds)] += 1
        numbers[-1] += seconds

    def published(self) -> list[list[Any]]:
        """``[name, type, labels, value]`` for each series."""
        series = [[name, "counter", dict(labels), value] for (name, labels), value in self._counters.items()]
        series += [[name, "gauge", dict(labels), value] for (name, labels), value in self._gauges.items()]
        return series + [[name, "histogram", dict(labels), _histogram(numbers)] for (name, labels), numbers in self._histograms.items()]


def _key(name: str, labels: dict[str, str]) -> tuple[str, Labels]:
    return name, tuple(sorted(labels.items()))


def _histogram(numbers: list[float]) -> dict[str, Any]:
    counts, total = [], 0.0
    for number in numbers[: len(SECONDS)]:
        total += number
        counts.append(int(total))
    return {"buckets": list(SECONDS), "counts": counts, "sum": numbers[-1], "count": int(total + numbers[len(SECONDS)])}
