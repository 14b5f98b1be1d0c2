"""Configs of jobs with sealed secrets, and the secrets of webhooks, for the rotation of keys."""

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
    """``discovery_jobs``, ``tests`` for a connectivity test that is being answered, or ``webhooks`` for what deliveries are signed with."""
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
    yield from (SealedConfig("tests", str(row), "under way", config) for row, config in tests)
    hooks = connection.execute(statements.get("sealed_webhooks")).fetchall()
    yield from (SealedConfig("webhooks", str(row), name, secrets) for row, name, secrets in hooks)


def change_config(connection: Connection, found: SealedConfig, change: Callable[[Any], Any]) -> None:
    """Stores a changed config. The row is read again under a lock, as the API may have changed it meanwhile; nothing else of it changes."""
    read, write = _STATEMENTS[found.table]()
    with transaction(connection):
        row = connection.execute(read, [found.id]).fetchone()
        if row is not None:
            connection.execute(write, [Jsonb(change(row[0])), found.id])


_STATEMENTS: dict[str, Callable[[], tuple[bytes, bytes]]] = {
    "discovery_jobs": lambda: (statements.get("config_of_job"), statements.get("set_config_of_job")),
    "tests": lambda: (statements.get("config_of_test"), statements.get("set_config_of_test")),
    "webhooks": lambda: (statements.get("secrets_of_webhook"), statements.get("set_secrets_of_webhook")),
}
"""Table -> how a config is read under a lock, and how it is stored."""
