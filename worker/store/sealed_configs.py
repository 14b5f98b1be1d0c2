"""Configs of jobs with sealed secrets, for the rotation of keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from psycopg.types.json import Jsonb

from worker.store import statements
from worker.store.connection import Connection, transaction

BATCH = 100
"""Rows that one transaction locks."""


class SealedConfig(NamedTuple):
    """One stored config with a sealed value in it."""

    table: str
    """``discovery_jobs``, or ``tests`` for a connectivity test that is being answered."""
    id: str
    name: str
    config: Any


def sealed_configs(connection: Connection, mark: str) -> Iterator[SealedConfig]:
    """Every config in which `mark` stands. Reads in batches, and locks nothing."""
    after = 0
    while found := connection.execute(statements.get("sealed_configs"), {"mark": mark, "after": after, "limit": BATCH}).fetchall():
        yield from (SealedConfig("discovery_jobs", str(row), name, config) for row, name, config in found)
        after = found[-1][0]
    tests = connection.execute(statements.get("sealed_tests"), {"mark": mark}).fetchall()
    yield from (SealedConfig("tests", str(row), "a connectivity test", config) for row, config in tests)


def change_config(connection: Connection, found: SealedConfig, change: Callable[[Any], Any]) -> None:
    """Stores a changed config. The row is read again under a lock, as the API may have changed it meanwhile; nothing else of it changes."""
    of_job = found.table == "discovery_jobs"
    read = statements.get("config_of_job") if of_job else statements.get("config_of_test")
    write = statements.get("set_config_of_job") if of_job else statements.get("set_config_of_test")
    with transaction(connection):
        row = connection.execute(read, [found.id]).fetchone()
        if row is not None:
            connection.execute(write, [Jsonb(change(row[0])), found.id])
