"""``elder-worker jobs unpark JOB``: lets a parked job run again."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from worker.cli.main import EXIT_CONFIG, CommandError
from worker.config.settings import load
from worker.store.claims import unpark
from worker.store.connection import connect
from worker.store.errors import StoreError


def main(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Makes a job due that was parked because it kept crashing."""
    url = load(environ).database_url
    if not url:
        raise CommandError("DATABASE_URL is not set", EXIT_CONFIG)
    try:
        with connect(url) as connection:
            found = unpark(connection, options.job)
    except StoreError as error:
        raise CommandError(str(error)) from None
    if not found:
        raise CommandError(f"job {options.job} is not parked")
    print(f"job {options.job} is due now")
    return 0
