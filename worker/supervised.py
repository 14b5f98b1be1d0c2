"""The process that `elder-worker run` becomes: the supervisor and its log, with no settings or secrets in its memory or environment."""

from __future__ import annotations

import logging
import os
import sys

import msgspec

from supervisor.config import SupervisorConfig
from supervisor.folders import settle_temporary_folder
from worker.config.sealed import unseal
from worker.logs import line as log_line


class ServiceConfig(msgspec.Struct, frozen=True):
    """The configuration of the supervisor's process, passed in a sealed descriptor. `warnings` are logged at the start."""

    config: SupervisorConfig
    log_level: str
    log_format: str
    warnings: tuple[str, ...] = ()


def main(fd: int) -> int:
    """Runs the supervisor until a signal stops it; returns the exit code."""
    settle_temporary_folder()
    from supervisor.supervisor import Supervisor  # noqa: PLC0415 - a process that only makes the configuration does not need it

    service = unseal(fd, ServiceConfig)
    os.close(fd)
    log_line.configure(service.log_level, service.log_format)
    config, log = service.config, logging.getLogger("worker")
    figures = {"pools": dict(config.pools), "job_memory_mb": config.memory_mb, "memory_budget_mb": config.memory_budget_mb}
    log.info("starting: %s", _capacity(config), extra=figures)
    for warning in service.warnings:
        log.warning(warning)
    return Supervisor(config).run()


def _capacity(config: SupervisorConfig) -> str:
    """How much may run at once, as a sentence."""
    at_once = f"{config.pools['discovery']} discovery jobs and {config.pools['connector']} syncs at once, {config.memory_mb} MB each"
    return at_once if config.memory_budget_mb is None else f"{at_once}, {config.memory_budget_mb} MB in all"


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
