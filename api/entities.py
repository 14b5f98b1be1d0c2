"""The list of entities over HTTP: filters, the search language, orders, fields, pages and cursors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, LiteralString

from flask import Response

from api import cursor
from api import inventory_models as models
from api.context import Context
from api.endpoint import Endpoint, Paging
from api.errors import ApiError
from api.export import CSV, LINES, Form, asked_for, export
from api.paging import from_cursor, numbered
from api.search import conditions
from worker.store import entity_list
from worker.store.connection import Connection
from worker.store.entity_list import FIELDS, Selection

Sort = Literal["id", "-id", "name", "-name", "type", "-type", "first_seen", "-first_seen", "changed", "-changed"]


class EntityFilters(Paging, frozen=True, kw_only=True):
    """Query of the list of entities: `organization_id` or one above it, `q` a search, `is_active` null for both.

    With a `cursor`, empty to begin, the list is read on from a place, and is not counted.
    """

    organization_id: int | None = None
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
    sort: Sort = "id"
    """Order of the list; `-` in front turns it round."""
    fields: str | None = None
    """Names with commas between them; without, all."""
    cursor: str | None = None
    format: Form | None = None
    """Everything that fits as CSV or JSON Lines, as with Accept; `csv-raw` leaves cells that begin like a formula as they are."""

    def __post_init__(self) -> None:
        """Bounds, as a `ValueError`."""
        Paging.__post_init__(self)
        if self.cursor is not None and self.page != 1:
            raise ValueError("`cursor` and `page` exclude each other")


def list_entities(context: Context, query: EntityFilters, body: Any) -> dict[str, Any] | Response:
    """Entities that fit the filters and the search: by page number, from a cursor on, or all of them as CSV or JSON Lines."""
    fields = chosen_fields(query.fields)
    form = asked_for(query.format)
    if form != "json":
        if query.cursor is not None or query.page != 1:
            raise ApiError(f"an export as {form} has all entities that fit: leave out `page` and `cursor`")
        return export(context.pool, lambda connection: select(connection, query), fields, form)
    with context.pool.reading() as connection:
        chosen = select(connection, query)
        columns = _columns(fields, chosen)
        if query.cursor is None:
            found, total = entity_list.page(connection, chosen, columns, query.page, query.per_page)
            answer = numbered("entities", found, total, query.sort, query)
        else:
            after = cursor.place(query.cursor, query.sort) if query.cursor else None
            found = entity_list.behind(connection, chosen, columns, query.per_page + 1, after)
            answer = from_cursor("entities", found, query.sort, query)
    answer["entities"] = [{name: row[name] for name in fields} for row in found]
    return answer


def select(connection: Connection, query: EntityFilters) -> Selection:
    """The selection of a query. Raises `ApiError`."""
    filters = {name: getattr(query, name) for name in (*_FILTERS, "is_active")}
    return entity_list.selection(filters, conditions(connection, query.q or ""), query.sort)


_FILTERS = ("organization_id", "entity_type", "sub_type", "provider", "region", "external_id")


def chosen_fields(text: str | None) -> tuple[LiteralString, ...]:
    """The fields that `fields` names, in their usual order. Raises `ApiError`."""
    names = {name.strip() for name in text.split(",")} if text else set(FIELDS)
    if unknown := names.difference(FIELDS):
        raise ApiError(f"`fields`: an entity has no '{min(unknown)[:60]}'", [f"its fields: {', '.join(FIELDS)}"])
    return entity_list.known(names)


def _columns(fields: Sequence[LiteralString], chosen: Selection) -> tuple[LiteralString, ...]:
    """The fields, and what a cursor needs."""
    return entity_list.known({*fields, "id", chosen.order.column})


ENDPOINTS = (
    Endpoint(
        "GET",
        "/entities",
        "Entities; deleted ones with is_active=false",
        list_entities,
        query=EntityFilters,
        answer=models.Entities,
        role="read",
        streams=(CSV, LINES),
    ),
)
