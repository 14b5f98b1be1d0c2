"""Starts runs through the supervisor and follows each to its end, with one thread (`RunStream`) per run.

Used by the main thread only; run threads reach it through the mailbox.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec
import structlog

from providers import registry
from supervisor.errors import bounded
from supervisor.messages import Cancel, Cause, Exited, Extend, Finished, Ready, Refused, Slots, Spawned, Start
from supervisor.metrics import Increment, Series
from worker.logs.redact import Redactor
from worker.logs.stacks import only_stacks
from worker.run.inventory import Inventory, Totals, added
from worker.run.outcome import UNKNOWN_PROVIDER, Status, Verdict
from worker.writer.launch import Launch
from worker.writer.mailbox import Mailbox
from worker.writer.metrics import run_ended
from worker.writer.stream import RunStream

_log = structlog.get_logger("worker.dispatcher")


class Sender(Protocol):
    """Sends messages to the supervisor."""

    def send(self, message: msgspec.Struct) -> None:
        """Sends one message to the supervisor."""


class Trace(Protocol):
    """The trace of one run, for OpenTelemetry."""

    def ended(self, verdict: Verdict, totals: Totals, process: Mapping[str, object]) -> None:
        """Ends the trace; never raises."""


class Traces(Protocol):
    """Makes the traces of runs; no method waits for the receiver, and none raises."""

    def begin(self, run: str, label: Mapping[str, str], inventory: Inventory, secrets: tuple[str, ...]) -> tuple[Trace, Inventory] | None:
        """Begins the trace of a run; returns it with the inventory that records in it. None for what has no trace."""

    def without_process(self, run: str, label: Mapping[str, str], verdict: Verdict, seconds: float) -> None:
        """Makes the trace of a run that has ended and had no process of this worker; it began so many seconds ago."""


class Limits(msgspec.Struct, frozen=True):
    """Limits of one run: wall and idle time in seconds; `memory_mb` 0 means the supervisor's default."""

    wall: float
    idle: float
    memory_mb: int = 0


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """A run to start. At its end `ended` is called with the verdict and log fields of the process, or `refused` when none started."""

    run: str
    pool: str
    label: dict[str, str]
    launch: Launch
    limits: Limits
    inventory: Inventory
    ended: Callable[[Verdict, dict[str, Any]], None]
    refused: Callable[[str], None]
    lease: float | None = None
    description: str = ""
    """Names the run in log lines: ``job_id: 42`` or ``connector ldap``."""
    lifetime: Series | None = None
    """Histogram of how long such processes live."""
    keep: Callable[[Verdict], None] = lambda _verdict: None
    """Takes the outcome before it is stored, from the run's thread."""
    increments: Callable[[Verdict, Totals], tuple[Increment, ...]] = lambda _verdict, _totals: ()
    """Increments of the counters, applied once the run's outcome is stored."""


class _ActiveRun:
    def __init__(self, assignment: Assignment, trace: Trace | None) -> None:
        self.assignment, self.trace = assignment, trace
        self.thread: RunStream | None = None
        self.pid = 0
        self.exited: Exited | None = None

    def process(self) -> dict[str, Any]:
        """Log fields: the process's pid and how it ended."""
        names = ("cause", "exit_code", "signal", "seconds", "kill_seconds")
        return {"pid": self.pid, **{name: getattr(self.exited, name, None) for name in names}}

    def refused(self, sentence: str) -> None:
        """Ends a run that had no process, and its trace."""
        if self.trace is not None:
            self.trace.ended(Verdict(Status.RELEASED, error=sentence), Totals(), {})
        self.assignment.refused(sentence)


