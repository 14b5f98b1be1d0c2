"""``elder-worker keys make|list|rotate|revoke``: keys of the Elder API, in its database, so that the first one needs no API."""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Mapping
from typing import Any

from providers.counted import counted
from supervisor.plain import plain
from worker.cli.main import EXIT_CONFIG, CommandError
from worker.cli.person import person
from worker.config.settings import load
from worker.store import audit, keys, organizations
from worker.store.connection import Connection, connect, transaction
from worker.store.errors import NotPossible, StoreError

SHOWN = 1000
"""Keys that one list shows."""

DAY = 86_400


def main(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Carries out the action on the database of DATABASE_URL."""
    url = load(environ).database_url
    if not url:
        raise CommandError("DATABASE_URL is not set", EXIT_CONFIG)
    try:
        with connect(url) as connection, transaction(connection):
            print(_ACTIONS[options.action](connection, options))
    except (StoreError, NotPossible) as error:
        raise CommandError(str(error)) from None
    return 0


def _make(connection: Connection, options: argparse.Namespace) -> str:
    try:
        keys.Names(options.name, options.role, options.organization_id)
    except ValueError as error:
        raise CommandError(str(error).replace("`name`", "NAME"), EXIT_CONFIG) from None
    if options.organization_id is not None and organizations.get(connection, options.organization_id) is None:
        raise CommandError(f"there is no organization {options.organization_id}", EXIT_CONFIG)
    days = options.expires_in_days
    if days is not None and days < 1:
        raise CommandError("--expires-in-days is 1 or more", EXIT_CONFIG)
    seconds = days * DAY if days else None
    row, key = keys.add(
        connection, options.name.strip(), options.role, by=person().name, seconds=seconds, organization=options.organization_id
    )
    audit.add(connection, person(), "key made", f"key {row['id']}", after=row)
    return key


def _rotate(connection: Connection, options: argparse.Namespace) -> str:
    if options.grace < 0:
        raise CommandError("--grace is 0 or more", EXIT_CONFIG)
    before = _in_use(connection, options.name)
    rotated = keys.rotate(connection, before["id"], options.grace)
    assert rotated is not None, "its row is there, in the same transaction"
    audit.add(connection, person(), "key rotated", f"key {before['id']}", before, rotated[0])
    return rotated[1]


def _revoke(connection: Connection, options: argparse.Namespace) -> str:
    before = _in_use(connection, options.name)
    after = keys.revoke(connection, before["id"])
    audit.add(connection, person(), "key revoked", f"key {before['id']}", before, after)
    return f"key {options.name} is revoked"


def _in_use(connection: Connection, name: str) -> dict[str, Any]:
    found = keys.in_use(connection, name)
    if found is None:
        raise CommandError(plain(f"there is no key '{name}' in use: see `elder-worker keys list`"))
    return found


def _list(connection: Connection, _options: argparse.Namespace) -> str:
    rows, total = keys.selection().page(connection, 1, SHOWN)
    lines = [plain(_line(row)) for row in rows]
    return "\n".join([*lines, counted(total, "key") + (f", the newest {SHOWN} shown" if total > SHOWN else "")])


def _line(row: Mapping[str, Any]) -> str:
    used = _minute(row["last_used_at"]) or "never"
    return (
        f"{row['name']:<24}  {row['role']:<7}  {row['prefix']}...  made {_minute(row['created_at'])}  last used {used:<16}  {_state(row)}"
    )


def _state(row: Mapping[str, Any]) -> str:
    if row["revoked_at"]:
        return f"revoked {_minute(row['revoked_at'])}"
    expires = row["expires_at"]
    of = f", of organization {row['organization_id']}" if row["organization_id"] else ""
    if expires is None:
        return f"in use{of}"
    return f"{'expired' if expires <= dt.datetime.now(dt.UTC) else 'expires'} {_minute(expires)}{of}"


def _minute(when: dt.datetime | None) -> str:
    return f"{when:%Y-%m-%d %H:%M}" if when else ""


_ACTIONS = {"make": _make, "list": _list, "rotate": _rotate, "revoke": _revoke}
