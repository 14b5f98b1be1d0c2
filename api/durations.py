"""The durations of runs over HTTP: median, average and longest, by day and by provider."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import msgspec

from api.context import Context
from api.endpoint import Endpoint
from api.model import ApiModel, bounds
from worker.store import daily

MOST_DAYS = 366


class DurationsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Query of the durations of runs."""

    days: Annotated[int, bounds(1, MOST_DAYS)] = 30
    """Number of days, the last of which is today, in UTC."""

    def __post_init__(self) -> None:
        """Bounds, as a `ValueError`."""
        if not 1 <= self.days <= MOST_DAYS:
            raise ValueError(f"`days` is from 1 to {MOST_DAYS}")


class Duration(ApiModel, frozen=True, kw_only=True):
    """The seconds that runs took, of all that have ended, whatever their outcome."""

    runs: int
    """Number of runs that have ended."""
    average: float
    """Seconds that a run took on average."""
    median: float
    """Seconds that half of the runs took at most; up to 9 % beside the true ones, as runs are counted by steps of duration."""
    longest: float
    """Seconds of the longest run."""


class DurationOfDay(Duration, frozen=True, kw_only=True):
    """The durations of the runs that began on one day."""

    day: dt.date
    """Day in UTC on which they began."""


class DurationOfProvider(Duration, frozen=True, kw_only=True):
    """The durations of the runs of one provider's jobs."""

    provider: str


class RunDurations(ApiModel, frozen=True, kw_only=True):
    """The durations of the runs of some days."""

    whole: Duration | None
    """Durations of all runs of these days; null when there were none."""
    days: list[DurationOfDay]
    """Days with runs, the oldest first."""
    providers: list[DurationOfProvider]
    """Providers with runs, by name."""


def show_durations(context: Context, query: DurationsQuery, body: Any) -> dict[str, Any]:
    """Returns how long the runs of all jobs took."""
    with context.pool.reading() as connection:
        found = daily.durations(connection, query.days)
    return {
        "whole": found.whole and found.whole._asdict(),
        "days": [{"day": day, **took._asdict()} for day, took in found.days if took],
        "providers": [{"provider": provider, **took._asdict()} for provider, took in found.providers.items()],
    }


ENDPOINTS = (
    Endpoint(
        "GET",
        "/runs/durations",
        "How long runs took: median, average and longest, by day and by provider",
        show_durations,
        query=DurationsQuery,
        answer=RunDurations,
        role="read",
    ),
)
