"""``elder-worker scopes list|retire``: shows scopes by their state, and retires abandoned ones."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

import msgspec

from providers.counted import counted, counted_are, largest
from supervisor.plain import plain
from worker.cli.main import EXIT_CONFIG, CommandError
from worker.cli.person import confirm, person
from worker.config.settings import load
from worker.store import audit, lifecycle
from worker.store.connection import Connection, connect, transaction
from worker.store.errors import StoreError
from worker.store.lifecycle import Filters, Losses
from worker.store.pool import snapshot

SHOWN = 1000
"""Scopes that one list shows."""


def main(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Lists scopes, or retires abandoned ones."""
    url = load(environ).database_url
    if not url:
        raise CommandError("DATABASE_URL is not set", EXIT_CONFIG)
    filters = Filters(**{name: getattr(options, name) for name in Filters.__struct_fields__})
    try:
        with connect(url) as connection:
            return _retire(connection, filters, options.yes) if options.action == "retire" else _list(connection, filters)
    except StoreError as error:
        raise CommandError(str(error)) from None


def _list(connection: Connection, filters: Filters) -> int:
    rows, total = lifecycle.selection(filters).page(connection, 1, SHOWN)
    for row in rows:
        where = " ".join(str(row[name]) for name in ("provider", "account", "region", "resource_type", "coverage") if row[name])
        complete = f"{row['last_complete_at']:%Y-%m-%d %H:%M}" if row["last_complete_at"] else "never"
        line = f"{row['state']:<9}  {row['owner']:<20}  read in full: {complete:<16}  {row['entities']:>7} entities  {where}"
        reason = " ".join(part for part in (row["last_outcome"], row["message"]) if part) if row["last_outcome"] != "complete" else ""
        print(plain(line + (f"  {reason}" if reason else "")))
    print(counted(total, "scope") + (f", the first {SHOWN} shown" if total > SHOWN else ""))
    return 0


def _retire(connection: Connection, filters: Filters, yes: bool) -> int:
    if filters.not_complete_for is not None or filters.never_complete:
        raise CommandError("--not-complete-for and --never-complete go with list alone", EXIT_CONFIG)
    if filters == Filters(state=filters.state):
        raise CommandError("name what to retire: --owner, --account, --provider, --region or --resource-type", EXIT_CONFIG)
    if not yes:
        with snapshot(connection):
            lost = lifecycle.losses(connection, filters)
        if not lost.scopes:
            print("no abandoned scope fits: nothing is changed")
            return 0
        confirm(_question(lost))
    named = {name: value for name, value in msgspec.structs.asdict(filters).items() if value is not None}
    with transaction(connection):
        retired = lifecycle.retire(connection, filters)
        audit.add(connection, person(), "scopes retired", " ".join(f"{name}={value}" for name, value in named.items()), after=retired)
    print(f"{counted_are(retired.scopes, 'abandoned scope')} retired; {counted_are(retired.entities, 'entity')} marked as deleted")
    return 0


def _question(lost: Losses) -> str:
    """The question before retiring: how many scopes, and how many entities of each type are lost."""
    types = largest(lost.types)
    deleted = f"{counted_are(lost.entities, 'entity')} marked as deleted" + (f" ({types})" if types else "")
    kept = f"; {counted(lost.kept, 'entity')} that a current scope sees {'stays' if lost.kept == 1 else 'stay'}" if lost.kept else ""
    return f"Retire {counted(lost.scopes, 'abandoned scope')}? {deleted}{kept}."
