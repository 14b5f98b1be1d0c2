"""Takes secrets out of what is stored: entities, deleted ones too, their history, and the losses that wait.

`migrate` runs it once, after the migration that needs it, and ``elder-worker secrets mask`` whenever a name was added. Only rows that have
a secret are written, each under its own lock, so that runs go on beside it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
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


class _Purge(NamedTuple):
    """One pass over the database; without `write` it counts."""

    connection: Connection
    connectors: Mapping[str, Sequence[str]]
    write: bool

    def rows(self, query: bytes) -> Iterator[tuple[Any, ...]]:
        """Yields rows by id, some at a time: the id, the origin, and what the row holds."""
        wanted = {"after": 0, "limit": ROWS, "connectors": Jsonb(dict(self.connectors))}
        while rows := self.connection.execute(query, wanted).fetchall():
            for row, provider, sub_type, names, *held in rows:
                yield row, _Origin.of(provider, sub_type, names), *held
            wanted["after"] = rows[-1][0]

    def entity(self, row: int, origin: _Origin, attributes: dict[str, Any], tags: dict[str, Any]) -> bool:
        """True for an entity that had a secret. What is written is masked anew from the locked row: a run may have changed it meanwhile."""
        if _cleaned(origin, attributes, tags) == (attributes, tags):
            return False
        if self.write:
            with self.connection.transaction():
                held = self.connection.execute("select attributes, tags from entities where id = %s for no key update", [row]).fetchone()
                if held:
                    cleaned = [Jsonb(one) for one in _cleaned(origin, *held)]
                    self.connection.execute("update entities set attributes = %s, tags = %s where id = %s", [*cleaned, row])
        return True

    def changes(self, row: int, origin: _Origin, changes: dict[str, Any]) -> bool:
        """True for an entry of the history that told a secret."""
        cleaned = {path: [_purge_field(origin, path, value) for value in values] for path, values in _copy(changes).items()}
        if cleaned != changes and self.write:
            self.connection.execute("update entity_changes set changes = %s where id = %s", [Jsonb(cleaned), row])
        return bool(cleaned != changes)

    def loss(self, row: int, origin: _Origin, name: str, value: Any) -> bool:
        """True for a loss that kept a secret."""
        cleaned = _purge_field(origin, f"attributes.{name}", _copy(value))
        if cleaned != value and self.write:
            self.connection.execute("update elder_worker.losses set value = %s where id = %s", [Jsonb(cleaned), row])
        return bool(cleaned != value)


def purge(connection: Connection, connectors: Mapping[str, Sequence[str]] = MappingProxyType({}), *, write: bool = True) -> Purged:
    """Replaces each secret by a mark, by the rules of the providers that this release brings; without `write` it only counts.

    `connectors` are the names that each connector masks, by the owner of its scopes; those of jobs are in their configs.
    """
    one = _Purge(connection, connectors, write)
    return Purged(
        sum(one.entity(*row) for row in one.rows(statements.get("entities_to_purge"))),
        sum(one.changes(*row) for row in one.rows(statements.get("changes_to_purge"))),
        sum(one.loss(*row) for row in one.rows(statements.get("losses_to_purge"))),
    )


def _cleaned(origin: _Origin, attributes: dict[str, Any], tags: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    return _masked(origin, _copy(attributes)), _masking(origin.provider, origin.names).masked(dict(tags))


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
