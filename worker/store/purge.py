"""Takes secrets out of what another release stored: entities, deleted ones too, their history, and the losses that wait.

`migrate` runs it once, after the migration that needs it. Only rows that have a secret are written.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

from psycopg.types.json import Jsonb

from providers import registry
from providers.catalogue.masking import Masking
from worker.store import statements
from worker.store.connection import Connection

ROWS = 2_000
"""Rows read at once."""


class _Origin(NamedTuple):
    """Origin of a row: a provider, a type, and the names that the config of its job masks."""

    provider: str
    sub_type: str
    names: tuple[str, ...]

    @classmethod
    def of(cls, provider: str, sub_type: str, names: Any) -> _Origin:
        """Returns the origin; a config that was written past the API may hold anything."""
        return cls(provider, sub_type, tuple(name for name in names if isinstance(name, str)) if isinstance(names, list) else ())


class Purged(NamedTuple):
    """How many entities, entries of their history, and losses had a secret."""

    entities: int
    changes: int
    losses: int


def purge(connection: Connection) -> Purged:
    """Replaces each secret by a mark, by the rules of the providers that this release brings. Inside a transaction."""
    return Purged(
        sum(_purge_entity(connection, *row) for row in _rows(connection, statements.get("entities_to_purge"))),
        sum(_purge_changes(connection, *row) for row in _rows(connection, statements.get("changes_to_purge"))),
        sum(_purge_loss(connection, *row) for row in _rows(connection, statements.get("losses_to_purge"))),
    )


def _rows(connection: Connection, query: bytes) -> Iterator[tuple[Any, ...]]:
    """Yields rows by id, some at a time: the id, the origin, and what the row holds."""
    last = 0
    while rows := connection.execute(query, {"after": last, "limit": ROWS}).fetchall():
        for row, provider, sub_type, names, *held in rows:
            yield row, _Origin.of(provider, sub_type, names), *held
        last = rows[-1][0]


def _purge_entity(connection: Connection, row: int, origin: _Origin, attributes: dict[str, Any], tags: dict[str, Any]) -> bool:
    before = _copy(attributes), dict(tags)
    cleaned, marked = _masked(origin, attributes), _masking(origin.provider, origin.names).masked(tags)
    if (cleaned, marked) == before:
        return False
    connection.execute("update entities set attributes = %s, tags = %s where id = %s", [Jsonb(cleaned), Jsonb(marked), row])
    return True


def _purge_changes(connection: Connection, row: int, origin: _Origin, changes: dict[str, Any]) -> bool:
    cleaned = {path: [_purge_field(origin, path, value) for value in values] for path, values in _copy(changes).items()}
    if cleaned == changes:
        return False
    connection.execute("update entity_changes set changes = %s where id = %s", [Jsonb(cleaned), row])
    return True


def _purge_loss(connection: Connection, row: int, origin: _Origin, name: str, value: Any) -> bool:
    cleaned = _purge_field(origin, f"attributes.{name}", _copy(value))
    if cleaned == value:
        return False
    connection.execute("update elder_worker.losses set value = %s where id = %s", [Jsonb(cleaned), row])
    return True


def _purge_field(origin: _Origin, path: str, value: Any) -> Any:
    """One value of a field, as the history has it: ``attributes.Environment``, ``tags.team``."""
    place, _, key = path.partition(".")
    if place not in ("attributes", "tags") or value is None:
        return value
    masking = _masking(origin.provider, origin.names)
    found = _masked(origin, {key: value}) if place == "attributes" else masking.masked({key: value})
    return found.get(key)


def _masked(origin: _Origin, attributes: dict[str, Any]) -> dict[str, Any]:
    masking = _masking(origin.provider, origin.names)
    if origin.provider in registry.BUILT_IN:
        return registry.get(origin.provider).without_secrets(origin.sub_type, attributes, masking)
    return masking.masked(attributes)


@functools.cache
def _masking(provider: str, names: tuple[str, ...]) -> Masking:
    own = registry.get(provider).secret_words if provider in registry.BUILT_IN else ()
    return Masking((*own, *names))


def _copy(value: Any) -> Any:
    """A copy of JSON."""
    if isinstance(value, dict):
        return {key: _copy(inner) for key, inner in value.items()}
    return [_copy(inner) for inner in value] if isinstance(value, list) else value
