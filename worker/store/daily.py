"""Counts by day, for charts: how runs have ended, and how many entities there were. Days are those of UTC, the oldest first."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from worker.store import statements
from worker.store.connection import Connection
from worker.store.query import rows


class RunDay(NamedTuple):
    """The runs that began on one day and have ended: status -> how many, and the seconds that one took on average."""

    day: dt.date
    runs: dict[str, int]
    seconds: float


class EntityDay(NamedTuple):
    """The number of active entities at the end of one day; of today, now."""

    day: dt.date
    entities: int


def runs(connection: Connection, days: int) -> list[RunDay]:
    """The runs of the last days, today included."""
    counts: dict[dt.date, dict[str, int]] = {}
    seconds: dict[dt.date, float] = {}
    for row in rows(connection, statements.get("runs_by_day"), {"days": days}):
        counts.setdefault(row["day"], {})[row["status"]] = row["runs"]
        seconds[row["day"]] = seconds.get(row["day"], 0.0) + row["seconds"]
    return [RunDay(day, found := counts.get(day, {}), seconds.get(day, 0.0) / max(sum(found.values()), 1)) for day in _days(days)]


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
