"""The pause after a process could not be started: no slot is offered until a trial start has succeeded, so that others get the work."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from supervisor.loop import Loop

FIRST_DELAY = 1.0
MAX_DELAY = 60.0
"""Seconds until the first trial start, and the most that the delay grows to by doubling."""

CALM = 2 * MAX_DELAY
"""Seconds without a failure after which the delay begins small again: one trial start may succeed where the next job does not."""

log = logging.getLogger("supervisor.spawn")


class SpawnBackoff:
    """Backs off when processes cannot be started. The first failure begins a pause; `try_again` is called after each delay."""

    def __init__(self, loop: Loop, try_again: Callable[[], None]) -> None:
        self._loop, self._try_again = loop, try_again
        self._delay = FIRST_DELAY
        self._retry_at = 0.0
        self.failures = 0
        """Number of failed starts, trial starts included."""
        self.sentence = ""
        """Why no process can be started now; empty when processes can be started."""

    def __bool__(self) -> bool:
        return bool(self.sentence)

    @property
    def retry_in(self) -> float:
        """Seconds until the next trial start."""
        return max(0.0, self._retry_at - time.monotonic())

    def failed(self, sentence: str) -> None:
        """Begins the pause, or doubles the delay after a failed trial start."""
        if not self:
            log.error("no process can be started, and no work is taken until one can: %s", sentence)
        self.failures += 1
        self.sentence = sentence
        if self.retry_in:  # a trial start is due already
            return
        if time.monotonic() - self._retry_at > CALM:
            self._delay = FIRST_DELAY
        self._retry_at = time.monotonic() + self._delay
        self._loop.after(self._delay, self._try_again)
        self._delay = min(MAX_DELAY, 2 * self._delay)

    def succeeded(self) -> None:
        """Ends the pause: processes can be started again."""
        if self:
            log.info("processes can be started again")
        self.sentence = ""
