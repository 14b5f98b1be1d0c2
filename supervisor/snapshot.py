"""The published state: pools, jobs, services, metrics, and the writer's own report. Times in seconds."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from supervisor.job import Job
    from supervisor.service import RunningService

VERSION = 1


class PoolSnapshot(msgspec.Struct, frozen=True):
    """A pool: its slots, the number of taken ones, and the number of those taken by jobs that cannot be killed."""

    capacity: int
    running: int
    unkillable: int


class JobSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A job's process tree."""

    run: str
    pool: str
    label: dict[str, str]
    pid: int
    state: str
    seconds: float
    wall_left: float
    idle_seconds: float
    progress: dict[str, Any]
    memory_bytes: int

    @classmethod
    def of(cls, job: Job, now: float) -> JobSnapshot:
        """The job at `now`, on the monotonic clock."""
        return cls(
            run=job.start.run,
            pool=job.start.pool,
            label=job.start.label,
            pid=job.pid,
            state=job.state,
            seconds=now - job.started_at,
            wall_left=job.clocks.wall_at - now,
            idle_seconds=now - job.clocks.progressed_at,
            progress=job.progress,
            memory_bytes=job.memory.now,
        )


class ServiceSnapshot(msgspec.Struct, frozen=True):
    """A service's process; `pid` is None while there is none."""

    state: str
    pid: int | None
    restarts: int

    @classmethod
    def of(cls, service: RunningService) -> ServiceSnapshot:
        """The state of the service at this moment."""
        return cls(service.state, service.pid if service.alive else None, service.restarts.total)


class Isolation(msgspec.Struct, frozen=True):
    """The isolation of jobs; None before the first has reported. `landlock` is its ABI, 0 for none; `cgroup` the controls of a group."""

    pid_namespace: bool | None = None
    landlock: int | None = None
    tcp_ports: tuple[int, ...] | None = None
    """The TCP ports that the last job could connect to; None when the kernel kept it from none."""
    seccomp: bool | None = None
    cgroup: tuple[str, ...] | None = None
    orphans_killed: int = 0
    subreaper: bool = True


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The whole state. `beat` is on the monotonic clock, so that a reader on this machine can tell how old the state is."""

    version: int = VERSION
    pid: int
    started_at: float
    written_at: float
    beat: float
    loop_lag_seconds: float
    draining: bool
    pools: dict[str, PoolSnapshot]
    jobs: list[JobSnapshot]
    services: dict[str, ServiceSnapshot]
    isolation: Isolation
    spawn_problem: str
    """Why processes cannot be started now; empty when they can."""
    warnings: list[str]
    """Sentences about what does not work as it should on this machine."""
    metrics: list[tuple[str, str, dict[str, str], Any]]
    report: msgspec.Raw | None
    """The writer's part, opaque; None before the first report."""
    report_age: float | None


def snapshot(
    jobs: Iterable[Job],
    services: Iterable[RunningService],
    *,
    started_at: float,
    lag: float,
    draining: bool,
    pools: dict[str, PoolSnapshot],
    isolation: Isolation,
    spawn_problem: str,
    warnings: list[str],
    metrics: list[tuple[str, str, dict[str, str], Any]],
    report: msgspec.Raw | None,
    reported_at: float,
) -> Snapshot:
    """The state of this process now. Changes nothing."""
    now = time.monotonic()
    return Snapshot(
        pid=os.getpid(),
        started_at=started_at,
        written_at=time.time(),
        beat=now,
        loop_lag_seconds=lag,
        draining=draining,
        pools=pools,
        jobs=[JobSnapshot.of(job, now) for job in jobs],
        services={service.service.name: ServiceSnapshot.of(service) for service in services},
        isolation=isolation,
        spawn_problem=spawn_problem,
        warnings=warnings,
        metrics=metrics,
        report=report,
        report_age=now - reported_at if report else None,
    )
