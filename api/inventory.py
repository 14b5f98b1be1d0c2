"""The inventory over HTTP: one entity, and dependencies."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from flask import Response

from api import access
from api import inventory_models as models
from api.context import Context
from api.endpoint import Endpoint, NoQuery
from api.listing import Listing, ListQuery, listed, sortable
from api.lookup import or_404
from api.model import Id
from worker.store import entities

DEPENDENCIES = Listing("dependencies", models.Dependency, "Dependencies", "Links in an order.")


class DependencyFilters(ListQuery, frozen=True, kw_only=True):
    """Query of the list of dependencies."""

    sortings = entities.LINK_SORTINGS

    entity_id: Id | None = None
    """Id of the entity at either end."""
    dependency_type: str | None = None
    resolved: bool | None = None
    """True: links whose target is in the inventory; false: the others."""
    sort: Annotated[str, sortable(entities.LINK_SORTINGS)] = "id"


def show_entity(context: Context, query: NoQuery, body: Any, entity_id: int) -> dict[str, Any]:
    """One entity, what it depends on, what depends on it, and what changed."""
    with context.pool.reading() as connection:
        return or_404(entities.get(connection, entity_id, access.organization()), f"entity {entity_id}")


def list_dependencies(context: Context, query: DependencyFilters, body: Any) -> dict[str, Any] | Response:
    """Dependencies that fit the filters."""
    chosen = entities.dependencies(msgspec.structs.asdict(query), query.sort)
    return listed(context, DEPENDENCIES, query, lambda _connection, _fields: chosen)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/entities/{entity_id}",
        "One entity with its dependencies and changes",
        show_entity,
        answer=models.WholeEntity,
        role="read",
        narrowed=True,
    ),
    DEPENDENCIES.endpoint("/dependencies", "Dependencies", list_dependencies, DependencyFilters, "read"),
)
