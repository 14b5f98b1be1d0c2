"""Counts by day, for charts: how runs have ended, and how many entities there were. Days are those of UTC, the oldest first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, NamedTuple

from worker.store import statements
from worker.store.connection import Connection
from worker.store.query import rows


class RunDay(NamedTuple):
    """The runs that began on one day and have ended: status -> how many."""

    day: dt.date
    runs: dict[str, int]


class Duration(NamedTuple):
    """The seconds that runs took: all of them count that have ended, whatever their outcome."""

    runs: int
    average: float
    median: float
    """Up to 9 % beside the true one, as runs are counted by steps of duration."""
    longest: float


class DurationDay(NamedTuple):
    """The durations of the runs that began on one day; None when there were none."""

    day: dt.date
    took: Duration | None


class Durations(NamedTuple):
    """The durations of the runs of some days: of all together, of each day from the oldest on, and of each provider by its name."""

    whole: Duration | None
    days: list[DurationDay]
    providers: dict[str, Duration]


class EntityDay(NamedTuple):
    """The number of active entities at the end of one day; of today, now."""

    day: dt.date
    entities: int


def runs(connection: Connection, days: int) -> list[RunDay]:
    """The runs of the last days, today included."""
    counts: dict[dt.date, dict[str, int]] = {}
    for row in rows(connection, statements.get("runs_by_day"), {"days": days}):
        counts.setdefault(row["day"], {})[row["status"]] = row["runs"]
    return [RunDay(day, counts.get(day, {})) for day in _days(days)]


def durations(connection: Connection, days: int) -> Durations:
    """The durations of the runs of the last days, today included."""
    found = rows(connection, statements.get("run_durations"), {"days": days})
    by_day, by_provider = _each(found, "day"), _each(found, "provider")
    whole = [row for row in found if row["day"] is not None]
    return Durations(_duration(whole) if whole else None, [DurationDay(day, by_day.get(day)) for day in _days(days)], by_provider)


def _each(found: list[dict[str, Any]], column: str) -> dict[Any, Duration]:
    """The duration of the rows of each value of a column, in the order of the values; a row without a value is of none."""
    groups: dict[Any, list[dict[str, Any]]] = {}
    for row in (row for row in found if row[column] is not None):
        groups.setdefault(row[column], []).append(row)
    return {value: _duration(groups[value]) for value in sorted(groups)}


def _duration(found: list[dict[str, Any]]) -> Duration:
    """The duration that rows of steps make together. The median is the average of the step that holds it."""
    steps: dict[int, tuple[int, float]] = {}
    for row in found:
        runs, seconds = steps.get(row["step"], (0, 0.0))
        steps[row["step"]] = runs + row["runs"], seconds + row["seconds"]
    total = sum(runs for runs, _ in steps.values())
    middle = (_at(steps, (total - 1) // 2) + _at(steps, total // 2)) / 2
    return Duration(total, sum(seconds for _, seconds in steps.values()) / total, middle, max(row["longest"] for row in found))


def _at(steps: Mapping[int, tuple[int, float]], place: int) -> float:
    """The average of the step that holds the run at a place, from 0, when runs stand by how long they took."""
    for step in sorted(steps):
        runs, seconds = steps[step]
        if place < runs:
            return max(seconds / runs, 0.0)
        place -= runs
    raise ValueError(place)


def entities(connection: Connection, days: int, now: int) -> list[EntityDay]:
    """The active entities at the end of each of the last days, reckoned back from how many there are `now`."""
    changes = {row["day"]: row["change"] for row in rows(connection, statements.get("entities_by_day"), {"days": days})}
    found: list[EntityDay] = []
    for day in reversed(_days(days)):
        found.append(EntityDay(day, max(now, 0)))
        now -= changes.get(day, 0)
    return found[::-1]


def _days(count: int) -> list[dt.date]:
    today = dt.datetime.now(dt.UTC).date()
    return [today - dt.timedelta(days=before) for before in reversed(range(count))]
