"""``elder-worker run``: the worker, for ever or for what is due."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from worker.cli.main import EXIT_CONFIG, CommandError
from worker.config import container
from worker.config.packages import installed
from worker.config.settings import load
from worker.service import run


def main(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Checks what the worker needs, and becomes it."""
    settings = load(environ, installed())
    if options.job is not None and not options.once:
        raise CommandError("--job needs --once", EXIT_CONFIG)
    if options.once and not settings.database_url:
        raise CommandError("run --once needs DATABASE_URL: there is no queue of jobs without a database", EXIT_CONFIG)
    if not container.can_write():
        raise CommandError("no folder for temporary files can be written: mount a tmpfs at /tmp, or name one by TMPDIR", EXIT_CONFIG)
    return run(settings, once=options.once, job=options.job)
