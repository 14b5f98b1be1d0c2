"""The one retry policy: how often a source is asked again, and how long we wait in between."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NoReturn

import structlog
import tenacity

from providers.errors import ProviderError, Throttled, TimedOut

TRIES = 5
"""Number of attempts before a request's failure is final."""

LONGEST_WAIT = 60.0
"""Seconds between two tries. A source that asks for more is asked again too soon, and then given up as throttled."""

LOGGED_WAIT = 10.0
"""Seconds of waiting above which a log line says so."""

_log = structlog.get_logger("providers.http")


def retrying(tries: int = TRIES, again: Callable[[BaseException], bool] | None = None, source: str = "") -> tenacity.Retrying:
    """Tries again what `again` names (by default throttling and silence), waiting longer each time, and as long as the source asks.

    `source` is its name in the log line of a long wait.
    """
    return tenacity.Retrying(
        stop=tenacity.stop_after_attempt(tries),
        wait=_wait,
        retry=tenacity.retry_if_exception(again or (lambda error: isinstance(error, Throttled | TimedOut))),
        before_sleep=lambda state: _tell(state, source),
        retry_error_callback=_give_up,
        sleep=lambda seconds: wait(seconds),  # noqa: PLW0108 - looked up late, so that tests can do without waiting
    )


def wait(seconds: float) -> None:
    """Waits; the one place where a source is waited for."""
    time.sleep(seconds)


def pause(seconds: float, why: str, source: str = "") -> None:
    """Waits, with a log line when it takes longer than `LOGGED_WAIT`."""
    tell(seconds, why, source)
    wait(seconds)


def tell(seconds: float, why: str, source: str = "") -> None:
    """Logs that a source is waited for, when it takes longer than `LOGGED_WAIT`."""
    if seconds > LOGGED_WAIT:
        _log.info(f"waiting {seconds:.0f} s for {source or 'the source'}: {why}")


def _tell(state: tenacity.RetryCallState, source: str) -> None:
    seconds = state.next_action.sleep if state.next_action else 0.0
    tell(seconds, f"{_failure(state)} (try {state.attempt_number})", source)


def _give_up(state: tenacity.RetryCallState) -> NoReturn:
    """Raises the failure of the last try; its sentence says how often it was tried, and what wait was asked for in vain."""
    error = _failure(state)
    if isinstance(error, ProviderError) and state.attempt_number > 1:
        longer = (
            f"; it asks for a wait of {error.wait:.0f} s, and we wait {LONGEST_WAIT:.0f} s at most" if error.wait > LONGEST_WAIT else ""
        )
        error.args = (f"{error} (tried {state.attempt_number} times{longer})", *error.args[1:])
    raise error


def _failure(state: tenacity.RetryCallState) -> BaseException:
    error = state.outcome.exception() if state.outcome else None
    return error or RuntimeError("a try that did not fail is not repeated")


def _wait(state: tenacity.RetryCallState) -> float:
    asked: float = getattr(_failure(state), "wait", 0.0)
    growing: float = tenacity.wait_random_exponential(multiplier=0.5, max=LONGEST_WAIT)(state)
    return min(LONGEST_WAIT, max(asked, growing))
