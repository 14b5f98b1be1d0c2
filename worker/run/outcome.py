"""The verdict on a run, from what its data pipe said and how its process ended. Pure; no other place decides.

========================  =======================  =====================================================
the data pipe said        the process              the run is
========================  =======================  =====================================================
anything                  cancelled                cancelled
anything                  ended by our shutdown    released: back to the queue, no failure
anything                  not given what it needs  released: the kernel refused a process, a thread or a descriptor
something forbidden       anyhow                   error/protocol
FAILED                    anyhow                   error, with the kind and the words of FAILED
COMPLETE                  left with exit code 0    completed, or partial when a scope that is offered was not read in full
COMPLETE                  left with another code   error/crashed
COMPLETE or nothing       killed by a clock or cap error, with the kind of that clock or cap
nothing                   left with exit code 0    error/protocol
nothing                   crashed                  error/crashed
========================  =======================  =====================================================

What had arrived is stored and counted in every case; only the scopes that were closed as complete tombstone.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Annotated

import msgspec

from providers.counted import are, counted
from providers.errors import Outcome
from supervisor.messages import Cause, Exited
from worker.run import wire


class Status(enum.StrEnum):
    """Status of a run. `RELEASED` is never stored: the run counts as not started."""

    COMPLETED = "completed"
    PARTIAL = "partial"
    ERROR = "error"
    CANCELLED = "cancelled"
    RELEASED = "released"


MOST_LINES = 500
"""Log lines that are kept of one run."""

LoggedAt = Annotated[str, msgspec.Meta(pattern=r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")]
LoggedBy = Annotated[str, msgspec.Meta(max_length=wire.MAX_LOGGER, pattern=r"\A[^\0]*\Z")]
LoggedText = Annotated[str, msgspec.Meta(max_length=wire.MAX_LINE, pattern=r"\A[^\0]*\Z")]


class RunLog(msgspec.Struct, frozen=True):
    """Log lines of a run's process that are kept with the run, redacted."""

    lines: Annotated[list[tuple[LoggedAt, wire.LogLevel, LoggedBy, LoggedText]], msgspec.Meta(max_length=MOST_LINES)]
    """Time, level, logger and text of each."""
    left_out: Annotated[int, msgspec.Meta(ge=0, lt=2**53)] = 0
    """Number of lines that are not kept."""
    left_out_after: Annotated[int, msgspec.Meta(ge=0, le=MOST_LINES)] = 0
    """Number of lines before those that are not kept; 0 where none is left out."""


class Verdict(msgspec.Struct, frozen=True):
    """How a run ended; `error` is a sentence for the operator, `detail` is for the engineer."""

    status: Status
    error_kind: str = ""
    error: str = ""
    detail: str = ""
    stored: bool = True
    """False when the verdict could not be stored yet; the run ends as ``lost`` if it cannot be before another worker takes the job over."""
    confirmed: int = 0
    """Resources of the run that the database had confirmed as stored: it has to know them still when the verdict is stored later."""
    log: RunLog | None = None
    """Log of the run's process; None when it has logged nothing."""

    @property
    def carried_out(self) -> bool:
        """True when the run has carried out its whole plan, whatever each scope of it said."""
        return self.status in {Status.COMPLETED, Status.PARTIAL}


class Received(msgspec.Struct, frozen=True):
    """The state of the data pipe at its end. `broken` says how the protocol was violated."""

    complete: bool = False
    failed: wire.Failed | None = None
    broken: str = ""
    outcomes: Mapping[str, int] = {}


KINDS = {
    Cause.TIMEOUT: ("timeout", "the run took longer than it may: raise DISCOVERY_JOB_TIMEOUT or scan less in one job"),
    Cause.IDLE: ("idle", "the run showed no progress for too long: the source does not answer, or DISCOVERY_IDLE_TIMEOUT is too short"),
    Cause.START: ("crashed", "the job's process did not start in time: the machine is overloaded, or the process hangs at its start"),
    Cause.MEMORY: ("memory", "the job took more memory than it may: raise DISCOVERY_JOB_MEMORY_MB or scan less in one job"),
    Cause.PROTOCOL: ("protocol", "the job's process broke the protocol and was ended"),
    Cause.LOST: ("lost", "the worker could not renew its claim on the job in time and ended the run: the database was out of reach"),
    Cause.WRITER: ("internal", "the process that stores results ended during the run"),
    Cause.SIGNALLED: ("crashed", "the job's process was ended by a signal that the worker did not send"),
    Cause.EXITED: ("crashed", "the job's process crashed"),
}
"""Error kind by cause of death, and the sentence used when the supervisor gives none."""

ERROR_KINDS = tuple(sorted({*wire.FAILURE_KINDS, *(kind for kind, _ in KINDS.values()), "data", "database"}))
"""Every error kind of a run: those that a job sends, those of a dead process, and those of the store. Each is a label of a metric."""

UNKNOWN_PROVIDER = "unknown"
"""Label of runs whose provider this worker does not know."""


NOTHING_TO_READ = frozenset(outcome for outcome in Outcome if outcome.gravity < 2)
"""Outcomes of scopes of which no more can be read: read in full, not offered by the source, or left out on purpose."""


def judge(received: Received, exited: Exited) -> Verdict:
    """Returns the verdict, by the table above."""
    if exited.cause is Cause.CANCELLED:
        return Verdict(Status.CANCELLED, error=exited.sentence or "the run was cancelled", detail=exited.detail)
    if exited.cause in {Cause.SHUTDOWN, Cause.RESOURCES}:
        return Verdict(Status.RELEASED, error=exited.sentence)
    if received.broken:
        return Verdict(Status.ERROR, "protocol", f"the job's process broke the protocol: {received.broken}", exited.detail)
    if received.failed is not None:
        return Verdict(Status.ERROR, received.failed.error_kind, received.failed.message, received.failed.detail or exited.detail)
    if exited.cause is Cause.EXITED and exited.exit_code == 0:
        return _left(received, exited)
    return _died(exited)


def _left(received: Received, exited: Exited) -> Verdict:
    if not received.complete:
        return Verdict(Status.ERROR, "protocol", "the job's process left without having said that it was done", exited.detail)
    total = sum(received.outcomes.values())
    incomplete = {outcome: count for outcome, count in sorted(received.outcomes.items()) if outcome not in NOTHING_TO_READ}
    if not incomplete:
        return Verdict(Status.COMPLETED)
    parts = ", ".join(f"{count} {outcome}" for outcome, count in incomplete.items())
    unread = sum(incomplete.values())
    return Verdict(Status.PARTIAL, error=f"{unread} of {counted(total, 'scope')} {are(unread, past=True)} not read in full: {parts}")


def _died(exited: Exited) -> Verdict:
    error_kind, sentence = KINDS[exited.cause]
    if exited.cause is Cause.EXITED:
        sentence = f"{sentence} (exit code {exited.exit_code})"
    elif exited.signal:
        sentence = f"{sentence} ({exited.signal})"
    return Verdict(Status.ERROR, error_kind, exited.sentence or sentence, exited.detail)


def left_open(verdict: Verdict) -> Outcome:
    """Outcome of the scopes that were open when the run ended."""
    if verdict.status in {Status.CANCELLED, Status.RELEASED}:
        return Outcome.SKIPPED
    return Outcome.TIMEOUT if verdict.error_kind in {"timeout", "idle"} else Outcome.ERROR
