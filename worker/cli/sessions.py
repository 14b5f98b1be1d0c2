"""``elder-worker sessions list|end``: sessions of people whom the identity provider has signed in to the pages."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from providers.counted import counted
from supervisor.plain import plain
from worker.cli.main import EXIT_CONFIG, CommandError
from worker.cli.person import person
from worker.config.settings import load
from worker.store import audit, sessions
from worker.store.connection import Connection, connect, transaction
from worker.store.errors import StoreError
from worker.store.sessions import Limits

SHOWN = 1000
"""Sessions that one list shows."""


def main(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Carries out the action on the database of DATABASE_URL."""
    settings = load(environ)
    if not settings.database_url:
        raise CommandError("DATABASE_URL is not set", EXIT_CONFIG)
    limits = Limits(settings.elder_session_idle_timeout, settings.elder_session_lifetime)
    try:
        with connect(settings.database_url) as connection, transaction(connection):
            print(_end(connection, options.subject) if options.action == "end" else _list(connection, limits))
    except StoreError as error:
        raise CommandError(str(error)) from None
    return 0


def _end(connection: Connection, subject: str) -> str:
    ended = sessions.end_all(connection, subject)
    if not ended:
        raise CommandError(plain(f"no session of the subject '{subject}' is open: see `elder-worker sessions list`"))
    audit.add(connection, person(), "sessions ended", f"person {subject}", before=ended)
    return plain(f"{counted(len(ended), 'session')} of {ended[0]['name']} ({subject}) ended")


def _list(connection: Connection, limits: Limits) -> str:
    rows, total = sessions.selection(limits).page(connection, 1, SHOWN)
    lines = [
        plain(
            f"{row['subject']:<36}  {row['role']:<7}  {row['name']}  signed in {row['created_at']:%Y-%m-%d %H:%M}  "
            f"last used {row['seen_at']:%Y-%m-%d %H:%M}"
        )
        for row in rows
    ]
    return "\n".join([*lines, counted(total, "session") + (f", the newest {SHOWN} shown" if total > SHOWN else "")])
