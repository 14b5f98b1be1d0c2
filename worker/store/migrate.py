"""Upgrades the schema: numbered SQL files, each applied once, however many replicas start at the same time."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from importlib import resources

from psycopg import errors

from worker.store import statements
from worker.store.connection import Connection, connect, transaction
from worker.store.errors import Misconfigured
from worker.store.purge import purge

LOCK = 0x656C646572  # "elder"

STEPS: dict[str, Callable[[Connection], object]] = {"0016_keys_of_07e0fda": purge}
"""What follows a migration in its transaction and SQL cannot do."""


def migrate(url: str) -> str:
    """Applies missing migrations; returns the schema's version. Raises `StoreError`."""
    connection = connect(url, "elder-worker migrate")
    try:
        return migrate_on(connection)
    finally:
        connection.close()


def migrate_on(connection: Connection) -> str:
    """Applies missing migrations on an open connection; returns the schema's version."""
    with transaction(connection):
        connection.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        missing = _missing(connection)
        try:
            with transaction(connection):  # a savepoint
                _apply(connection, missing)
        except Misconfigured as error:
            if isinstance(error.__cause__, errors.InsufficientPrivilege):
                raise _not_permitted(connection, missing, error) from error
            raise
    return version()


def _missing(connection: Connection) -> dict[str, str]:
    """The migrations that the database lacks. Needs no right to create anything."""
    found = connection.execute("select to_regclass('elder_worker.migrations') is not null").fetchone()
    applied: dict[str, str] = {}
    if found and found[0]:
        applied = dict(connection.execute("select name, checksum from elder_worker.migrations").fetchall())
    ours = migrations()
    _compare(applied, ours)
    return {name: body for name, body in ours.items() if name not in applied}


def _apply(connection: Connection, missing: dict[str, str]) -> None:
    if missing:
        connection.execute("create schema if not exists elder_worker")
        connection.execute(statements.get("migrations_table"))
    for name, body in missing.items():
        connection.execute(body.encode())
        if name in STEPS:
            STEPS[name](connection)
        connection.execute("insert into elder_worker.migrations (name, checksum) values (%s, %s)", [name, checksum(body)])


def _not_permitted(connection: Connection, missing: dict[str, str], error: Misconfigured) -> Misconfigured:
    """The error of a role that may not change the schema, with what to do."""
    return Misconfigured(
        f"the database lacks {len(missing)} migrations from {next(iter(missing))} on, and the role '{connection.info.user}' may not apply "
        f"them ({str(error).removesuffix(': check DATABASE_URL')}): run `elder-worker migrate` as the role that owns the schema"
    )


def migrations() -> dict[str, str]:
    """SQL of each migration by name, in the order of application."""
    files = [file for file in resources.files("worker.store").joinpath("migrations").iterdir() if re.match(r"\d{4}_\w+\.sql$", file.name)]
    return {file.name.removesuffix(".sql"): file.read_text() for file in sorted(files, key=lambda file: file.name)}


def version() -> str:
    """Version of this code's schema: the number of the last migration."""
    return list(migrations())[-1].partition("_")[0]


def checksum(body: str) -> str:
    """Checksum of a migration's SQL."""
    return hashlib.sha256(body.encode()).hexdigest()[:16]


def _compare(applied: dict[str, str], ours: dict[str, str]) -> None:
    newer = sorted(set(applied) - set(ours))
    if newer:
        raise Misconfigured(
            f"the database has the schema of a newer version ({newer[-1]}), this one knows up to {list(ours)[-1]}: upgrade it"
        )
    changed = [name for name, found in applied.items() if found != checksum(ours[name])]
    if changed:
        raise Misconfigured(f"migration {changed[0]} was applied in another form than this version has: restore the file or the database")
