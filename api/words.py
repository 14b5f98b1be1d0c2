"""How values are put for people: times, sizes, what an entity's attributes hold."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec

UNITS = (("d", 86400), ("h", 3600), ("min", 60))


def ago(moment: dt.datetime | None) -> str:
    """How long ago, or how long until then."""
    if moment is None:
        return "–"
    seconds = (dt.datetime.now(dt.UTC) - moment).total_seconds()
    if abs(seconds) < 10:
        return "just now" if seconds >= 0 else "at once"
    return f"{lasting(seconds)} ago" if seconds >= 0 else f"in {lasting(-seconds)}"


def lasting(seconds: float) -> str:
    """A duration in the largest unit that says something."""
    for unit, length in UNITS:
        if seconds >= 2 * length:
            return f"{seconds // length:.0f} {unit}"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def number(value: int) -> str:
    """With thin spaces between thousands."""
    return f"{value:,}".replace(",", "\u202f")


def pretty(value: Any) -> str:
    """JSON for reading."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def short(value: Any) -> str:
    """JSON on one line, cut where it gets long."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= 120 else text[:119] + "…"


def title(text: str) -> str:
    """A snake_case or CamelCase key as words."""
    words = "".join(
        f" {letter}" if letter.isupper() and before.islower() else letter for before, letter in zip(" " + text, text, strict=False)
    )
    return words.replace("_", " ").strip()
