"""``elder-worker migrate``: creates or upgrades the database schema."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from worker.cli.main import EXIT_CONFIG, CommandError
from worker.config.settings import load
from worker.logs import structured as logs
from worker.store.errors import Misconfigured, StoreError
from worker.store.migrate import migrate


def main(_options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Brings the schema up to date."""
    settings = load(environ)
    url = settings.database_url
    if not url:
        raise CommandError("DATABASE_URL is not set: there is nothing to migrate", EXIT_CONFIG)
    logs.configure(settings.log_level, settings.log_format)
    try:
        print(f"the schema is at version {migrate(url)}")
    except StoreError as error:
        raise CommandError(str(error), EXIT_CONFIG if isinstance(error, Misconfigured) else 1) from None
    return 0
