"""Services that start from an environment with secrets: the supervisor (``elder-worker run``) and the API pass their settings on sealed.

A process becomes the service by exec, so that the values of the environment stay in no memory and in no /proc/PID/environ, and the
modules that only the settings need are not kept for the life of the service.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn, TypeVar

import msgspec

from supervisor import kernel, published
from supervisor.config import Service, SupervisorConfig
from worker.config import container
from worker.config.environment import scrub
from worker.config.limits import Limits, limits
from worker.config.sealed import seal, unseal
from worker.config.settings import Settings
from worker.supervised import ServiceConfig

ContentT = TypeVar("ContentT", bound=msgspec.Struct)


def supervisor_config(limits: Limits, *, once: bool = False, job: int | None = None) -> SupervisorConfig:
    """The supervisor's configuration. Makes the descriptors that hold settings, published state and unstored outcomes."""
    settings = limits.settings
    state, unstored = published.create(), published.create("unstored-outcomes")
    for fd in (state, unstored):
        os.set_inheritable(fd, True)  # for the exec
    writer = Service(
        name="writer",
        entry="worker.writer:main",
        arguments={"once": once, "job": job},
        descriptors={"settings": seal(settings), "unstored": unstored, **({"state": state} if settings.otel_enabled else {})},
    )
    health = Service(name="http", entry="worker.web:main", descriptors={"state": state, "settings": seal(settings.without_secrets())})
    return SupervisorConfig(
        pools=settings.pools(),
        writer=writer,
        services=() if once else (health,),
        job_entry="worker.job.entry:main",
        state=state,
        kill_grace=settings.discovery_kill_grace,
        shutdown_grace=settings.shutdown_grace,
        memory_mb=limits.memory_mb,
        memory_budget_mb=limits.budget_mb,
        confine_files=settings.discovery_confine_files,
        kill_latency_metric="discovery_kill_latency_seconds",
        forbidden_modules=("psycopg", "psycopg_binary", "psycopg_c", "psycopg_pool", "psycopg2"),
    )


def run(settings: Settings, *, once: bool = False, job: int | None = None) -> NoReturn:
    """Replaces this process with the supervisor, which runs until a signal stops it.

    Raises `SettingsError` for limits that the container cannot hold.
    """
    found = limits(settings, container.memory_limit_mb())
    config = supervisor_config(found, once=once, job=job)
    become("worker.supervised", ServiceConfig(config, settings.log_level, settings.log_format, found.settings.warnings))


def become(module: str, content: msgspec.Struct) -> NoReturn:
    """Replaces this process with ``python -m module FD``; FD is a sealed descriptor of `content`, for `inherited`."""
    sealed = seal(content)
    scrub(os.environ)
    os.execv(sys.executable, command(module, str(sealed)))  # noqa: S606 - the same interpreter


def command(module: str, *arguments: str) -> list[str]:
    """The command that runs a module by this interpreter."""
    safe_path = [] if sys.path[0] in ("", str(Path.cwd())) else ["-P"]  # in a checkout, its own packages are imported
    return [sys.executable, *safe_path, "-m", module, *arguments]


def inherited(fd: int, kind: type[ContentT]) -> ContentT:
    """Hides this process's memory, environment and descriptors from others of the same user, and returns what `become` has passed on."""
    kernel.hide_memory()
    try:
        return unseal(fd, kind)
    finally:
        os.close(fd)


if __name__ == "__main__":  # for `api.legacy`: one run of one job
    run(inherited(int(sys.argv[1]), Settings), once=True, job=int(sys.argv[2]))
