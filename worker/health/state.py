"""The published state, as a reader sees it: fresh, stale, or not there."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import msgspec

STALE = 5.0
"""Seconds without a beat after which the supervisor's loop is taken for stalled; it publishes every second."""

WRITER_STALE = 15.0
"""Seconds without a report after which the writer is taken for stalled."""


class Published:
    """Reads the file anew each time: it is small, and on tmpfs."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def read(self) -> dict[str, Any]:
        """The state; empty when there is none."""
        try:
            state: dict[str, Any] = msgspec.json.decode(self._path.read_bytes())
        except (OSError, msgspec.DecodeError):
            return {}
        return state


def age(state: dict[str, Any]) -> float:
    """Seconds since the supervisor's loop last turned; infinite without a state."""
    return time.monotonic() - float(state["beat"]) if "beat" in state else float("inf")


def trouble(state: dict[str, Any]) -> str:
    """Why the worker is not healthy, in a sentence; empty when it is. Says nothing of the database: that is `unready`."""
    if not state:
        return "the supervisor has published nothing yet"
    if age(state) > STALE:
        return f"the supervisor's loop has not turned for {age(state):.0f} s"
    return ""


def unready(state: dict[str, Any]) -> str:
    """Why the worker cannot do its work now; empty when it can."""
    found = trouble(state)
    if found:
        return found
    if state["draining"]:
        return "the worker is stopping"
    report = state.get("report")
    if not report or (state.get("report_age") or 0) + age(state) > WRITER_STALE:
        return "the writer does not report"
    if report["database"]["state"] == "down":
        return f"the database is out of reach: {report['database']['error']}"
    return ""
