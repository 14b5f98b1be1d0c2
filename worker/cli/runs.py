"""``elder-worker runs release RUN``."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from worker.cli.main import EXIT_CONFIG, CommandError
from worker.config.settings import load
from worker.store.connection import connect
from worker.store.errors import StoreError
from worker.store.tombstones import release


def main(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Lets go what the guard against mass deletion held back."""
    url = load(environ).database_url
    if not url:
        raise CommandError("DATABASE_URL is not set", EXIT_CONFIG)
    try:
        with connect(url) as connection:
            released = release(connection, options.run)
    except StoreError as error:
        raise CommandError(str(error)) from None
    if released is None:
        raise CommandError(f"the job of run {options.run} is running and may be seeing again what is held: wait for its end")
    print(f"{released} entities of run {options.run} are now marked as gone")
    return 0
