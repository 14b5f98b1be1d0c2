"""The watchdog of a service that reports regularly: a process that is stuck or stopped would otherwise live on and do nothing."""

from __future__ import annotations

import logging
import signal

from supervisor.loop import Loop
from supervisor.service import RunningService
from supervisor.states import ServiceState

CHECK_EVERY = 1.0
"""Seconds between two checks."""

log = logging.getLogger("supervisor.watchdog")


class Watchdog:
    """Kills the service after too many checks without a report; the service restarts itself.

    Checks are counted, not seconds: while the supervisor itself is stopped, reports cannot be received.
    """

    def __init__(self, loop: Loop, service: RunningService, timeout: float) -> None:
        """`timeout` is in seconds; 0 switches the watchdog off."""
        self._service, self._timeout = service, timeout
        self._checks = 0
        if timeout:
            loop.every(CHECK_EVERY, self._check)

    def reset(self) -> None:
        """Starts counting anew: a report has been received, or the service has a new process."""
        self._checks = 0

    def _check(self) -> None:
        if self._service.state is not ServiceState.RUNNING or not self._service.alive:
            return
        self._checks += 1
        over = self._checks * CHECK_EVERY - self._timeout
        if 0 <= over < CHECK_EVERY:
            log.error("%s has not reported for %g s and is ended", self._service.service.name, self._timeout)
            self._service.signal(signal.SIGABRT)  # it writes its stacks, if it can
        elif over >= CHECK_EVERY:
            self._service.signal(signal.SIGKILL)
