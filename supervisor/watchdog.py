"""Whether a service that is to report still does: one that is stuck or stopped would live for ever, and do nothing."""

from __future__ import annotations

import logging
import signal

from supervisor.loop import Loop
from supervisor.service import RunningService
from supervisor.states import ServiceState

LOOK = 1.0
"""Seconds between two looks."""

log = logging.getLogger("supervisor.watchdog")


class Watchdog:
    """Ends the service when nothing was heard of it for too many looks in a row; its restart is the service's own matter.

    Looks are counted, not seconds: if we were stopped ourselves, it could not be heard.
    """

    def __init__(self, loop: Loop, service: RunningService, patience: float) -> None:
        """`patience` is in seconds; 0 is for ever."""
        self._service, self._patience = service, patience
        self._looks = 0
        if patience:
            loop.every(LOOK, self._look)

    def heard(self) -> None:
        """A sign of life, or a new process."""
        self._looks = 0

    def _look(self) -> None:
        if self._service.state is not ServiceState.RUNNING or not self._service.alive:
            return
        self._looks += 1
        over = self._looks * LOOK - self._patience
        if 0 <= over < LOOK:
            log.error("%s has not reported for %g s and is ended", self._service.service.name, self._patience)
            self._service.signal(signal.SIGABRT)  # it writes its stacks, if it can
        elif over >= LOOK:
            self._service.signal(signal.SIGKILL)
