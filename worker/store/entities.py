"""Entities and dependencies, as the API reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, LiteralString

from worker.store import changes, statements
from worker.store.connection import Connection
from worker.store.organizations import BELOW
from worker.store.query import Query, one, rows
from worker.store.search import Condition

COLUMNS: LiteralString = (
    "id, organization_id, external_id, entity_type, sub_type, name, provider, account, region, attributes, tags, parent_id, is_active, "
    "first_seen_at, changed_at, deleted_at, unconfirmed_since"
)


def page(
    connection: Connection, number: int, size: int, filters: dict[str, Any], search: Sequence[Condition] = ()
) -> tuple[list[dict[str, Any]], int]:
    """A page of entities. `filters`: organization_id (and what is below it), and the keys of `_EQUAL`; `search` are more conditions."""
    query = Query(COLUMNS, "entities", "id")
    query.only("organization_id = any(array" + BELOW + ")", filters.get("organization_id"))
    for name, condition in _EQUAL.items():
        query.only(condition, filters.get(name))
    if filters.get("organization_id") is None and filters.get("external_id") is not None:
        query.where.append(
            "organization_id = any(array(select id from organizations))"
        )  # the index starts with this column: one lookup per organization
    for sql, values in search:
        query.where.append(sql)
        query.values += values
    return query.page_in_one_read(connection, number, size) if search else query.page(connection, number, size)


_EQUAL: dict[str, LiteralString] = {
    "entity_type": "entity_type = %s",
    "sub_type": "sub_type = %s",
    "provider": "provider = %s",
    "region": "region = %s",
    "is_active": "is_active = %s",
    "external_id": "external_id = %s",
}


def get(connection: Connection, entity: int) -> dict[str, Any] | None:
    """One entity with its dependencies in both directions and its latest changes."""
    found = one(connection, "select " + COLUMNS + " from entities where id = %s", [entity])
    if found is None:
        return None
    for name in ("dependencies", "dependents"):
        found[name] = rows(connection, statements.get(f"{name}_of"), [entity])
    found["changes"] = changes.latest(connection, entity)
    return found


def dependencies(connection: Connection, number: int, size: int, filters: dict[str, Any]) -> tuple[list[dict[str, Any]], int]:
    """A page of dependencies. `filters`: entity_id (either end), dependency_type, resolved."""
    query = Query("d.id, d.source_id, d.target_id, d.target_external_id, d.dependency_type, d.created_at", "dependencies d", "d.id")
    entity = filters.get("entity_id")
    if entity is not None:
        query.where.append("(d.source_id = %s or d.target_id = %s)")
        query.values += [entity, entity]
    query.only("d.dependency_type = %s", filters.get("dependency_type"))
    query.only("(d.target_id is not null) = %s", filters.get("resolved"))
    return query.page(connection, number, size)


def summary(connection: Connection) -> list[dict[str, Any]]:
    """Counts of active entities by type, and of those first seen within a day."""
    return rows(connection, statements.get("entity_types"), [])
