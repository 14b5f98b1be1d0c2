"""Template filters that format values: times, durations, numbers, JSON, keys."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import msgspec

from worker.run import cron

UNITS = (("d", 86400), ("h", 3600), ("min", 60))


def ago(moment: dt.datetime | None) -> str:
    """The time since a moment, or until it."""
    if moment is None:
        return "–"
    seconds = (dt.datetime.now(dt.UTC) - moment).total_seconds()
    if abs(seconds) < 10:
        return "just now" if seconds >= 0 else "at once"
    return f"{lasting(seconds)} ago" if seconds >= 0 else f"in {lasting(-seconds)}"


def lasting(seconds: float) -> str:
    """A duration in its largest fitting unit."""
    for unit, length in UNITS:
        if seconds >= 2 * length:
            return f"{seconds // length:.0f} {unit}"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def schedule(job: Mapping[str, Any]) -> str:
    """When a job runs, in words."""
    if job["schedule_interval"]:
        return f"every {lasting(job['schedule_interval'])}"
    if job["schedule_cron"] is None:
        return "on demand"
    try:
        words = cron.explained(job["schedule_cron"])
        return f"{words[0].lower()}{words[1:]}, {cron.zone(job['schedule_timezone']).key}"
    except ValueError as error:  # written by hand, past the API
        return f"never: {error}"


def waits(job: Mapping[str, Any]) -> bool:
    """True when a job waits for a worker, and not for its time."""
    due: dt.datetime | None = job["next_run_at"]
    return job["status"] == "pending" and due is not None and due <= dt.datetime.now(dt.UTC)


def number(value: int) -> str:
    """A number with thin spaces between thousands."""
    return f"{value:,}".replace(",", "\u202f")


def pretty(value: Any) -> str:
    """A value as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def short(value: Any) -> str:
    """A value as JSON on one line, cut to 120 characters."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= 120 else text[:119] + "…"


def label(text: str) -> str:
    """A snake_case or CamelCase key, written with spaces."""
    spaced = "".join(
        f" {letter}" if letter.isupper() and before.islower() else letter for before, letter in zip(" " + text, text, strict=False)
    )
    return spaced.replace("_", " ").strip()
