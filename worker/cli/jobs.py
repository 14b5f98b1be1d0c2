"""``elder-worker jobs unpark|accept-identity JOB``."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from supervisor.plain import plain
from worker.cli.main import EXIT_CONFIG, CommandError
from worker.cli.person import person
from worker.config.settings import load
from worker.store import audit
from worker.store.claims import accept_identity, unpark
from worker.store.connection import Connection, connect, transaction
from worker.store.errors import StoreError


def main(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Lets a parked job run again, or lets a job read another source than before."""
    url = load(environ).database_url
    if not url:
        raise CommandError("DATABASE_URL is not set", EXIT_CONFIG)
    act = _accept if options.action == "accept-identity" else _unpark
    try:
        with connect(url) as connection, transaction(connection):
            print(plain(act(connection, options.job)))
    except StoreError as error:
        raise CommandError(str(error)) from None
    return 0


def _unpark(connection: Connection, job: int) -> str:
    if not unpark(connection, job):
        raise CommandError(f"job {job} is not parked")
    audit.add(connection, person(), "job unparked", f"job {job}")
    return f"job {job} is due now"


def _accept(connection: Connection, job: int) -> str:
    before = accept_identity(connection, job)
    if before is None:
        raise CommandError(f"there is no job {job}")
    audit.add(connection, person(), "identity accepted", f"job {job}", {"identity": before or None})
    return f"job {job} is due now" + (f"; it was pinned to {before}, and is pinned anew by its next complete run" if before else "")
