"""Charts as the templates draw them: shapes in a box of `WIDE` by `HIGH`, stretched by the browser; texts stand beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from api.filters import lasting
from worker.store.daily import Duration, DurationDay, Durations, EntityDay, RunDay

WIDE, HIGH = 600, 100
SHARE_OF_GAP = 0.25
"""Part of a day's width that stays empty between two bars."""

STATUSES = ("completed", "partial", "error", "cancelled")
"""Statuses of runs from the bottom of a bar up."""


class Bar(NamedTuple):
    """A day's bar, or the part of it that is the runs which ended in one status."""

    x: float
    y: float
    width: float
    height: float
    status: str
    title: str


class Bars(NamedTuple):
    """The chart of runs by day and status."""

    bars: list[Bar]
    days: list[RunDay]
    highest: int
    total: int
    statuses: list[str]
    """Statuses that occur in these days, for the legend."""


class DurationBars(NamedTuple):
    """The chart of the median duration of a run, by day; and the durations of each provider's runs, beside it as a table."""

    bars: list[Bar]
    days: list[DurationDay]
    whole: Duration
    providers: dict[str, Duration]


class Line(NamedTuple):
    """The chart of entities over time: the paths of the line and of the area below it."""

    line: str
    area: str
    days: list[EntityDay]
    lowest: int
    highest: int


def bars(days: Sequence[RunDay]) -> Bars | None:
    """The chart of runs by day; None when there were none."""
    highest = max((sum(day.runs.values()) for day in days), default=0)
    if not highest:
        return None
    drawn = [bar for number, day in enumerate(days) for bar in _stack(number * WIDE / len(days), WIDE / len(days), day, highest)]
    statuses = [status for status in STATUSES if any(day.runs.get(status) for day in days)]
    return Bars(drawn, list(days), highest, sum(sum(day.runs.values()) for day in days), statuses)


def _stack(x: float, width: float, day: RunDay, highest: int) -> list[Bar]:
    found, floor = [], float(HIGH)
    for status in STATUSES:
        if count := day.runs.get(status, 0):
            height = count * HIGH / highest
            floor -= height
            title = f"{day.day:%d %b}: {count} {status}"
            found.append(_bar(x, width, floor, height, status, title))
    return found


def durations(found: Durations) -> DurationBars | None:
    """The chart of how long runs took by day; None when none took any time."""
    highest = max((took.median for _, took in found.days if took), default=0.0)
    if found.whole is None or highest <= 0:
        return None
    width = WIDE / len(found.days)
    drawn = [
        _bar(at * width, width, HIGH - (high := took.median * HIGH / highest), high, "took", f"{day:%d %b}: {_said(took)}")
        for at, (day, took) in enumerate(found.days)
        if took
    ]
    return DurationBars(drawn, found.days, found.whole, found.providers)


def _said(took: Duration) -> str:
    return f"median {lasting(took.median)}, longest {lasting(took.longest)}"


def _bar(x: float, width: float, y: float, height: float, status: str, title: str) -> Bar:
    """A bar in the middle of its day's width, between the gaps."""
    return Bar(round(x + width * SHARE_OF_GAP / 2, 2), round(y, 2), round(width * (1 - SHARE_OF_GAP), 2), round(height, 2), status, title)


def line(days: Sequence[EntityDay]) -> Line | None:
    """The chart of entities by day, from zero up; None when there were none."""
    counts = [day.entities for day in days]
    highest = max(counts, default=0)
    if not highest:
        return None
    step = WIDE / max(len(days) - 1, 1)
    points = " L".join(f"{number * step:.2f} {HIGH - count * HIGH / highest:.2f}" for number, count in enumerate(counts))
    return Line(f"M{points}", f"M0 {HIGH} L{points} L{WIDE} {HIGH} z", list(days), min(counts), highest)
