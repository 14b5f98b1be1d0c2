"""Cron expressions: when a job that runs at set times of a day, week or month is due next.

`cronsim` reads them as Debian's cron does, summer time included: a time that does not exist runs at the next that does, one that exists
twice runs once. It is imported where it is used, as most jobs have an interval and it takes one to two megabytes.
"""

from __future__ import annotations

import difflib
import zoneinfo
from datetime import UTC, datetime

FIELDS, LONGEST = 5, 100
"""Fields of an expression (minute, hour, day of the month, month, day of the week) and its most characters."""


def next_time(expression: str, timezone: str, after: datetime) -> datetime:
    """The first time after that moment, in UTC. Raises `ValueError` for what is not an expression, never due, or not a time zone."""
    from cronsim import CronSim, CronSimError  # noqa: PLC0415 - see above

    if len(expression) > LONGEST:
        raise ValueError(f"a cron expression has at most {LONGEST} characters, and not {len(expression)}")
    if (fields := len(expression.split())) != FIELDS:
        raise ValueError(
            f"a cron expression has {FIELDS} fields, minute hour day month weekday, such as `0 3 * * *`; {expression!r} has {fields}"
        )
    try:
        return next(CronSim(expression, after.astimezone(zone(timezone)))).astimezone(UTC)
    except CronSimError as error:
        raise ValueError(f"the cron expression {expression!r} makes no sense: {str(error)[0].lower()}{str(error)[1:]}") from None
    except (StopIteration, OverflowError):
        raise ValueError(f"the cron expression {expression!r} is never due") from None


def zone(name: str) -> zoneinfo.ZoneInfo:
    """A time zone by its name in the tz database. Raises `ValueError`."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name is that of a folder, or too long for a file
        raise ValueError(f"there is no time zone {name[:100]!r}{_nearest(name)}") from None


def explained(expression: str) -> str:
    """An expression in words, such as ``At 03:00 every day``. Raises `ValueError`."""
    from cronsim import CronSim  # noqa: PLC0415 - see above

    next_time(expression, "UTC", datetime.now(UTC))
    return CronSim(expression, datetime.now(UTC)).explain()


def _nearest(name: str) -> str:
    """The name that comes nearest, as the end of a sentence."""
    names = {known.rpartition("/")[2].lower(): known for known in sorted(zoneinfo.available_timezones())}
    names |= {known.lower(): known for known in zoneinfo.available_timezones()}
    near = difflib.get_close_matches(name.lower().replace(" ", "_"), names, n=1)
    return f"; is {names[near[0]]} meant?" if near else "; its name is one such as Europe/Berlin or UTC"
