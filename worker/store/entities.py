"""Entities and dependencies, as the API reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, LiteralString

from worker.store import changes, organizations, statements
from worker.store.connection import Connection
from worker.store.entity_list import FIELDS
from worker.store.query import Order, Query, by_number, one, rows

COLUMNS: LiteralString = ", ".join(FIELDS)

LINK_SORTINGS: Mapping[str, Order] = {"id": by_number("d.id", "id")}
"""Orders of the list of dependencies, which has as many rows as the inventory has links."""


def get(connection: Connection, entity: int, within: int | None = None) -> dict[str, Any] | None:
    """One entity with its dependencies in both directions and its latest changes.

    `within`: None for one that does not belong to that organization or one below it, and nothing of others at the other ends.
    """
    found = named(connection, entity)
    if found is None or (within is not None and not organizations.lies_below(connection, found["organization_id"], within)):
        return None
    for name in ("dependencies", "dependents"):
        found[name] = rows(connection, statements.get(f"{name}_of"), {"entity": entity, "within": within})
    found["changes"] = changes.latest(connection, entity)
    return found


def named(connection: Connection, entity: int) -> dict[str, Any] | None:
    """The row of one entity, without its dependencies and changes."""
    return one(connection, "select " + COLUMNS + " from entities where id = %s", [entity])


def dependencies(filters: Mapping[str, Any], sort: str = "id") -> Query:
    """The dependencies that fit, in an order of `LINK_SORTINGS`. `filters`: entity_id (either end), dependency_type, resolved."""
    columns: LiteralString = "d.id, d.source_id, d.target_id, d.target_external_id, d.dependency_type, d.created_at"
    query = Query(columns, "dependencies d", LINK_SORTINGS, sort, number="d.id")
    entity = filters.get("entity_id")
    if entity is not None:
        query.where.append("(d.source_id = %s or d.target_id = %s)")
        query.values += [entity, entity]
    query.only("d.dependency_type = %s", filters.get("dependency_type"))
    query.only("(d.target_id is not null) = %s", filters.get("resolved"))
    return query


def summary(connection: Connection) -> list[dict[str, Any]]:
    """Counts of active entities by type, and of those first seen within a day."""
    return rows(connection, statements.get("entity_types"), [])
