"""``elder-worker run``: settings into sealed descriptors, the environment scrubbed, and the supervisor started in this very process."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import MutableMapping

from supervisor.config import Service, SupervisorConfig
from supervisor.supervisor import Supervisor
from worker import container, logs
from worker.redact import Redactor
from worker.settings import Settings, to_memfd

KEPT = frozenset(
    {"PATH", "LANG", "TZ", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "SSL_CERT_FILE", "SSL_CERT_DIR", "XDG_RUNTIME_DIR"}
)
KEPT_PREFIXES = ("LC_", "PYTHON")
PROXIES = frozenset({"http_proxy", "https_proxy", "no_proxy", "all_proxy"})

log = logging.getLogger("worker")


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
        descriptors={"settings": to_memfd(settings)},
    )
    health = Service(
        name="http", entry="worker.http:main", arguments={"state": state}, descriptors={"settings": to_memfd(settings.without_secrets())}
    )
    return SupervisorConfig(
        pools={"discovery": settings.discovery_max_concurrent, "connector": settings.connector_max_concurrent, "test": 1},
        writer=writer,
        services=() if once else (health,),
        state_path=state,
        kill_grace=settings.discovery_kill_grace,
        shutdown_grace=settings.shutdown_grace,
        memory_mb=memory,
        memory_budget_mb=budget,
        confine_files=settings.discovery_confine_files,
        forbidden_modules=("psycopg", "psycopg_binary", "psycopg_c", "psycopg_pool"),
    )


def run(settings: Settings, *, once: bool = False, job: int | None = None) -> int:
    """Until the service is told to stop; the exit code."""
    logs.configure(settings.log_level, settings.log_format, redactor=Redactor(settings.secret_values()))
    folder = container.runtime_folder()
    try:
        config = supervisor_config(settings, folder, once=once, job=job)
        scrub(os.environ)
        log.info("starting", extra={"pools": dict(config.pools), "job_memory_mb": config.memory_mb})
        return Supervisor(config).run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
