"""The process that `elder-worker run` becomes: the supervisor and its log, with no settings or secrets in its memory or environment."""

from __future__ import annotations

import logging
import os
import shutil
import sys

import msgspec

from supervisor.config import SupervisorConfig
from worker.config.sealed import unseal
from worker.logs import line as log_line


class Orders(msgspec.Struct, frozen=True):
    """What it is told, in a sealed descriptor. `folder` is removed at the end."""

    config: SupervisorConfig
    folder: str
    log_level: str
    log_format: str


def main(orders_fd: int) -> int:
    """Until the service is told to stop; the exit code."""
    from supervisor.supervisor import Supervisor  # noqa: PLC0415 - who only gives orders does without it

    orders = unseal(orders_fd, Orders)
    os.close(orders_fd)
    log_line.configure(orders.log_level, orders.log_format)
    config = orders.config
    logging.getLogger("worker").info("starting", extra={"pools": dict(config.pools), "job_memory_mb": config.memory_mb})
    try:
        return Supervisor(config).run()
    finally:
        shutil.rmtree(orders.folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
