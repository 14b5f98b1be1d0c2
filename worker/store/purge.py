"""Takes secrets out of what another release stored: entities, deleted ones too, their history, and the losses that wait.

`migrate` runs it once, after the migration that needs it. Only rows that have a secret are written.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from psycopg.types.json import Jsonb

from providers import registry
from providers.catalogue.masking import Masking
from worker.store import statements
from worker.store.connection import Connection

ROWS = 2_000
"""Rows read at once."""

_TAGS = Masking()


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
    """Rows by id, some at a time."""
    last = 0
    while rows := connection.execute(query, {"after": last, "limit": ROWS}).fetchall():
        yield from rows
        last = rows[-1][0]


def _purge_entity(connection: Connection, row: int, provider: str, sub_type: str, attributes: dict[str, Any], tags: dict[str, Any]) -> bool:
    before = _copy(attributes), dict(tags)
    cleaned, marked = _masked(provider, sub_type, attributes), _TAGS.masked(tags)
    if (cleaned, marked) == before:
        return False
    connection.execute("update entities set attributes = %s, tags = %s where id = %s", [Jsonb(cleaned), Jsonb(marked), row])
    return True


def _purge_changes(connection: Connection, row: int, provider: str, sub_type: str, changes: dict[str, Any]) -> bool:
    cleaned = {path: [_purge_field(provider, sub_type, path, value) for value in values] for path, values in _copy(changes).items()}
    if cleaned == changes:
        return False
    connection.execute("update entity_changes set changes = %s where id = %s", [Jsonb(cleaned), row])
    return True


def _purge_loss(connection: Connection, row: int, provider: str, sub_type: str, name: str, value: Any) -> bool:
    cleaned = _purge_field(provider, sub_type, f"attributes.{name}", _copy(value))
    if cleaned == value:
        return False
    connection.execute("update elder_worker.losses set value = %s where id = %s", [Jsonb(cleaned), row])
    return True


def _purge_field(provider: str, sub_type: str, path: str, value: Any) -> Any:
    """One value of a field, as the history has it: ``attributes.Environment``, ``tags.team``."""
    place, _, key = path.partition(".")
    if place not in ("attributes", "tags") or value is None:
        return value
    found = _masked(provider, sub_type, {key: value}) if place == "attributes" else _TAGS.masked({key: value})
    return found.get(key)


def _masked(provider: str, sub_type: str, attributes: dict[str, Any]) -> dict[str, Any]:
    if provider in registry.BUILT_IN:
        return registry.get(provider).without_secrets(sub_type, attributes)
    return _TAGS.masked(attributes)


def _copy(value: Any) -> Any:
    """A copy of JSON."""
    if isinstance(value, dict):
        return {key: _copy(inner) for key, inner in value.items()}
    return [_copy(inner) for inner in value] if isinstance(value, list) else value
