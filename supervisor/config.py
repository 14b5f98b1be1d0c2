"""What the supervisor is told at its start. It holds no secret: descriptors that lead to some are passed on unread."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True, kw_only=True)
class Service:
    """A long-lived process.

    `entry` ("module:function") is called with `arguments` and `descriptors` as keywords, and returns the exit code.
    """

    name: str
    entry: str
    arguments: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    descriptors: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Keyword -> open descriptor, inherited by the process."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SupervisorConfig:
    """Times in seconds, sizes in MB (2**20 bytes)."""

    pools: Mapping[str, int]
    """Pool -> how many jobs of it may live at once."""
    writer: Service
    """The service that asks for jobs; it is given the keyword `control`, its end of the channel."""
    writer_patience: float = 30.0
    """Seconds without a report after which the writer is taken for stuck, and is ended and started again. 0: never."""
    services: tuple[Service, ...] = ()
    """The others."""
    job_entry: str
    """Called in a job process as ``entry(start: bytes, control: int, data: int) -> int``."""
    state_path: str
    """Where the state is published; on tmpfs."""
    publish_every: float = 1.0
    """Between two published states when nothing happens."""
    start_timeout: float = 30.0
    """From spawn to READY. Too low: a loaded machine loses jobs; too high: a job that cannot start holds its slot."""
    kill_grace: float = 5.0
    """From SIGTERM to SIGKILL. 0 kills at once, without a stack dump."""
    shutdown_grace: float = 25.0
    """How long running jobs may go on after SIGTERM. Must be below the container's own grace (30 s in Kubernetes)."""
    memory_mb: int = 512
    """Cap on a job's tree when the writer names none."""
    memory_budget_mb: int | None = None
    """No job is started when the caps of all would exceed this; None: no limit."""
    pid_namespaces: bool = True
    """Whether each job gets one of its own, where the kernel permits it."""
    control_groups: bool = True
    """Whether each job gets one of its own, where we are given one that we may divide."""
    confine_files: bool = True
    """Whether Landlock, where the kernel has it, keeps jobs from every file but those that they are given."""
    forbidden_modules: tuple[str, ...] = ()
    """What no job may import."""
    restarts: int = 5
    """A service that dies more often than this within `restart_window` ends the supervisor."""
    restart_window: float = 60.0
    unkillable_after: float = 5.0
    """From SIGKILL until a tree that still lives is called unkillable."""
    kill_latency_metric: str = "kill_latency_seconds"
    """Name of the histogram of the seconds from the decision to kill until the whole tree was proven dead."""
