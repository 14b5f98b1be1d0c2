"""The one way in which a test waits: for a condition, never for a time, and not for ever."""

from __future__ import annotations

import http.client
import os
import select
import time
from collections.abc import Callable
from typing import TypeVar

CAP = 60.0
"""Seconds to wait on a machine that does nothing else."""

NO_ANSWER = (OSError, http.client.HTTPException)
"""What an HTTP client raises while a server is not there yet, or is killed in the middle of an answer."""

ValueT = TypeVar("ValueT")


def slowness() -> float:
    """The factor by which other work slows this machine down: the processes that want to run for each core, 1 to 8."""
    return min(max(os.getloadavg()[0] / (os.cpu_count() or 1), 1.0), 8.0)


def until(look: Callable[[], ValueT], what: str | Callable[[], str] = "", cap: float = CAP, pause: float = 0.02) -> ValueT:
    """The first true value of `look`. `what` is waited for, or tells, once it was in vain, what is there instead.

    `cap` is in seconds of a machine that does nothing else: a loaded one gets more.
    """
    began = time.monotonic()
    while True:
        found = look()
        if found:
            return found
        waited = time.monotonic() - began
        assert waited < cap or waited < cap * slowness(), f"waited {waited:.0f} s in vain: {what() if callable(what) else what}"
        select.select([], [], [], pause)
