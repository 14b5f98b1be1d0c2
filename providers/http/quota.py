"""Rate limits as a source's answers give them, and the wait before a request whose quota is nearly used up.

==========================================  ==================================================================
``Retry-After``                             seconds or a date (RFC 9110); some send parts of a second
``Retry-After-Ms``, ``x-ms-retry-after-ms`` Azure; milliseconds
``RateLimit-Limit/-Remaining/-Reset``       the drafts of the IETF; the reset is a number of seconds
``X-Rate-Limit-Limit/-Remaining/-Reset``    Okta; the reset is a time by the source's clock
``x-ms-user-quota-remaining/-resets-after`` Azure Resource Graph; the reset is ``hh:mm:ss`` from now
``x-ms-ratelimit-remaining-*-reads``        Azure Resource Manager: a bucket that is refilled steadily; no reset is given
==========================================  ==================================================================
"""

from __future__ import annotations

import email.utils
import re
import threading
import time
from collections.abc import Callable, Mapping

RESERVE = 0.1
"""Share of a source's rate limit that is left to others: the limit is often that of a whole organization, its applications included."""

BUCKET_RESERVE = 25
"""Reads that are left to others of Azure Resource Manager's bucket of 250 for each subscription."""

BUCKET_REFILL = 1.0
"""Seconds in which that bucket gains as many reads."""

_CLOCK_SPAN = re.compile(r"(?:(\d{1,4})\.)?(\d{1,2}):(\d{2}):(\d{2})(?:\.\d+)?")
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
_BUCKETS = ("subscription-reads", "subscription-global-reads", "tenant-reads")


def asked_wait(headers: Mapping[str, str]) -> float:
    """Seconds that an answer (header names in lower case) asks us to wait; 0 when it does not say, or makes no sense."""
    asked = headers.get("retry-after", "").strip()
    if _NUMBER.fullmatch(asked):
        return float(asked[:9])
    if asked and (date := _seconds(asked)):
        return max(0.0, date - clock(headers))
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        if _NUMBER.fullmatch(asked := headers.get(name, "").strip()):
            return float(asked[:12]) / 1000
    return window_left(headers)


def window_left(headers: Mapping[str, str]) -> float:
    """Seconds until the window of a rate limit begins anew; 0 when the answer does not say."""
    if (at := headers.get("x-rate-limit-reset", "")).isdecimal():
        return max(0.0, float(at[:12]) - clock(headers))
    if span := _CLOCK_SPAN.fullmatch(headers.get("x-ms-user-quota-resets-after", "").strip()):
        days, hours, minutes, seconds = (int(part or 0) for part in span.groups())
        return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
    seconds_left = headers.get("ratelimit-reset", "")
    if seconds_left.isdecimal():
        return float(seconds_left[:9])
    return BUCKET_REFILL if _bucket_low(headers) else 0.0


def used_up(headers: Mapping[str, str]) -> bool:
    """True when no more than the reserve is left of a rate limit; False when the answer does not say."""
    limit, left = (headers.get(f"x-rate-limit-{name}", headers.get(f"ratelimit-{name}", "")) for name in ("limit", "remaining"))
    if left.isdecimal():
        return int(left[:9]) <= (int(limit[:9]) * RESERVE if limit.isdecimal() else 0)
    return headers.get("x-ms-user-quota-remaining", "").strip() == "0" or _bucket_low(headers)


def _bucket_low(headers: Mapping[str, str]) -> bool:
    left = [text for name in _BUCKETS if (text := headers.get(f"x-ms-ratelimit-remaining-{name}", "")).isdecimal()]
    return any(int(text[:9]) <= BUCKET_RESERVE for text in left)


def clock(headers: Mapping[str, str]) -> float:
    """Seconds since 1970 by the source's own clock, where it shows it: its times are by that."""
    return _seconds(headers.get("date", "")) or time.time()


def _seconds(date: str) -> float | None:
    """The time of a date, in seconds since 1970; None for a text that is not a date, or one of no calendar."""
    parsed = email.utils.parsedate_tz(date)
    try:
        return float(email.utils.mktime_tz(parsed)) if parsed else None
    except (ValueError, OverflowError):
        return None


class Pace:
    """Waits before a request when little is left of its quota. Requests of one quota slow down together, those of others go on."""

    def __init__(self, pause: Callable[[float, str], None], longest: float) -> None:
        """`pause` waits for a number of seconds and is told what for; `longest` bounds each wait."""
        self._until: dict[str, float] = {}
        self._lock = threading.Lock()
        self._pause, self._longest = pause, longest

    def keep(self, quota: str) -> None:
        """Waits until the window of the quota begins anew, if it is used up."""
        with self._lock:
            seconds = self._until.get(quota, 0.0) - time.monotonic()
        if seconds > 0:
            self._pause(seconds, f"the quota '{quota or 'of the source'}' is nearly used up")

    def learn(self, quota: str, headers: Mapping[str, str]) -> None:
        """Reads what an answer says about the quota."""
        if used_up(headers):
            until = time.monotonic() + min(self._longest, window_left(headers))
            with self._lock:
                self._until[quota] = max(self._until.get(quota, 0.0), until)
