"""The list of entities over HTTP: filters, the search language, orders, fields, pages and cursors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from flask import Response

from api import access
from api import inventory_models as models
from api.context import Context
from api.listing import Listing, ListQuery, listed, sortable
from api.model import Id
from api.search import conditions
from worker.store import entity_list
from worker.store.connection import Connection
from worker.store.entity_list import SORTINGS, Selection

ENTITIES = Listing("entities", models.Entity, "Entities", "Entities in an order.")


class EntityFilters(ListQuery, frozen=True, kw_only=True):
    """Query of the list of entities: `organization_id` or one above it, `q` a search, `is_active` null for both.

    With a `cursor`, empty to begin, the list is read on from a place, and is not counted.
    """

    sortings = SORTINGS

    organization_id: Id | None = None
    """Id of the organization, or of one above it."""
    entity_type: str | None = None
    sub_type: str | None = None
    provider: str | None = None
    region: str | None = None
    external_id: str | None = None
    q: str | None = None
    """A search such as `tag:team=payments type:ec2_instance` (docs/api.md)."""
    is_active: bool | None = True
    """False: those that were deleted; null: both."""
    sort: Annotated[str, sortable(SORTINGS)] = "id"


def list_entities(context: Context, query: EntityFilters, body: Any) -> dict[str, Any] | Response:
    """Entities that fit the filters and the search: by page number, from a cursor on, or all of them as CSV or JSON Lines."""
    within = access.organization()
    return listed(context, ENTITIES, query, lambda connection, fields: _select(connection, query, fields, within))


def _select(connection: Connection, query: EntityFilters, fields: Sequence[str], within: int | None) -> Selection:
    """The selection of a query, with these fields and what a cursor needs. Raises `ApiError`."""
    filters = {name: getattr(query, name) for name in (*_FILTERS, "is_active")} | {"within": within}
    columns = entity_list.known({*fields, "id", SORTINGS[query.sort.removeprefix("-")].column})
    return entity_list.selection(filters, conditions(connection, query.q or "", within), query.sort, columns)


_FILTERS = ("organization_id", "entity_type", "sub_type", "provider", "region", "external_id")

ENDPOINTS = (
    ENTITIES.endpoint("/entities", "Entities; deleted ones with is_active=false", list_entities, EntityFilters, "read", narrowed=True),
)
