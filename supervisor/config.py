"""The configuration of the supervisor. It holds no secret: descriptors that lead to some are passed on unread."""

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
    """Pool -> number of jobs that may live at once."""
    writer: Service
    """The service that asks for jobs; its entry point gets the keyword `control`, its end of the channel."""
    writer_timeout: float = 30.0
    """Seconds without a report after which the writer counts as stuck: it is killed and started again. 0: never."""
    services: tuple[Service, ...] = ()
    """The other services, in the order of their start."""
    job_entry: str
    """Called in a job process as ``entry(start: bytes, control: int, data: int) -> int``."""
    state: int
    """Descriptor of the memory that the state is published in (`supervisor.published`)."""
    publish_every: float = 1.0
    """Seconds between two published states when nothing happens."""
    start_timeout: float = 30.0
    """Seconds from spawn to READY. Too low: a loaded machine loses jobs; too high: a job that cannot start holds its slot."""
    kill_grace: float = 5.0
    """Seconds from SIGTERM to SIGABRT, which SIGKILL follows after `job.STACK_DUMP`. 0 kills at once, without a stack dump."""
    shutdown_grace: float = 25.0
    """Seconds that running jobs may go on after SIGTERM. Must be below the container's own grace (30 s in Kubernetes)."""
    memory_mb: int = 512
    """Memory cap of a job's process tree when the writer names none."""
    memory_budget_mb: int | None = None
    """Limit of the sum of all jobs' caps: a job that would exceed it is not started. None: no limit."""
    pid_namespaces: bool = True
    """Give each job a PID namespace, where the kernel permits it."""
    control_groups: bool = True
    """Give each job a control group, where the supervisor may divide its own."""
    confine_files: bool = True
    """Restrict jobs by Landlock, where the kernel has it, to the files that they need."""
    forbidden_modules: tuple[str, ...] = ()
    """Modules that no job may import."""
    restarts: int = 5
    """A service that dies more often than this within `restart_window` ends the supervisor."""
    restart_window: float = 60.0
    unkillable_after: float = 5.0
    """Seconds from SIGKILL until a process tree that still lives counts as unkillable."""
    kill_latency_metric: str = "kill_latency_seconds"
    """Name of the histogram of the seconds from the decision to kill until the whole tree was proven dead."""
