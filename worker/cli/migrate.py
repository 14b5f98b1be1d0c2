"""``elder-worker migrate``: creates or upgrades the database schema, and the role that workers and the API have in it."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from worker.cli.main import EXIT_CONFIG, CommandError
from worker.config.settings import load
from worker.logs import structured as logs
from worker.store import app_role
from worker.store.connection import connect
from worker.store.errors import Misconfigured, StoreError
from worker.store.migrate import migrate


def main(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Brings the schema up to date."""
    settings = load(environ)
    url = settings.database_url
    if not url:
        raise CommandError("DATABASE_URL is not set: there is nothing to migrate", EXIT_CONFIG)
    password = _password(options)
    logs.configure(settings.log_level, settings.log_format)
    try:
        print(f"the schema is at version {migrate(url)}")
        if options.app_role:
            with connect(url, "elder-worker migrate") as connection:
                app_role.grant(connection, options.app_role, password)
            print(f"the role {options.app_role} may read and write its rows")
    except StoreError as error:
        raise CommandError(str(error), EXIT_CONFIG if isinstance(error, Misconfigured) else 1) from None
    return 0


def _password(options: argparse.Namespace) -> str:
    """The password of the role that is asked for. Raises `CommandError`."""
    if bool(options.app_role) != bool(options.app_password_file):
        raise CommandError("--app-role and --app-password-file go together", EXIT_CONFIG)
    if not options.app_role:
        return ""
    try:
        found = Path(options.app_password_file).read_text().strip()
    except OSError as error:
        raise CommandError(f"--app-password-file: {error}", EXIT_CONFIG) from None
    if not found:
        raise CommandError(f"--app-password-file: {options.app_password_file} is empty", EXIT_CONFIG)
    return found
