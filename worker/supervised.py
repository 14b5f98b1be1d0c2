"""The process that `elder-worker run` becomes: the supervisor and its log, with no settings or secrets in its memory or environment."""

from __future__ import annotations

import logging
import os
import sys

import msgspec

from supervisor.config import SupervisorConfig
from worker.config.sealed import unseal
from worker.logs import line as log_line


class ServiceConfig(msgspec.Struct, frozen=True):
    """The configuration of the supervisor's process, passed in a sealed descriptor."""

    config: SupervisorConfig
    log_level: str
    log_format: str


def main(fd: int) -> int:
    """Runs the supervisor until a signal stops it; returns the exit code."""
    from supervisor.supervisor import Supervisor  # noqa: PLC0415 - a process that only makes the configuration does not need it

    service = unseal(fd, ServiceConfig)
    os.close(fd)
    log_line.configure(service.log_level, service.log_format)
    config = service.config
    logging.getLogger("worker").info("starting", extra={"pools": dict(config.pools), "job_memory_mb": config.memory_mb})
    return Supervisor(config).run()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
