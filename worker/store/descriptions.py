"""The descriptions of third parties' providers: stored by the workers that have their packages, read by everybody else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
import structlog
from psycopg.types.json import Jsonb

from providers import described
from providers.errors import ConfigError
from providers.provider import Description
from worker.store import statements
from worker.store.connection import Connection, transaction
from worker.store.errors import BadData

MOST_PROBLEMS = 100
"""Problems that are read at once."""

_Row = tuple[str, str, Jsonb | None, str]

_log = structlog.get_logger("worker.store")


def store(connection: Connection, found: Iterable[Description], problems: Mapping[str, str]) -> None:
    """Stores descriptions under the hashes of their packages' files, and for each other name why its package cannot be used."""
    rows: list[_Row] = [(one.name, one.package, Jsonb(msgspec.to_builtins(one)), "") for one in found]
    rows += [(_storable(name, 100), "", None, _storable(problem, 2000)) for name, problem in problems.items()]
    for row in rows:
        try:
            with transaction(connection):
                connection.execute(statements.get("store_description"), row)
        except BadData as error:  # a package says what it likes, and keeps no worker from starting
            _log.warning(f"what is known of the package of provider '{row[0]}' could not be stored: {error}")
    if rows:
        with transaction(connection):
            connection.execute(statements.get("forget_descriptions"))


def newest(connection: Connection, name: str | None = None) -> list[Description]:
    """The newest usable description of each name, or of one. A row that was written past the workers and cannot be used is left out."""
    found = []
    for key, package, text in connection.execute(statements.get("newest_descriptions"), {"name": name}).fetchall():
        try:
            found.append(msgspec.structs.replace(described.read(key, text.encode()), package=package))
        except ConfigError:
            continue
    return found


def problems(connection: Connection) -> dict[str, str]:
    """Names of providers whose packages could not be used by the worker that started last with them, and why."""
    return dict(connection.execute(statements.get("package_problems")).fetchmany(MOST_PROBLEMS))


def _storable(text: str, most: int) -> str:
    """A text as PostgreSQL takes it: of at most so many characters, without NUL and halves of surrogate pairs."""
    return text.replace("\0", "?").encode(errors="replace").decode()[:most]
