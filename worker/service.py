"""``elder-worker run``: seals the settings into descriptors, and becomes the supervisor by exec.

After the exec, nothing of the environment is in the process's memory or in /proc/PID/environ, and no module that only the settings
needed is carried along for the life of the service.
"""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import NoReturn

from supervisor.config import Service, SupervisorConfig
from worker.config import container
from worker.config.limits import Limits, limits
from worker.config.sealed import seal
from worker.config.settings import Settings
from worker.supervised import ServiceConfig

KEPT = frozenset(
    {"PATH", "LANG", "TZ", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "SSL_CERT_FILE", "SSL_CERT_DIR", "XDG_RUNTIME_DIR"}
)
KEPT_PREFIXES = ("LC_", "PYTHON")
PROXIES = frozenset({"http_proxy", "https_proxy", "no_proxy", "all_proxy"})


def scrub(environ: MutableMapping[str, str]) -> None:
    """Removes every variable but those that a process needs to run: the rest is in the settings, or concerns no process of ours."""
    for name in list(environ):
        if name not in KEPT and not name.startswith(KEPT_PREFIXES) and name.lower() not in PROXIES:
            del environ[name]


def supervisor_config(limits: Limits, folder: str, *, once: bool = False, job: int | None = None) -> SupervisorConfig:
    """The configuration of the supervisor. Makes the descriptors that hold the settings."""
    settings = limits.settings
    state = f"{folder}/state.json"
    writer = Service(
        name="writer",
        entry="worker.writer:main",
        arguments={"once": once, "job": job},
        descriptors={"settings": seal(settings)},
    )
    health = Service(
        name="http", entry="worker.web:main", arguments={"state": state}, descriptors={"settings": seal(settings.without_secrets())}
    )
    return SupervisorConfig(
        pools=settings.pools(),
        writer=writer,
        services=() if once else (health,),
        job_entry="worker.job.entry:main",
        state_path=state,
        kill_grace=settings.discovery_kill_grace,
        shutdown_grace=settings.shutdown_grace,
        memory_mb=limits.memory_mb,
        memory_budget_mb=limits.budget_mb,
        confine_files=settings.discovery_confine_files,
        kill_latency_metric="discovery_kill_latency_seconds",
        forbidden_modules=("psycopg", "psycopg_binary", "psycopg_c", "psycopg_pool", "psycopg2"),
    )


def run(settings: Settings, *, once: bool = False, job: int | None = None) -> NoReturn:
    """Runs the service until it is told to stop. Raises `SettingsError` for limits that the container cannot hold."""
    found = limits(settings, container.memory_limit_mb())
    folder = container.runtime_folder()
    config = supervisor_config(found, folder, once=once, job=job)
    sealed = seal(ServiceConfig(config, folder, settings.log_level, settings.log_format, found.settings.warnings))
    scrub(os.environ)
    at_hand = [] if sys.path[0] in ("", str(Path.cwd())) else ["-P"]  # who runs from a checkout means the one that is there
    os.execv(sys.executable, [sys.executable, *at_hand, "-m", "worker.supervised", str(sealed)])  # noqa: S606 - it is us
