"""Bodies and queries of requests about jobs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from api.endpoint import Paging
from api.job_models import JobStatus
from api.model import WRITTEN, bounds, length

MAX_RUNS = 1000
YEAR = 31_536_000

Name = Annotated[str, length(1, 200, WRITTEN)]
Queue = Annotated[str, length(1, 100, r"^[\w.-]+$")]
Interval = Annotated[int, bounds(60, YEAR)]
OrganizationId = Annotated[int, bounds(1, 2**63 - 1)]


class JobBody(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a request that creates a job."""

    name: Name
    provider: str
    config: dict[str, Any] = {}
    organization_id: OrganizationId | None = None
    description: str = ""
    schedule_interval: Interval | None = None
    """Seconds between two runs; null: on demand."""
    enabled: bool = True
    queue: Queue = "default"
    """Workers that serve this queue may run the job."""

    def __post_init__(self) -> None:
        """Rules that types cannot say."""
        _check(msgspec.structs.asdict(self))


class JobChanges(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The changes of a job; fields that are not named stay as they are. In `config`, null removes a key."""

    name: Name | UnsetType = UNSET
    provider: str | UnsetType = UNSET
    config: dict[str, Any] | UnsetType = UNSET
    organization_id: OrganizationId | UnsetType | None = UNSET
    description: str | UnsetType = UNSET
    schedule_interval: Interval | UnsetType | None = UNSET
    enabled: bool | UnsetType = UNSET
    queue: Queue | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Rules that types cannot say."""
        _check(msgspec.structs.asdict(self))


class JobFilters(Paging, frozen=True, kw_only=True):
    """Query of the list of jobs."""

    provider: str | None = None
    status: JobStatus | None = None


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


def _check(values: Mapping[str, Any]) -> None:
    """Raises `ValueError` for a name, interval or id that makes no sense."""
    name, interval, organization = (values.get(key) for key in ("name", "schedule_interval", "organization_id"))
    if isinstance(name, str) and not 0 < len(name.strip()) <= 200:
        raise ValueError("`name` must have 1 to 200 characters")
    if isinstance(interval, int) and not 60 <= interval <= YEAR:
        raise ValueError("`schedule_interval` is in seconds, from 60 to a year; leave it out for a job on demand")
    if isinstance(organization, int) and not 1 <= organization < 2**63:
        raise ValueError("`organization_id` is the id of an organization")
    queue = values.get("queue")
    if isinstance(queue, str) and not re.fullmatch(r"[\w.-]{1,100}", queue):
        raise ValueError("`queue` has 1 to 100 letters, digits, '.', '_' and '-'")
    if any(isinstance(value, str) and "\0" in value for value in values.values()):
        raise ValueError("a NUL has no place in a name or description")
