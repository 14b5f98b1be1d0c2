"""``elder-worker run``: the worker, for ever or for what is due."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

import msgspec

from worker.cli.main import EXIT_CONFIG, CommandError
from worker.config import container
from worker.config.packages import installed
from worker.config.settings import load
from worker.config.telemetry import require_extra
from worker.service import run

NO_FOLDER = (
    "no folder for temporary files can be written, and no job starts without: free some space, mount a tmpfs at /tmp, or name one by TMPDIR"
)


def main(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Checks what the worker needs, and becomes it."""
    settings = load(environ, installed())
    require_extra(settings)
    if options.job is not None and not options.once:
        raise CommandError("--job needs --once", EXIT_CONFIG)
    if options.once and not settings.database_url:
        raise CommandError("run --once needs DATABASE_URL: there is no queue of jobs without a database", EXIT_CONFIG)
    if not container.can_write():
        settings = msgspec.structs.replace(settings, warnings=(*settings.warnings, NO_FOLDER))
    return run(settings, once=options.once, job=options.job)
