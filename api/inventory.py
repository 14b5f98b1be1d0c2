"""The inventory over HTTP: one entity, and dependencies."""

from __future__ import annotations

from typing import Any

import msgspec

from api import inventory_models as models
from api.context import Context
from api.endpoint import Endpoint, NoQuery, Paging
from api.lookup import or_404
from api.paging import page_of
from worker.store import entities


class DependencyFilters(Paging, frozen=True, kw_only=True):
    """Query of the list of dependencies."""

    entity_id: int | None = None
    """Id of the entity at either end."""
    dependency_type: str | None = None
    resolved: bool | None = None
    """True: links whose target is in the inventory; false: the others."""


def show_entity(context: Context, query: NoQuery, body: Any, entity_id: int) -> dict[str, Any]:
    """One entity, what it depends on, what depends on it, and what changed."""
    with context.pool.reading() as connection:
        return or_404(entities.get(connection, entity_id), f"entity {entity_id}")


def list_dependencies(context: Context, query: DependencyFilters, body: Any) -> dict[str, Any]:
    """Dependencies that fit the filters."""
    with context.pool.reading() as connection:
        rows, total = entities.dependencies(connection, query.page, query.per_page, msgspec.structs.asdict(query))
    return page_of("dependencies", rows, total, query)


ENDPOINTS = (
    Endpoint(
        "GET", "/entities/{entity_id}", "One entity with its dependencies and changes", show_entity, answer=models.WholeEntity, role="read"
    ),
    Endpoint("GET", "/dependencies", "Dependencies", list_dependencies, query=DependencyFilters, answer=models.Dependencies, role="read"),
)
