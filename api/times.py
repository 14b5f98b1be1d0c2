"""Times as people give them in queries: a duration such as ``7d``, or a moment."""

from __future__ import annotations

import datetime as dt
import re

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def seconds(name: str, text: str) -> float:
    """The seconds of a duration such as ``7d``; `name` is the parameter's. Raises `ValueError`."""
    match = re.fullmatch(r"([0-9]{1,5})([smhd])", text)
    if match is None:
        raise ValueError(f"`{name}` is a number and a unit: 7d, 12h, 30m or 90s")
    return float(int(match[1]) * _UNITS[match[2]])


def moment(name: str, text: str) -> dt.datetime:
    """The moment that a text names: a duration before now, a date or a time (UTC where it names no zone). Raises `ValueError`."""
    if re.fullmatch(r"[0-9]+[a-z]", text):
        return dt.datetime.now(dt.UTC) - dt.timedelta(seconds=seconds(name, text))
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or not 1970 <= found.year < 9999:
        raise ValueError(f"`{name}` is a date, a time such as 2026-11-28T14:00:00Z, or a duration before now such as 24h or 7d")
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)
