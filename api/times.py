"""Times as people give them in queries: a duration such as ``7d``, or a moment."""

from __future__ import annotations

import datetime as dt
import re

from worker.config.durations import seconds


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
