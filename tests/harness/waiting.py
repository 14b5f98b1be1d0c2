"""The one way in which a test waits: for a condition, never for a time, and not for ever."""

from __future__ import annotations

import http.client
import select
import time
from collections.abc import Callable
from typing import TypeVar

CAP = 60.0
"""Seconds."""

NO_ANSWER = (OSError, http.client.HTTPException)
"""What an HTTP client raises while a server is not there yet, or is killed in the middle of an answer."""

ValueT = TypeVar("ValueT")


def until(look: Callable[[], ValueT], what: str | Callable[[], str] = "", cap: float = CAP, pause: float = 0.02) -> ValueT:
    """The first true value of `look`. `what` is waited for, or tells, once it was in vain, what is there instead."""
    deadline = time.monotonic() + cap
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"waited {cap:g} s in vain: {what() if callable(what) else what}"
        select.select([], [], [], pause)
