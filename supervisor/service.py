"""A service: a process that lives as long as the supervisor. When it dies it is started again, within limits."""

from __future__ import annotations

import collections
import contextlib
import logging
import os
import signal
import time
from collections.abc import Callable, Mapping

from supervisor import bootstrap
from supervisor.config import Service
from supervisor.errors import RestartStorm, SpawnError
from supervisor.loop import Loop
from supervisor.process import spawn_process
from supervisor.states import ServiceState, advance_service

EXIT_CONFIG = 78
"""Exit code (EX_CONFIG) of a service that cannot run however often it is started: a port that is taken, a wrong setting."""

MAX_SPAWN_DELAY = 10.0
"""Most seconds between two attempts to start a process that the kernel refuses."""

BACKOFF = 0.2
"""Seconds before the first restart; doubled each time."""

log = logging.getLogger("supervisor.service")


class Restarts:
    """Restart intensity as in OTP: more than `limit` within `window` seconds is a storm."""

    def __init__(self, limit: int, window: float) -> None:
        self._limit, self._window = limit, window
        self._deaths: collections.deque[float] = collections.deque()
        self.total = 0

    def died(self, name: str) -> float:
        """Counts a death; returns the seconds until the restart. Raises `RestartStorm`."""
        now = time.monotonic()
        self._deaths.append(now)
        while self._deaths[0] < now - self._window:
            self._deaths.popleft()
        if len(self._deaths) > self._limit:
            raise RestartStorm(f"{name} died {len(self._deaths)} times within {self._window:g} s and is not started again")
        self.total += 1
        return BACKOFF * float(2 ** (len(self._deaths) - 1))


class RunningService:
    """Starts, watches and stops the process of one `Service`."""

    def __init__(
        self,
        service: Service,
        loop: Loop,
        restarts: Restarts,
        *,
        on_exit: Callable[[], None],
        give_up: Callable[[int, str], None],
        descriptors: Callable[[], Mapping[str, int]] = dict,
    ) -> None:
        """`on_exit` is called at each death, `give_up` (exit code, sentence) when there is no restart; `descriptors` at each start."""
        self.service, self.restarts = service, restarts
        self.state = ServiceState.RUNNING
        self.pid = 0
        self.spawn_error = ""
        """Why the process could not be started; empty when it could."""
        self._spawn_delay = BACKOFF
        self._loop, self._on_exit, self._give_up, self._descriptors = loop, on_exit, give_up, descriptors
        self._pidfd = -1

    @property
    def alive(self) -> bool:
        """True while there is a process."""
        return self._pidfd >= 0

    def start(self) -> None:
        """Starts the process, and tries again as long as the kernel refuses: that is no fault of the service, and no death."""
        try:
            self._spawn()
        except SpawnError as error:
            self.spawn_error = str(error)
            self.state = advance_service(self.state, ServiceState.BACKING_OFF)
            log.error("%s cannot be started, which is tried again in %.1f s: %s", self.service.name, self._spawn_delay, error)
            self._loop.after(self._spawn_delay, self._start_again)
            self._spawn_delay = min(MAX_SPAWN_DELAY, 2 * self._spawn_delay)
            return
        self.spawn_error, self._spawn_delay = "", BACKOFF
        self._loop.watch(self._pidfd, self._reap)
        log.info("started %s", self.service.name, extra={"service": self.service.name, "pid": self.pid})

    def _spawn(self) -> None:
        made = self._descriptors()
        descriptors = {**self.service.descriptors, **made}
        arguments = {
            "parent": os.getpid(),
            "entry": self.service.entry,
            "arguments": dict(self.service.arguments),
            "descriptors": descriptors,
        }
        try:
            self.pid, self._pidfd = spawn_process(self.service.name, bootstrap.run_service, arguments, list(descriptors.values()))
        finally:
            for fd in made.values():
                os.close(fd)

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to the process, if there is one."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)

    def stop(self, grace: float) -> None:
        """Stops the process: SIGTERM now, SIGKILL after the grace."""
        if not self.alive:
            self.state = ServiceState.STOPPED
            return
        if self.state is ServiceState.RUNNING:
            self.state = advance_service(self.state, ServiceState.STOPPING)
        self.signal(signal.SIGTERM)
        self._loop.after(grace, lambda: self.signal(signal.SIGKILL))

    def expect_exit(self) -> None:
        """Accepts from now on that the process leaves by itself."""
        if self.state is ServiceState.RUNNING:
            self.state = advance_service(self.state, ServiceState.STOPPING)
        elif self.state is ServiceState.BACKING_OFF:
            self.state = advance_service(self.state, ServiceState.STOPPED)

    def _reap(self) -> None:
        result = os.waitid(os.P_PIDFD, self._pidfd, os.WEXITED | os.WNOHANG)
        if result is None:
            return
        self._loop.forget(self._pidfd)
        os.close(self._pidfd)
        self._pidfd = -1
        if result.si_code == os.CLD_EXITED:
            how = f"left with exit code {result.si_status}"
        else:
            how = f"was ended by {signal.Signals(result.si_status).name}"
        if self.state is ServiceState.STOPPING:
            self.state = advance_service(self.state, ServiceState.STOPPED)
            log.info("%s %s", self.service.name, how, extra={"service": self.service.name})
        elif result.si_code == os.CLD_EXITED and result.si_status == EXIT_CONFIG:
            self.state = advance_service(self.state, ServiceState.STOPPED)
            self._give_up(EXIT_CONFIG, f"{self.service.name} cannot run with this configuration")
        else:
            self._restart(how)
        self._on_exit()

    def _restart(self, how: str) -> None:
        try:
            delay = self.restarts.died(self.service.name)
        except RestartStorm as storm:
            self.state = advance_service(self.state, ServiceState.STOPPED)
            self._give_up(1, str(storm))
            return
        if self.state is ServiceState.RUNNING:
            self.state = advance_service(self.state, ServiceState.BACKING_OFF)
        log.warning("%s %s; it is started again in %.1f s", self.service.name, how, delay, extra={"service": self.service.name})
        self._loop.after(delay, self._start_again)

    def _start_again(self) -> None:
        if self.state is ServiceState.BACKING_OFF:
            self.state = advance_service(self.state, ServiceState.RUNNING)
            self.start()
