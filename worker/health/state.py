"""The published state as the health endpoints read it: its age, and why the worker is unhealthy or not ready."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from supervisor.published import PublishedState

STALE = 5.0
"""Seconds after which the supervisor's loop counts as stalled; it publishes the state every second."""

WRITER_STALE = 15.0
"""Seconds without a report after which the writer counts as stalled."""


def read(fd: int) -> dict[str, Any]:
    """The state that was published last; empty when there is none."""
    data = PublishedState(fd).read()
    state: dict[str, Any] = msgspec.json.decode(data) if data else {}
    return state


def age(state: dict[str, Any]) -> float:
    """Seconds since the supervisor's loop published the state; infinite without a state."""
    return time.monotonic() - float(state["beat"]) if "beat" in state else float("inf")


def unhealthy(state: dict[str, Any]) -> str:
    """Why the worker is not healthy, in a sentence; empty when it is. Says nothing of the database: that is `unready`."""
    if not state:
        return "the supervisor has published nothing yet"
    if age(state) > STALE:
        return f"the supervisor's loop has not turned for {age(state):.0f} s"
    return ""


def unready(state: dict[str, Any]) -> str:
    """Why the worker cannot do its work now, in a sentence; empty when it can."""
    problem = unhealthy(state)
    if problem:
        return problem
    if state["draining"]:
        return "the worker is stopping"
    if state["spawn_problem"]:
        return f"the worker cannot start processes: {state['spawn_problem']}"
    report = state.get("report")
    if not report or (state.get("report_age") or 0) + age(state) > WRITER_STALE:
        return "the writer does not report"
    if report["database"]["state"] == "down":
        return f"the database is out of reach: {report['database']['error']}"
    return ""
