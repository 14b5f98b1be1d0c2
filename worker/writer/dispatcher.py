"""The active runs: what was asked of the supervisor, what it answered, and the thread that listens to each job.

Used by the main thread only; the run threads come back to it through the mailbox.
"""

from __future__ import annotations

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
from worker.run.inventory import Inventory, Totals, added
from worker.run.outcome import Status, Verdict
from worker.writer.launch import Launch
from worker.writer.mailbox import Mailbox
from worker.writer.metrics import run_ended
from worker.writer.stream import RunStream

_log = structlog.get_logger("worker.dispatcher")


class Sender(Protocol):
    """The channel to the supervisor, as far as the dispatcher needs it."""

    def send(self, message: msgspec.Struct) -> None:
        """One message."""


class Limits(msgspec.Struct, frozen=True):
    """Of one run, in seconds; `memory_mb` 0 is the supervisor's default."""

    wall: float
    idle: float
    memory_mb: int = 0


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """One run to be made. Either `ended` hears how it ended, and what the log says of its process, or `refused` that there was none."""

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
    """For the log: ``job_id: 42`` or ``connector ldap``."""
    lifetime: Series | None = None
    """Histogram of how long such processes live."""
    increments: Callable[[Verdict, Totals], tuple[Increment, ...]] = lambda _verdict, _totals: ()
    """What the run adds to the counters once its outcome is stored."""


class _ActiveRun:
    def __init__(self, assignment: Assignment) -> None:
        self.assignment = assignment
        self.thread: RunStream | None = None
        self.pid = 0
        self.exited: Exited | None = None

    def process(self) -> dict[str, Any]:
        """For the log: which process it was, and how it ended."""
        names = ("cause", "exit_code", "signal", "seconds", "kill_seconds")
        return {"pid": self.pid, **{name: getattr(self.exited, name, None) for name in names}}


class RunDispatcher:
    """Starts runs, and sees each to its end."""

    def __init__(self, channel: Sender, mailbox: Mailbox, capacities: Mapping[str, int]) -> None:
        self._channel, self._mailbox = channel, mailbox
        self._capacities = capacities
        self._free: dict[str, int] = {}
        self._active: dict[str, _ActiveRun] = {}
        self._past: dict[str, Totals] = {}

    def __len__(self) -> int:
        return len(self._active)

    @property
    def runs(self) -> frozenset[str]:
        """That are under way."""
        return frozenset(self._active)

    def free(self, pool: str) -> int:
        """Runs that may be started in a pool now: as many as the supervisor has slots for, less those that it has not heard of yet."""
        ours = sum(active.assignment.pool == pool for active in self._active.values())
        return max(0, min(self._free.get(pool, 0), self._capacities.get(pool, 0) - ours))

    def totals(self, pool: str) -> Totals:
        """Of all runs in a pool, those that are under way with them. It only grows."""
        totals = [active.assignment.inventory.totals for active in self._active.values() if active.assignment.pool == pool]
        return functools.reduce(added, totals, self._past.get(pool, Totals()))

    def count(self, run: str, verdict: Verdict, provider: str) -> None:
        """A discovery run has ended without a process of ours. The provider is a label, and so is one of those that there are."""
        known = provider if provider in registry.names() else "unknown"
        self._channel.send(Finished(run=run, increments=run_ended(known, verdict, Totals())))

    def start(self, assignment: Assignment) -> None:
        """Asks for a process."""
        self._active[assignment.run] = _ActiveRun(assignment)
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
            )
        )

    def extend(self, run: str, seconds: float) -> None:
        """The run's lease was renewed."""
        if run in self._active:
            self._channel.send(Extend(run=run, lease=seconds))

    def cancel(self, run: str, cause: Cause = Cause.CANCELLED, sentence: str = "") -> None:
        """The run is to end."""
        if run in self._active:
            self._channel.send(Cancel(run=run, cause=cause, sentence=bounded(sentence)))

    def take(self, message: Slots | Spawned | Refused | Ready | Exited, descriptors: Sequence[int]) -> None:
        """A message from the supervisor about slots or runs."""
        if isinstance(message, Slots):
            self._free = dict(message.free)
            return
        active = self._active.get(message.run)
        if active is None:
            for fd in descriptors:
                os.close(fd)
        elif isinstance(message, Spawned):
            active.pid = message.pid
            self._listen(active, *descriptors)
        elif isinstance(message, Refused):
            del self._active[message.run]
            active.assignment.refused(message.sentence)
        elif isinstance(message, Exited):
            self._exited(active, message)
        elif active.thread is not None:
            active.thread.ready()

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
        )
        active.thread.start()
        _log.info(f"started {assignment.description}", run=assignment.run, **assignment.label)

    def _exited(self, active: _ActiveRun, message: Exited) -> None:
        redactor = Redactor(active.assignment.launch.secrets)  # what a dying process printed, nobody has looked through
        message = msgspec.structs.replace(message, detail=redactor.text(message.detail))
        active.exited = message
        if active.thread is not None:
            active.thread.exited(message)
        else:  # no process ever was: nothing can have been found
            del self._active[message.run]
            active.assignment.refused(message.sentence or "the process ended before it began")

    def _done(self, active: _ActiveRun, verdict: Verdict) -> None:
        assignment = active.assignment
        assert active.thread is not None
        active.thread.forget()
        self._active.pop(assignment.run, None)
        self._past[assignment.pool] = added(self._past.get(assignment.pool, Totals()), assignment.inventory.totals)
        assignment.ended(verdict, active.process())
        counts = verdict.stored and verdict.status is not Status.RELEASED
        increments = assignment.increments(verdict, assignment.inventory.totals) if counts else ()
        self._channel.send(Finished(run=assignment.run, increments=increments))
