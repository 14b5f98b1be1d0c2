"""``elder-worker run``: settings into sealed descriptors, and this very process becomes the supervisor.

It does so by exec: what the environment held is then in nobody's memory and in no /proc/PID/environ, and what only the settings
needed is not carried along for the life of the service.
"""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import NoReturn

from supervisor.config import Service, SupervisorConfig
from worker.config import container
from worker.config.sealed import seal
from worker.config.settings import Settings
from worker.supervised import Orders

KEPT = frozenset(
    {"PATH", "LANG", "TZ", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "SSL_CERT_FILE", "SSL_CERT_DIR", "XDG_RUNTIME_DIR"}
)
KEPT_PREFIXES = ("LC_", "PYTHON")
PROXIES = frozenset({"http_proxy", "https_proxy", "no_proxy", "all_proxy"})


def scrub(environ: MutableMapping[str, str]) -> None:
    """Leaves what a process needs to run; everything else is in the settings, or nobody's business."""
    for name in list(environ):
        if name not in KEPT and not name.startswith(KEPT_PREFIXES) and name.lower() not in PROXIES:
            del environ[name]


def supervisor_config(settings: Settings, folder: str, *, once: bool = False, job: int | None = None) -> SupervisorConfig:
    """What the supervisor is told. Makes the descriptors that hold the settings."""
    slots = settings.discovery_max_concurrent + settings.connector_max_concurrent
    memory, budget = container.job_memory(settings.discovery_job_memory_mb, slots, container.memory_limit_mb())
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
        memory_mb=memory,
        memory_budget_mb=budget,
        confine_files=settings.discovery_confine_files,
        kill_latency_metric="discovery_kill_latency_seconds",
        forbidden_modules=("psycopg", "psycopg_binary", "psycopg_c", "psycopg_pool", "psycopg2"),
    )


def run(settings: Settings, *, once: bool = False, job: int | None = None) -> NoReturn:
    """Until the service is told to stop."""
    folder = container.runtime_folder()
    config = supervisor_config(settings, folder, once=once, job=job)
    orders = seal(Orders(config, folder, settings.log_level, settings.log_format))
    scrub(os.environ)
    at_hand = [] if sys.path[0] in ("", str(Path.cwd())) else ["-P"]  # who runs from a checkout means the one that is there
    os.execv(sys.executable, [sys.executable, *at_hand, "-m", "worker.supervised", str(orders)])  # noqa: S606 - it is us
