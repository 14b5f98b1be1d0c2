"""The change feed over HTTP, and the changes of one entity step by step."""

from __future__ import annotations

from typing import Any

import msgspec

from api import difference
from api import inventory_models as models
from api.context import Context
from api.endpoint import Endpoint, Paging
from api.lookup import or_404
from api.paging import page_of
from worker.store import changes, entities


class ChangeFilters(Paging, frozen=True, kw_only=True):
    """Query of the list of changes."""

    entity_id: int | None = None
    run_id: int | None = None
    operation: str | None = None


def list_changes(context: Context, query: ChangeFilters, body: Any) -> dict[str, Any]:
    """Lists changes, the latest first."""
    with context.pool.reading() as connection:
        rows, total = changes.page(connection, query.page, query.per_page, msgspec.structs.asdict(query))
    return page_of("changes", rows, total, query)


def show_diff(context: Context, query: Paging, body: Any, entity_id: int) -> dict[str, Any]:
    """The changes of one entity step by step, the latest first."""
    with context.pool.reading() as connection:
        or_404(entities.get(connection, entity_id), f"entity {entity_id}")
        rows, total = changes.page(connection, query.page, query.per_page, {"entity_id": entity_id})
    return {"entity_id": entity_id, **page_of("changes", [_step_by_step(row) for row in rows], total, query)}


def _step_by_step(row: dict[str, Any]) -> dict[str, Any]:
    steps = [step._asdict() for step in difference.steps_of(row["changes"])]
    return {**{name: row[name] for name in ("id", "operation", "run_id", "changed_at")}, "steps": steps}


ENDPOINTS = (
    Endpoint("GET", "/changes", "What changed, latest first", list_changes, query=ChangeFilters, answer=models.Changes, role="read"),
    Endpoint(
        "GET",
        "/entities/{entity_id}/diff",
        "The changes of one entity step by step: an item added to a list is one step",
        show_diff,
        query=Paging,
        answer=models.EntityDiff,
        role="read",
    ),
)
