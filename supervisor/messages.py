"""Messages between the supervisor and the writer, over one Unix ``SOCK_SEQPACKET`` pair.

One message is one packet of JSON, at most `MAX_MESSAGE` bytes; descriptors travel with it as ``SCM_RIGHTS``. The writer asks, the
supervisor decides: it alone knows which slots are free and which processes are alive, and it does not know what they do.
The supervisor never sees a job's config or secrets: with `Spawned` it passes the writer the write end of the job's start pipe
and the read end of its data pipe; of the data pipe it only asks the kernel how full it is.
"""

from __future__ import annotations

import enum

import msgspec

from supervisor.metrics import Increment, Series

MAX_MESSAGE = 128 * 1024


class Cause(enum.StrEnum):
    """Why a job's process is dead."""

    EXITED = "exited"
    """The process left by itself, with an exit code."""
    SIGNALLED = "signalled"
    """A signal that the supervisor did not send ended the process."""
    TIMEOUT = "timeout"
    """The wall clock ran out."""
    IDLE = "idle"
    """The job showed no progress for too long, and not because of back-pressure."""
    START = "start"
    """READY did not arrive in time."""
    MEMORY = "memory"
    """The process tree went over the memory cap."""
    PROTOCOL = "protocol"
    """The process broke the frame protocol."""
    RESOURCES = "resources"
    """The kernel refused the process something before READY: the work goes back to the queue."""
    CANCELLED = "cancelled"
    """The writer cancelled the run."""
    LOST = "lost"
    """The lease was not renewed in time."""
    SHUTDOWN = "shutdown"
    """The service is stopping: the work goes back to the queue."""
    WRITER = "writer"
    """The process that takes its results is gone."""


# --- writer -> supervisor ---------------------------------------------------------------------------------------------------


class Start(msgspec.Struct, tag="start", frozen=True, forbid_unknown_fields=True):
    """Asks for a process. Times in seconds; `lease` is how long the run may live without an `Extend` (None: for ever)."""

    run: str
    pool: str
    title: str
    """Names the run in the message of every log line about it, e.g. ``job_id: 42``."""
    label: dict[str, str]
    """Further fields for logs and the published state. No secrets."""
    wall: float
    idle: float
    memory_mb: int = 0
    """Cap on the whole tree; 0 means the supervisor's default."""
    lease: float | None = None
    lifetime: Series | None = None
    """Histogram that takes the seconds from spawn to proof of death; None: not measured."""
    read_paths: tuple[str, ...] = ()
    """Files and folders that the job may read beside its interpreter and its own folder, where the kernel can enforce that."""
    ports: tuple[int, ...] | None = None
    """TCP ports that the job may connect to, where the kernel can enforce that; None for all."""


class Extend(msgspec.Struct, tag="extend", frozen=True, forbid_unknown_fields=True):
    """The lease was renewed: the run may live for `lease` more seconds from now."""

    run: str
    lease: float


class Cancel(msgspec.Struct, tag="cancel", frozen=True, forbid_unknown_fields=True):
    """Ends a run's tree, with the cause that `Exited` will carry."""

    run: str
    cause: Cause = Cause.CANCELLED
    sentence: str = ""


class Report(msgspec.Struct, tag="report", frozen=True, forbid_unknown_fields=True):
    """The writer's part of the published state, which also shows that the writer is alive. Opaque to the supervisor."""

    state: msgspec.Raw


class Finished(msgspec.Struct, tag="finished", frozen=True, forbid_unknown_fields=True):
    """The writer has dealt with a run's outcome: sent once for each run, also for one that never had a process.

    The counters are kept here because they outlive a writer that is started again.
    """

    run: str
    increments: tuple[Increment, ...] = ()


class Stop(msgspec.Struct, tag="stop", frozen=True, forbid_unknown_fields=True):
    """All work is done (``run --once``): stops the service with this exit code."""

    exit_code: int


# --- supervisor -> writer ---------------------------------------------------------------------------------------------------


class Slots(msgspec.Struct, tag="slots", frozen=True, forbid_unknown_fields=True):
    """Free slots in each pool; sent at the start and at each change. All 0 while no process can be started."""

    free: dict[str, int]


class Spawned(msgspec.Struct, tag="spawned", frozen=True, forbid_unknown_fields=True):
    """The process exists. Carries two descriptors: the data pipe to read, the start pipe to write to after `Ready`."""

    run: str
    pid: int


class Refused(msgspec.Struct, tag="refused", frozen=True, forbid_unknown_fields=True):
    """No process was made: no slot, no memory, or the kernel said no. The work goes back to the queue."""

    run: str
    sentence: str


class Ready(msgspec.Struct, tag="ready", frozen=True, forbid_unknown_fields=True):
    """The job's bootstrap is done: the writer may send the START frame."""

    run: str


class Exited(msgspec.Struct, tag="exited", frozen=True, forbid_unknown_fields=True):
    """The whole process tree of the run is proven dead, or cannot be killed (`survivors`)."""

    run: str
    cause: Cause
    exit_code: int | None = None
    signal: str = ""
    sentence: str = ""
    """Explanation for the operator."""
    detail: str = ""
    """Evidence for the engineer: the last lines of stderr, the Python stacks dumped before the kill. Not yet redacted."""
    peak_bytes: int = 0
    seconds: float = 0.0
    kill_seconds: float | None = None
    """Seconds from the decision to kill until the tree was proven dead; None when it was not killed."""
    survivors: int = 0
    """Number of processes that did not die; their slot stays taken."""


class Drain(msgspec.Struct, tag="drain", frozen=True, forbid_unknown_fields=True):
    """The service is stopping: the writer starts nothing more, stores how the running jobs end (within `seconds`) and exits with 0."""

    seconds: float


FromWriter = Start | Extend | Cancel | Report | Finished | Stop
ToWriter = Slots | Spawned | Refused | Ready | Exited | Drain
