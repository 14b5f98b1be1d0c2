"""Bodies and queries of requests about jobs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from api.job_models import JobStatus
from api.listing import ListQuery, sortable
from api.model import WRITTEN, Id, bounds, length
from worker.run import cron
from worker.store import jobs

MAX_RUNS = 1000
YEAR = 31_536_000

Name = Annotated[str, length(1, 200, WRITTEN)]
Queue = Annotated[str, length(1, 100, r"^[\w.-]+$")]
Interval = Annotated[int, bounds(60, YEAR)]
Times = Annotated[str, length(2 * cron.FIELDS - 1, cron.LONGEST)]


class JobBody(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a request that creates a job."""

    name: Name
    provider: str
    config: dict[str, Any] = {}
    organization_id: Id | None = None
    description: str = ""
    schedule_interval: Interval | None = None
    """Seconds between two runs; null: on demand, or by `schedule_cron`."""
    schedule_cron: Times | None = None
    """Times at which the job runs, in place of an interval: minute, hour, day of the month, month and day of the week, such as
    `30 3 * * MON-FRI`; read as Debian's cron does."""
    schedule_timezone: str = "UTC"
    """Time zone of `schedule_cron`, such as `Europe/Berlin`."""
    enabled: bool = True
    queue: Queue = "default"
    """Workers that serve this queue may run the job."""
    copy_of: Id | None = None
    """Id of a job of the same provider whose config this one begins with: what `config` leaves out is as there, secrets too."""

    def __post_init__(self) -> None:
        """Rules that types cannot say."""
        _check(msgspec.structs.asdict(self))


class JobChanges(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The changes of a job; fields that are not named stay as they are. In `config`, null removes a key."""

    name: Name | UnsetType = UNSET
    provider: str | UnsetType = UNSET
    config: dict[str, Any] | UnsetType = UNSET
    organization_id: Id | UnsetType | None = UNSET
    description: str | UnsetType = UNSET
    schedule_interval: Interval | UnsetType | None = UNSET
    """Seconds; takes the place of `schedule_cron`."""
    schedule_cron: Times | UnsetType | None = UNSET
    """Takes the place of `schedule_interval`."""
    schedule_timezone: str | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    queue: Queue | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Rules that types cannot say."""
        _check(msgspec.structs.asdict(self))


class JobFilters(ListQuery, frozen=True, kw_only=True):
    """Query of the list of jobs."""

    sortings = jobs.SORTINGS

    provider: str | None = None
    status: JobStatus | None = None
    enabled: bool | None = None
    """True: jobs that may run; false: those that are disabled."""
    organization_id: Id | None = None
    """Id of the organization, or of one above it."""
    q: str | None = None
    """A part of the name or of the description, in any case."""
    sort: Annotated[str, sortable(jobs.SORTINGS)] = "-id"


class RunLimit(msgspec.Struct, frozen=True, kw_only=True):
    """Query of the history: the number of the newest runs."""

    limit: Annotated[int, bounds(1, MAX_RUNS)] = 50

    def __post_init__(self) -> None:
        """The bounds of numbers."""
        if not 1 <= self.limit <= MAX_RUNS:
            raise ValueError(f"`limit` is from 1 to {MAX_RUNS}")


class Legacy(msgspec.Struct, frozen=True, kw_only=True):
    """The query of `/run`."""

    legacy: bool = False
    """True: the job is run beside the API, once, by a process of its own."""


def _check(values: Mapping[str, Any]) -> None:
    """Raises `ValueError` for a name, interval or id that makes no sense."""
    name, interval = values.get("name"), values.get("schedule_interval")
    if isinstance(name, str) and not 0 < len(name.strip()) <= 200:
        raise ValueError("`name` must have 1 to 200 characters")
    if isinstance(interval, int) and not 60 <= interval <= YEAR:
        raise ValueError("`schedule_interval` is in seconds, from 60 to a year; leave it out for a job on demand")
    for key, what in (("organization_id", "an organization"), ("copy_of", "a job")):
        number = values.get(key)
        if isinstance(number, int) and not 1 <= number < 2**63:
            raise ValueError(f"`{key}` is the id of {what}")
    queue = values.get("queue")
    if isinstance(queue, str) and not re.fullmatch(r"[\w.-]{1,100}", queue):
        raise ValueError("`queue` has 1 to 100 letters, digits, '.', '_' and '-'")
    _check_times(values)
    if any(isinstance(value, str) and "\0" in value for value in values.values()):
        raise ValueError("a NUL has no place in a name or description")


def _check_times(values: Mapping[str, Any]) -> None:
    """Raises `ValueError` for two schedules at once, an expression that makes no sense, or a time zone that does not exist."""
    expression, timezone = values.get("schedule_cron"), values.get("schedule_timezone")
    if expression and values.get("schedule_interval"):
        raise ValueError("a job has `schedule_interval` or `schedule_cron`, and not both")
    if isinstance(expression, str):
        cron.next_time(expression, "UTC", datetime.now(UTC))
    if isinstance(timezone, str):
        cron.zone(timezone)
