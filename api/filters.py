"""Template filters that format values: times, durations, numbers, JSON, keys."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec

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
