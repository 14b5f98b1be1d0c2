"""Pages of the inventory: entities, organizations."""

from __future__ import annotations

import collections
from typing import Any
from urllib.parse import urlencode

from flask import Response, render_template, request

from api import walk
from api.attribute_tree import tree
from api.context import Context
from api.errors import ApiError
from api.graph import draw, draw_narrow
from api.lookup import or_404
from api.pages import facets, query
from api.pages.actions import Page
from api.search import EXAMPLES, SearchError, conditions
from worker.store import access, entities, entity_list, neighbourhood, organizations
from worker.store import facets as stored_facets
from worker.store.connection import Connection

FILTERS = ("q", "entity_type", "sub_type", "provider", "region", "organization_id")

ACCESS_SHOWN = 50
"""Rows of a list of access on the page of an entity that are open at first."""

MOST_TYPES = 100
"""Types of links that one address may choose."""

SHOWN, SIZES = ("sort", "per_page"), (25, 50, 100, 250)


def _entities(context: Context) -> str | Response:
    given = query.filters(*FILTERS, *SHOWN, "deleted")
    filters: dict[str, Any] = {name: value for name, value in given.items() if name not in ("deleted", "q", "columns", *SHOWN)}
    sort, size = _shown(given)
    shown = facets.columns()
    if "columns" in request.args:
        given["columns"] = ",".join(shown)
    filters["is_active"] = "deleted" not in given
    if "organization_id" in filters:
        filters["organization_id"] = query.number(filters["organization_id"])
    refused: SearchError | None = None
    rows: list[dict[str, Any]] = []
    total = 0
    found: list[tuple[str, list[facets.Choice]]] = []
    with context.pool.reading() as connection:
        try:
            chosen = entity_list.selection(filters, conditions(connection, given.get("q", "")), sort)
            rows, total = chosen.page(connection, query.page(), size)
            found = _facets(connection, chosen, total, given)
        except SearchError as error:
            refused = error
        kinds = stored_facets.kinds(connection)
        home = organizations.get(connection, filters["organization_id"]) if "organization_id" in filters else None
    choices = {name: sorted({kind[name] for kind in kinds}) for name in ("entity_type", "sub_type", "provider")}
    page = render_template(
        "entities.html",
        entities=rows,
        facets=found,
        columns=shown,
        kept={name: value for name, value in given.items() if name != "deleted"},
        all_columns=facets.COLUMNS,
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
            **{name: value for name, value in given.items() if name not in ("deleted", "per_page", "columns")},
            **({"is_active": "false"} if "deleted" in given else {}),
        },
        **query.pages(total, size),
    )
    return Response(page, refused.status if refused else 200)


def _facets(
    connection: Connection, chosen: entity_list.Selection, total: int, given: dict[str, Any]
) -> list[tuple[str, list[facets.Choice]]]:
    """The facets of the entities that fit, as the template shows them."""
    found = stored_facets.of(connection, chosen, total)
    names = organizations.names(connection, [int(one.value) for one in found["organization_id"][: facets.MOST]])
    return facets.groups(found, given, names)


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
        parent = entities.named(connection, entity["parent_id"]) if entity["parent_id"] else None
        holders, held = access.reaching(connection, entity_id), access.reached(connection, entity_id)
    return render_template(
        "entity.html",
        entity=entity,
        organization=home,
        parent=parent,
        graph=draw(entity),
        narrow=draw_narrow(entity),
        attributes=tree(entity["attributes"]),
        holders=holders,
        held=held,
        shown=ACCESS_SHOWN,
    )


def _graph(context: Context, entity_id: int) -> str:
    """Two hops around an entity; `link`, any number of times, is a type of link."""
    chosen = [one for one in request.args.getlist("link") if one and "\0" not in one][:MOST_TYPES]
    with context.pool.reading() as connection:
        entity = or_404(entities.named(connection, entity_id), f"entity {entity_id}")
        around = neighbourhood.of(connection, entity_id, chosen)
    links = [one for hop in (*around.dependencies, *around.dependents) for one in hop.links]
    own = dict(around.types)
    behind = sorted({one["dependency_type"] for one in links}.union(chosen).difference(own))
    return render_template(
        "graph.html",
        entity=entity,
        around=around,
        chosen=chosen,
        types=[*around.types, *((one, None) for one in behind)],
        names={entity_id: entity["name"] or entity["external_id"]}
        | {one["far_id"]: one["far_name"] or one["far_external_id"] for one in links if one["far_id"]},
        graph=walk.draw(entity, around),
        narrow=walk.draw_narrow(entity, around),
        query=f"?{urlencode([('link', one) for one in chosen])}" if chosen else "",
    )


PAGES = (
    Page("/entities", _entities, "read"),
    Page("/entities/<id:entity_id>", _entity, "read"),
    Page("/entities/<id:entity_id>/graph", _graph, "read"),
)
