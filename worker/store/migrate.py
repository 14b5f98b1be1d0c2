"""Upgrades the schema: numbered SQL files, each applied once, however many replicas start at the same time.

The first line of a migration, ``-- works with: 0016``, is the version of the oldest schema whose code works with the result. It is stored
with the migration, so that code which does not know a migration can tell whether it may go on. A migration without it is one-way.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from importlib import resources

import structlog
from psycopg import errors

from providers.counted import counted
from worker.store import statements
from worker.store.connection import Connection, connect, transaction
from worker.store.errors import Conflict, Misconfigured, NewerSchema
from worker.store.purge import purge

LOCK = 0x656C646572  # "elder"

STEPS: dict[str, Callable[[Connection], object]] = {"0016_keys_of_07e0fda": purge}
"""Python steps that follow a migration in its transaction, for what SQL cannot do."""

TRIES = 5
"""Tries of a migration that meets locks of others."""

_WORKS_WITH = re.compile(r"-- works with: (\d{4})\n")

_log = structlog.get_logger("worker.migrate")


def migrate(url: str) -> str:
    """Applies missing migrations; returns the version of the database's schema. Raises `StoreError`."""
    connection = connect(url, "elder-worker migrate")
    try:
        return migrate_on(connection)
    finally:
        connection.close()


def migrate_on(connection: Connection) -> str:
    """Applies missing migrations on an open connection; returns the version of the schema, which may be newer than this code's.

    Workers and APIs write meanwhile, and a migration locks the tables that it changes: where they are in each other's way, all of it
    is tried again.
    """
    for left in reversed(range(TRIES)):
        try:
            return _migrate(connection)
        except Conflict as error:
            if not left:
                raise
            _log.info(f"a worker or API was in the way of the migration, which is tried again: {error}")
    raise AssertionError("the last try returns or raises")


def _migrate(connection: Connection) -> str:
    with transaction(connection):
        connection.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        applied = _applied(connection)
        missing = {name: body for name, body in migrations().items() if name not in applied}
        try:
            with transaction(connection):  # a savepoint
                _apply(connection, missing)
        except Misconfigured as error:
            if isinstance(error.__cause__, errors.InsufficientPrivilege):
                raise _not_permitted(connection, missing, error) from error
            raise
    if applied and (one_way := [name for name, body in missing.items() if works_with(body) is None]):
        _log.warning(
            f"the schema was upgraded one way, by {', '.join(one_way)}: workers and APIs of the release before refuse it from now on"
        )
    return max([version(), *map(_number, applied)])


def _applied(connection: Connection) -> dict[str, str]:
    """Checksums of the applied migrations by name. Needs no right to create anything. Raises `Misconfigured`."""
    found = connection.execute("select to_regclass('elder_worker.migrations') is not null").fetchone()
    rows = connection.execute(statements.get("applied_migrations")).fetchall() if found and found[0] else []
    _check_newer({name: oldest for name, _, oldest in rows})
    applied = {name: checksum for name, checksum, _ in rows}
    _check_unchanged(applied)
    return applied


def _apply(connection: Connection, missing: dict[str, str]) -> None:
    if missing:
        connection.execute("create schema if not exists elder_worker")
        connection.execute(statements.get("migrations_table"))
    for name, body in missing.items():
        connection.execute(body.encode())
        if name in STEPS:
            STEPS[name](connection)
        connection.execute("insert into elder_worker.migrations (name, checksum) values (%s, %s)", [name, checksum(body)])
    for name, body in missing.items():  # the column is there only now
        if oldest := works_with(body):
            connection.execute("update elder_worker.migrations set works_with = %s where name = %s", [oldest, name])


def _not_permitted(connection: Connection, missing: dict[str, str], error: Misconfigured) -> Misconfigured:
    """The error of a role that may not change the schema, with what to do."""
    lacking = f"{counted(len(missing), 'migration')} from {next(iter(missing))} on"
    return Misconfigured(
        f"the database lacks {lacking}, and the role '{connection.info.user}' may not apply "
        f"them ({str(error).removesuffix(': check DATABASE_URL')}): run `elder-worker migrate` as the role that owns the schema"
    )


def migrations() -> dict[str, str]:
    """SQL of each migration by name, in the order of application."""
    files = [file for file in resources.files("worker.store").joinpath("migrations").iterdir() if re.match(r"\d{4}_\w+\.sql$", file.name)]
    return {file.name.removesuffix(".sql"): file.read_text() for file in sorted(files, key=lambda file: file.name)}


def version() -> str:
    """Version of this code's schema: the number of the last migration."""
    return _number(list(migrations())[-1])


def _number(name: str) -> str:
    """Number of a migration, as four digits."""
    return name.partition("_")[0]


def works_with(body: str) -> str | None:
    """Version of the oldest schema whose code works with a migration's result; None when the migration is one-way."""
    match = _WORKS_WITH.match(body)
    return match[1] if match else None


def checksum(body: str) -> str:
    """Checksum of a migration's SQL."""
    return hashlib.sha256(body.encode()).hexdigest()[:16]


def _check_newer(oldest: dict[str, str | None]) -> None:
    """Raises `NewerSchema` when a migration that this code does not know needs newer code."""
    ours, known = migrations(), version()
    refused = sorted(name for name, number in oldest.items() if name not in ours and (number is None or number > known))
    if refused:
        raise NewerSchema(
            f"the database has the schema of a newer version ({refused[-1]}); this version knows up to {list(ours)[-1]} and does not work "
            "with it: install the newer version here too, or restore a backup from before the upgrade"
        )


def _check_unchanged(applied: dict[str, str]) -> None:
    ours = migrations()
    changed = [name for name, found in applied.items() if name in ours and found != checksum(ours[name])]
    if changed:
        raise Misconfigured(f"migration {changed[0]} was applied in another form than this version has: restore the file or the database")
