"""What is published: numbers and names of everything that lives, and the writer's own report."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from supervisor.job import Job
from supervisor.jobs import Jobs
from supervisor.service import RunningService

if TYPE_CHECKING:
    from supervisor.supervisor import Supervisor

VERSION = 1


def snapshot(supervisor: Supervisor) -> dict[str, Any]:
    """The state as JSON. `beat` is on the monotonic clock, so that a reader on this machine can tell how old it is."""
    loop, jobs = supervisor.loop, supervisor.jobs
    lag, loop.worst_lag = loop.worst_lag, 0.0
    pools = _pools(supervisor)
    supervisor.metrics.set("supervisor_loop_lag_seconds", lag)
    supervisor.metrics.set("supervisor_dropped_log_lines", supervisor.outlet.dropped_lines)
    for pool, numbers in pools.items():
        supervisor.metrics.set("discovery_running" if pool == "discovery" else f"{pool}_running", numbers["running"])
    return {
        "version": VERSION,
        "pid": os.getpid(),
        "started_at": supervisor.started_at,
        "written_at": time.time(),
        "beat": time.monotonic(),
        "loop_lag_seconds": lag,
        "draining": supervisor.draining,
        "pools": pools,
        "jobs": [_job(job) for job in jobs.all()],
        "services": {service.service.name: _service(service) for service in (supervisor.writer, *supervisor.services)},
        "isolation": _isolation(jobs),
        "metrics": supervisor.metrics.export(),
        "report": supervisor.report.state if supervisor.report else None,
        "report_age": time.monotonic() - supervisor.reported_at if supervisor.report else None,
    }


def _isolation(jobs: Jobs) -> dict[str, Any]:
    """What shuts jobs in, as the last job found it, None before the first; `landlock` is its ABI, 0 for none; `cgroup` what that can do."""
    hello = jobs.hello
    return {
        "subreaper": True,
        "pid_namespace": hello.pid_namespace if hello else None,
        "landlock": hello.landlock if hello else None,
        "cgroup": (jobs.groups.controls if hello.grouped else ()) if hello else None,
        "orphans_killed": jobs.orphans_killed,
    }


def _pools(supervisor: Supervisor) -> dict[str, dict[str, int]]:
    free, unkillable = supervisor.jobs.free(), supervisor.jobs.unkillable
    return {
        pool: {"capacity": size, "running": size - free[pool], "unkillable": unkillable[pool]}
        for pool, size in supervisor.config.pools.items()
    }


def _job(job: Job) -> dict[str, Any]:
    return {
        "run": job.start.run,
        "pool": job.start.pool,
        "label": job.start.label,
        "pid": job.pid,
        "state": job.state,
        "seconds": time.monotonic() - job.started_at,
        "wall_left": job.clocks.wall_left,
        "idle_seconds": job.clocks.idle_seconds,
        "progress": job.progress,
        "memory_bytes": job.memory.now,
    }


def _service(service: RunningService) -> dict[str, Any]:
    return {"state": service.state, "pid": service.pid if service.alive else None, "restarts": service.restarts.total}
