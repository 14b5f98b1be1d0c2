"""``elder-worker runs held RUN`` and ``elder-worker runs release RUN``: what the guard against mass deletion holds back of a run."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from providers.counted import are, counted
from supervisor.plain import plain
from worker.cli.main import EXIT_CONFIG, CommandError
from worker.cli.person import confirm, person
from worker.config.settings import load
from worker.store import audit, held
from worker.store.connection import Connection, connect, guarded, transaction
from worker.store.errors import StoreError
from worker.store.tombstones import Released, release

MOST = 10_000
"""Lines that are printed."""


def main(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Lists or applies what is held back."""
    url = load(environ).database_url
    if not url:
        raise CommandError("DATABASE_URL is not set", EXIT_CONFIG)
    try:
        with connect(url) as connection:
            if options.action == "held":
                return _list(connection, options.run)
            if not options.yes:
                confirm(f"Apply {counted(_held(connection, options.run), 'deletion')} of run {options.run}?")
            with transaction(connection):
                released = release(connection, options.run, person().name)
                if released is not None:
                    audit.add(connection, person(), "deletions released", f"run {options.run}", after=released._asdict())
    except StoreError as error:
        raise CommandError(str(error)) from None
    if released is None:
        raise CommandError(f"the job of run {options.run} is running, and may be reading what is held back: wait until it has ended")
    print(f"{counted(released.entities, 'entity')} of run {options.run} {are(released.entities)} now marked as deleted{_besides(released)}")
    return 0


def _held(connection: Connection, run: int) -> int:
    """The number of deletions that are held back of a run."""
    with guarded():
        return held.page(connection, 1, 1, run=run)[1]


def _list(connection: Connection, run: int) -> int:
    """Prints what is held back, one line each."""
    with guarded():
        found, total = held.page(connection, 1, MOST, run=run)
    for one in found:
        what = " ".join(part for part in (one["kind"], one["name"], one["target"] and f"-> {one['target']}") if part)
        print(plain(f"{one['held_at']:%Y-%m-%d %H:%M} {what}: {one['sub_type']} {one['entity']} ({one['external_id']})"))
    print(f"{total} held back of run {run}" + (f", {MOST} of them are listed: the API lists all" if total > MOST else ""))
    return 0


def _besides(released: Released) -> str:
    """Describes what was released besides entities, for the end of a sentence."""
    both = f"; {counted(released.links, 'link')} and {counted(released.attributes, 'attribute')} are gone"
    return both if released.links or released.attributes else ""
