"""Upgrades the schema: numbered SQL files, each applied once, however many replicas start at the same time."""

from __future__ import annotations

import hashlib
import re
from importlib import resources

from worker.store import statements
from worker.store.connection import Connection, connect, transaction
from worker.store.errors import Misconfigured

LOCK = 0x656C646572  # "elder"


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
        connection.execute("create schema if not exists elder_worker")
        connection.execute(statements.get("migrations_table"))
        applied: dict[str, str] = dict(connection.execute("select name, checksum from elder_worker.migrations").fetchall())
        ours = migrations()
        _compare(applied, ours)
        for name, body in ours.items():
            if name not in applied:
                connection.execute(body.encode())
                connection.execute("insert into elder_worker.migrations (name, checksum) values (%s, %s)", [name, checksum(body)])
    return version()


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