class RunDispatcher:
    """Starts runs and follows each to its end."""

    def __init__(self, channel: Sender, mailbox: Mailbox, capacities: Mapping[str, int], traces: Traces | None = None) -> None:
        self._channel, self._mailbox, self._traces = channel, mailbox, traces
        self._capacities = capacities
        self._free: dict[str, int] = {}
        self._active: dict[str, _ActiveRun] = {}
        self._past: dict[str, Totals] = {}

    def __len__(self) -> int:
        return len(self._active)

    @property
    def runs(self) -> frozenset[str]:
        """Names of the active runs."""
        return frozenset(self._active)

    def free(self, pool: str) -> int:
        """How many runs may be started in a pool: the supervisor's free slots, minus starts that it has not answered yet."""
        ours = sum(active.assignment.pool == pool for active in self._active.values())
        return max(0, min(self._free.get(pool, 0), self._capacities.get(pool, 0) - ours))

    def totals(self, pool: str) -> Totals:
        """Sum over all runs of a pool, active ones included. It only grows."""
        totals = [active.assignment.inventory.totals for active in self._active.values() if active.assignment.pool == pool]
        return functools.reduce(added, totals, self._past.get(pool, Totals()))

    def count(self, run: str, verdict: Verdict, provider: str) -> None:
        """Counts a discovery run that ended without a process of this worker. An unknown provider is counted as ``unknown``."""
        known = provider if provider in registry.names() else UNKNOWN_PROVIDER
        self._channel.send(Finished(run=run, increments=run_ended(known, verdict, Totals())))

    def start(self, assignment: Assignment) -> None:
        """Asks the supervisor for a process."""
        self._active[assignment.run] = self._traced(assignment)
        self._channel.send(
            Start(
                run=assignment.run,
                pool=assignment.pool,
                title=assignment.description,
                label=assignment.label,
                wall=assignment.limits.wall,
                idle=assignment.limits.idle,
                memory_mb=assignment.limits.memory_mb,
                lease=assignment.lease,
                lifetime=assignment.lifetime,
                read_paths=assignment.launch.read_paths,
                ports=assignment.launch.ports,
            )
        )

    def without_process(self, run: str, label: Mapping[str, str], verdict: Verdict, seconds: float = 0.0) -> None:
        """Makes the trace of a run that has ended and had no process of this worker; it began so many seconds ago."""
        if self._traces is not None:
            self._traces.without_process(run, label, verdict, seconds)

    def _traced(self, assignment: Assignment) -> _ActiveRun:
        launch, traces = assignment.launch, self._traces
        begun = traces.begin(assignment.run, assignment.label, assignment.inventory, launch.secrets) if traces is not None else None
        if begun is None:
            return _ActiveRun(assignment, None)
        trace, inventory = begun
        return _ActiveRun(msgspec.structs.replace(assignment, inventory=inventory), trace)

    def extend(self, run: str, seconds: float) -> None:
        """Passes a renewed lease on to the supervisor."""
        if run in self._active:
            self._channel.send(Extend(run=run, lease=seconds))

    def cancel(self, run: str, cause: Cause = Cause.CANCELLED, sentence: str = "") -> None:
        """Asks the supervisor to end a run."""
        if run in self._active:
            self._channel.send(Cancel(run=run, cause=cause, sentence=bounded(sentence)))

    def take(self, message: Slots | Spawned | Refused | Ready | Exited, descriptors: Sequence[int]) -> None:
        """Handles a message of the supervisor about slots or runs."""
        if isinstance(message, Slots):
            self._free = dict(message.free)
            return
        active = self._active.get(message.run)
        if active is None:
            for fd in descriptors:
                os.close(fd)
        elif isinstance(message, Spawned):
            active.pid = message.pid
            self._try_to_listen(active, descriptors)
        elif isinstance(message, Refused):
            del self._active[message.run]
            active.refused(message.sentence)
        elif isinstance(message, Exited):
            self._exited(active, message)
        elif active.thread is not None:
            active.thread.ready()

    def _try_to_listen(self, active: _ActiveRun, descriptors: Sequence[int]) -> None:
        """Starts the thread of a run; cancels a run that this process has no thread or no descriptor left for."""
        try:
            self._listen(active, *descriptors)
        except (OSError, RuntimeError, TypeError) as error:  # TypeError: the kernel has dropped the descriptors of the message
            active.thread = None
            for fd in descriptors:
                with contextlib.suppress(OSError):
                    os.close(fd)
            reason = "no descriptor is left" if isinstance(error, TypeError) else str(error)
            _log.error(f"the results of {active.assignment.description} cannot be read: {reason}", run=active.assignment.run)
            self.cancel(active.assignment.run, Cause.RESOURCES, f"the writer cannot read the results: {reason}")

    def _listen(self, active: _ActiveRun, data: int, start: int) -> None:
        assignment = active.assignment
        active.thread = RunStream(
            assignment.run,
            data,
            start,
            assignment.launch.start,
            assignment.inventory,
            violation=lambda cause, sentence: self._mailbox.post(lambda: self.cancel(assignment.run, cause, sentence)),
            done=lambda verdict: self._mailbox.post(lambda: self._done(active, verdict)),
            keep=assignment.keep,
            secrets=assignment.launch.secrets,
        )
        try:
            active.thread.start()
        except RuntimeError:
            active.thread.abandon()
            raise
        _log.info(f"started {assignment.description}", run=assignment.run, **assignment.label)

    def _exited(self, active: _ActiveRun, message: Exited) -> None:
        redactor = Redactor(active.assignment.launch.secrets)  # output of a dying process has not been redacted yet
        detail = only_stacks(message.detail) if active.assignment.launch.reads_stores else message.detail
        message = msgspec.structs.replace(message, detail=redactor.text(detail))
        active.exited = message
        if active.thread is not None:
            active.thread.exited(message)
        else:  # there never was a process, so there are no results
            del self._active[message.run]
            active.refused(message.sentence or "the process ended before it began")

    def _done(self, active: _ActiveRun, verdict: Verdict) -> None:
        assignment = active.assignment
        assert active.thread is not None
        active.thread.forget()
        self._active.pop(assignment.run, None)
        self._past[assignment.pool] = added(self._past.get(assignment.pool, Totals()), assignment.inventory.totals)
        if active.trace is not None:
            active.trace.ended(verdict, assignment.inventory.totals, active.process())
        assignment.ended(verdict, active.process())
        counts = verdict.stored and verdict.status is not Status.RELEASED
        increments = assignment.increments(verdict, assignment.inventory.totals) if counts else ()
        self._channel.send(Finished(run=assignment.run, increments=increments))
