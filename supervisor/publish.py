"""The published state: one JSON file, replaced atomically, so that a reader sees either the old whole or the new whole."""

from __future__ import annotations

import contextlib
import os
import tempfile
from typing import Any

import msgspec

DURATIONS = (0.5, 1, 5, 15, 60, 300, 900, 3600, 14400)
LATENCIES = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Histogram buckets in seconds."""

Labels = tuple[tuple[str, str], ...]


class Metrics:
    """Counters, gauges and histograms. The set of series depends on labels of few values, never on the number of jobs."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str, Labels], float] = {}
        self._histograms: dict[tuple[str, Labels], tuple[tuple[float, ...], list[int], list[float]]] = {}

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        """Adds to a counter."""
        key = ("counter", name, tuple(labels.items()))
        self._numbers[key] = self._numbers.get(key, 0) + amount

    def set(self, name: str, value: float, **labels: str) -> None:
        """Sets a gauge."""
        self._numbers["gauge", name, tuple(labels.items())] = value

    def observe(self, name: str, value: float, buckets: tuple[float, ...], **labels: str) -> None:
        """Adds an observation to a histogram."""
        _, counts, total = self._histograms.setdefault((name, tuple(labels.items())), (buckets, [0] * (len(buckets) + 1), [0.0]))
        counts[-1] += 1
        total[0] += value
        for index, bound in enumerate(buckets):
            counts[index] += value <= bound

    def export(self) -> list[tuple[str, str, dict[str, str], Any]]:
        """``[name, type, labels, value]`` for each series."""
        numbers = [(name, kind, dict(labels), value) for (kind, name, labels), value in self._numbers.items()]
        histograms = [
            (name, "histogram", dict(labels), {"buckets": buckets, "counts": counts[:-1], "count": counts[-1], "sum": total[0]})
            for (name, labels), (buckets, counts, total) in self._histograms.items()
        ]
        return [*numbers, *histograms]


def publish(path: str, state: dict[str, Any]) -> None:
    """Replaces the file at `path`. Raises `OSError`."""
    data = msgspec.json.encode(state)
    fd, temporary = tempfile.mkstemp(prefix=".state-", dir=os.path.dirname(path))
    try:
        with open(fd, "wb") as file:
            file.write(data)
            os.fchmod(fd, 0o644)
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
