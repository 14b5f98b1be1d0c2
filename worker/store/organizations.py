"""Organizations, as the API lists, shows and creates them."""

from __future__ import annotations

from typing import Any, LiteralString

from worker.store import statements
from worker.store.connection import Connection, transaction
from worker.store.query import Query, one

COLUMNS: LiteralString = "o.id, o.parent_id, o.name, o.description, o.external_id, o.created_at, o.updated_at"

BELOW: LiteralString = (
    "(with recursive below as (select %s::bigint as id union "
    "select o.id from organizations o join below b on o.parent_id = b.id) select id from below)"
)
"""Subquery of an organization and all below it; it ends even when parents form a cycle."""


def page(connection: Connection, number: int, size: int, filters: dict[str, Any]) -> tuple[list[dict[str, Any]], int]:
    """A page of organizations, each with the number of its own active entities. `filters`: parent_id, q."""
    entities: LiteralString = "(select count(*) from entities e where e.organization_id = o.id and e.is_active) as entities"
    query = Query(COLUMNS + ", " + entities, "organizations o", "o.id")
    query.only("o.parent_id = %s", filters.get("parent_id"))
    query.only("position(lower(%s) in lower(o.name)) > 0", filters.get("q"))
    return query.page(connection, number, size)


def get(connection: Connection, number: int) -> dict[str, Any] | None:
    """One organization as it is stored."""
    return one(connection, "select " + COLUMNS + " from organizations o where o.id = %s", [number])


def named(connection: Connection, name: str) -> list[int]:
    """Ids of the organizations of that name and of all below them."""
    return [number for (number,) in connection.execute(statements.get("organizations_named"), [name])]


def add(connection: Connection, name: str, parent: int | None, description: str) -> dict[str, Any]:
    """Adds an organization created by a person."""
    with transaction(connection):
        made = one(
            connection,
            "insert into organizations as o (name, parent_id, description) values (%s, %s, %s) returning " + COLUMNS,
            [name, parent, description],
        )
    assert made is not None
    return made
