"""The one retry policy: how often a source is asked again, and how long we wait in between."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Callable, Mapping

import tenacity

from providers.errors import Throttled, TimedOut

TRIES = 5

LONGEST_WAIT = 60.0
"""Seconds between two tries; a source that asks for more is asked again too soon, and then given up."""


RESERVE = 0.1
"""Share of a source's rate limit that is left to others: the limit is often that of a whole organization, its applications included."""


def retrying(tries: int = TRIES, again: Callable[[BaseException], bool] | None = None) -> tenacity.Retrying:
    """Tries again what `again` names (by default throttling and silence), waiting longer each time, and as long as the source asks."""
    return tenacity.Retrying(
        stop=tenacity.stop_after_attempt(tries),
        wait=_wait,
        retry=tenacity.retry_if_exception(again or (lambda error: isinstance(error, Throttled | TimedOut))),
        sleep=lambda seconds: wait(seconds),  # noqa: PLW0108 - looked up late, so that tests can do without waiting
        reraise=True,
    )


def wait(seconds: float) -> None:
    """Waits; the one place where we do."""
    time.sleep(seconds)


def asked_wait(headers: Mapping[str, str]) -> float:
    """Seconds that an answer (header names in lower case) asks us to wait; 0 when it does not say, or makes no sense."""
    asked = headers.get("retry-after", "")
    if asked.isdecimal():
        return float(asked[:9])
    if asked and (date := _seconds(asked)):
        return max(0.0, date - clock(headers))
    return window_left(headers)


def window_left(headers: Mapping[str, str]) -> float:
    """Seconds until a rate limit's window begins anew: ``X-Rate-Limit-Reset`` (Okta) is a time, ``RateLimit-Reset`` a number of seconds."""
    if (at := headers.get("x-rate-limit-reset", "")).isdecimal():
        return max(0.0, float(at[:12]) - clock(headers))
    seconds = headers.get("ratelimit-reset", "")
    return float(seconds[:9]) if seconds.isdecimal() else 0.0


def used_up(headers: Mapping[str, str]) -> bool:
    """Whether no more than the reserve is left of a rate limit; False when the answer does not say."""
    limit, left = (headers.get(f"x-rate-limit-{name}", headers.get(f"ratelimit-{name}", "")) for name in ("limit", "remaining"))
    return left.isdecimal() and int(left[:9]) <= (int(limit[:9]) * RESERVE if limit.isdecimal() else 0)


def clock(headers: Mapping[str, str]) -> float:
    """Seconds since 1970 by the source's own clock, where it shows it: its times are by that."""
    return _seconds(headers.get("date", "")) or time.time()


def _seconds(date: str) -> float | None:
    parsed = email.utils.parsedate_tz(date)
    return float(email.utils.mktime_tz(parsed)) if parsed else None


def _wait(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked: float = getattr(error, "wait", 0.0)
    growing: float = tenacity.wait_random_exponential(multiplier=0.5, max=LONGEST_WAIT)(state)
    return min(LONGEST_WAIT, max(asked, growing))
