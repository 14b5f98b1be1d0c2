"""Pages of the inventory: entities, organizations."""

from __future__ import annotations

import collections
from typing import Any

from flask import Response, render_template

from api.attribute_tree import tree
from api.context import Context
from api.errors import ApiError
from api.graph import draw
from api.lookup import or_404
from api.pages import query
from api.pages.actions import Page
from api.search import EXAMPLES, SearchError, conditions
from worker.store import entities, entity_list, organizations

FILTERS = ("q", "entity_type", "sub_type", "provider", "region", "organization_id")

SHOWN, SIZES = ("sort", "per_page"), (25, 50, 100, 250)


def _entities(context: Context) -> str | Response:
    given = query.filters(*FILTERS, *SHOWN, "deleted")
    filters: dict[str, Any] = {name: value for name, value in given.items() if name not in ("deleted", "q", *SHOWN)}
    sort, size = _shown(given)
    filters["is_active"] = "deleted" not in given
    if "organization_id" in filters:
        filters["organization_id"] = query.number(filters["organization_id"])
    refused: SearchError | None = None
    rows: list[dict[str, Any]] = []
    total = 0
    with context.pool.reading() as connection:
        try:
            chosen = entity_list.selection(filters, conditions(connection, given.get("q", "")), sort)
            rows, total = entity_list.page(connection, chosen, entity_list.FIELDS, query.page(), size)
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
        sort=sort,
        sizes=SIZES,
        size=size,
        repeated={name for name, times in collections.Counter(row["name"] for row in rows).items() if times > 1},
        export={
            **{name: value for name, value in given.items() if name not in ("deleted", "per_page")},
            **({"is_active": "false"} if "deleted" in given else {}),
        },
        **query.pages(total, size),
    )
    return Response(page, refused.status if refused else 200)


def _shown(given: dict[str, Any]) -> tuple[str, int]:
    """How the list is sorted, and how many entities a page has. Raises `ApiError`."""
    sort, size = given.get("sort", "id"), query.number(given.get("per_page", str(query.PER_PAGE)))
    if sort.removeprefix("-") not in entity_list.SORTINGS:
        raise ApiError(
            f"entities cannot be sorted by '{sort[:40]}': {', '.join(entity_list.SORTINGS)}, with - before it the other way round"
        )
    if not 1 <= size <= SIZES[-1]:
        raise ApiError(f"a page has 1 to {SIZES[-1]} entities, not {size}")
    return sort, size


def _entity(context: Context, entity_id: int) -> str:
    with context.pool.reading() as connection:
        entity = or_404(entities.get(connection, entity_id), f"entity {entity_id}")
        home = organizations.get(connection, entity["organization_id"])
        parent = entities.get(connection, entity["parent_id"]) if entity["parent_id"] else None
    return render_template(
        "entity.html", entity=entity, organization=home, parent=parent, graph=draw(entity), attributes=tree(entity["attributes"])
    )


PAGES = (
    Page("/entities", _entities, "read"),
    Page("/entities/<id:entity_id>", _entity, "read"),
)
