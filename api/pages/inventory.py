"""Pages of the inventory: entities, organizations."""

from __future__ import annotations

from typing import Any

from flask import Response, render_template

from api.context import Context
from api.graph import draw
from api.lookup import or_404
from api.pages import query
from api.pages.actions import Page
from api.search import EXAMPLES, SearchError, conditions
from worker.store import entities, entity_list, organizations

FILTERS = ("q", "entity_type", "sub_type", "provider", "region", "organization_id")


def _entities(context: Context) -> str | Response:
    given = query.filters(*FILTERS, "deleted")
    filters: dict[str, Any] = {name: value for name, value in given.items() if name not in ("deleted", "q")}
    filters["is_active"] = "deleted" not in given
    if "organization_id" in filters:
        filters["organization_id"] = query.number(filters["organization_id"])
    refused: SearchError | None = None
    rows: list[dict[str, Any]] = []
    total = 0
    with context.pool.reading() as connection:
        try:
            chosen = entity_list.selection(filters, conditions(connection, given.get("q", "")))
            rows, total = entity_list.page(connection, chosen, entity_list.FIELDS, query.page(), query.PER_PAGE)
        except SearchError as error:
            refused = error
        kinds = entities.summary(connection)
        home = organizations.get(connection, filters["organization_id"]) if "organization_id" in filters else None
    choices = {name: sorted({kind[name] for kind in kinds}) for name in ("entity_type", "sub_type", "provider")}
    page = render_template(
        "entities.html",
        entities=rows,
        total=total,
        choices=choices,
        given=given,
        organization=home,
        any=bool(kinds),
        refused=refused,
        examples=EXAMPLES,
        export={
            **{name: value for name, value in given.items() if name != "deleted"},
            **({"is_active": "false"} if "deleted" in given else {}),
        },
        **query.pages(total),
    )
    return Response(page, refused.status if refused else 200)


def _entity(context: Context, entity_id: int) -> str:
    with context.pool.reading() as connection:
        entity = or_404(entities.get(connection, entity_id), f"entity {entity_id}")
        home = organizations.get(connection, entity["organization_id"])
        parent = entities.get(connection, entity["parent_id"]) if entity["parent_id"] else None
    return render_template("entity.html", entity=entity, organization=home, parent=parent, graph=draw(entity))


PAGES = (
    Page("/entities", _entities, "read"),
    Page("/entities/<id:entity_id>", _entity, "read"),
)
