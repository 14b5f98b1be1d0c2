"""The writer's main loop: handles messages of the supervisor, calls of its own threads, and a few timers. It never waits for a database.

Blocking work has its own threads: one for each run (`worker.writer.stream`), one for the queue of jobs (`worker.writer.backlog`).
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from typing import Any, Protocol

import msgspec
import structlog

from supervisor.channel import Channel
from supervisor.messages import Drain, Report, Stop, ToWriter
from worker.writer.dispatcher import RunDispatcher
from worker.writer.mailbox import Mailbox

REPORT_SECONDS = 1.0

_log = structlog.get_logger("worker.writer")


class Work(Protocol):
    """Starts runs when slots are free: the discovery jobs, or the connectors."""

    def tick(self) -> None:
        """Starts runs that are due."""

    def seconds_left(self) -> float | None:
        """Seconds until `tick` must be called again; None when only an event requires it."""

    def drain(self) -> None:
        """Starts no more runs."""


class Loop:
    """The main loop; runs until the supervisor closes the channel."""

    def __init__(
        self,
        channel: Channel[ToWriter],
        mailbox: Mailbox,
        dispatcher: RunDispatcher,
        works: tuple[Work, ...],
        state: Callable[[], dict[str, Any]],
    ) -> None:
        """`state` returns the content of the report."""
        self._channel, self._mailbox, self._dispatcher, self._works, self._state = channel, mailbox, dispatcher, works, state
        self._poller = select.poll()
        self._report_at = 0.0
        self._draining = self._stopped = False
        self.finished: Callable[[], int | None] = lambda: None
        """Returns the exit code with which the service stops when all work is done (``run --once``); None before."""

    def run(self) -> None:
        """Runs until the channel closes or, after `Drain`, the last run has ended."""
        self._poller.register(self._channel, select.POLLIN)
        self._poller.register(self._mailbox, select.POLLIN)
        while not self._channel.closed and not (self._draining and not len(self._dispatcher)):
            self._run_once()

    def _run_once(self) -> None:
        self._poller.modify(self._channel, select.POLLIN | (select.POLLOUT if self._channel.backlog else 0))
        self._poller.poll(self._seconds_left() * 1000)
        self._channel.flush()
        for message, descriptors in self._channel.receive():
            if isinstance(message, Drain):
                self._drain(message)
            else:
                self._dispatcher.take(message, descriptors)
        self._mailbox.deliver()
        for work in self._works:
            work.tick()
        if time.monotonic() >= self._report_at:
            self._report_at = time.monotonic() + REPORT_SECONDS
            self._channel.send(Report(state=msgspec.Raw(msgspec.json.encode(self._state()))))
        exit_code = self.finished()
        if exit_code is not None and not self._stopped:
            self._stopped = True
            self._channel.send(Stop(exit_code=exit_code))

    def _seconds_left(self) -> float:
        waits = [work.seconds_left() for work in self._works]
        return max(0.0, min([self._report_at - time.monotonic(), *(wait for wait in waits if wait is not None)]))

    def _drain(self, message: Drain) -> None:
        self._draining = True
        _log.info("draining: no more runs are started", seconds=message.seconds, running=len(self._dispatcher))
        for work in self._works:
            work.drain()
