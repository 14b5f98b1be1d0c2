"""The page of changes: filters, what the last runs changed, each change step by step, and the button that ignores a noisy field."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request
from werkzeug.wrappers import Response

from api import changes
from api.changes import ChangeFilters, IgnoreBody
from api.context import Context
from api.endpoint import NoQuery
from api.errors import ApiError
from api.pages import query
from api.pages.actions import Page
from providers import registry
from providers.errors import ConfigError
from worker.store import changes as stored
from worker.store import entities, history

FILTERS = ("since", "until", "operation", "provider", "sub_type", "field", "job_id", "run_id", "entity_id")
RUNS, TYPES = 8, 12
"""Runs and types that are shown above the changes; the other types follow folded."""

CHOICES = {
    "since": (("1h", "an hour"), ("24h", "a day"), ("7d", "a week"), ("30d", "a month")),
    "operation": (("created", "created"), ("updated", "updated"), ("deleted", "deleted"), ("restored", "restored")),
}


def _changes(context: Context) -> str:
    given = query.filters(*FILTERS)
    filters = _filters(given)
    with context.pool.reading() as connection:
        rows, total = stored.page(connection, query.page(), query.PER_PAGE, filters.conditions(), changes.COUNTED)
        runs = history.recent(connection, RUNS)
        kinds = entities.summary(connection)
        by_type, looked_at = ([], None) if given else stored.by_type(connection, kinds)
    known = {name: [(one, one) for one in sorted({kind[name] for kind in kinds})] for name in ("provider", "sub_type")}
    counted = min(total, changes.COUNTED)
    shown = {
        "changes": [_shown(row) for row in rows],
        "total": counted,
        "more": total > changes.COUNTED,
        "runs": runs,
        "by_type": by_type,
        "looked_at": looked_at,
        "shown_types": TYPES,
        "given": given,
    }
    return render_template("changes.html", choices=CHOICES | known, **shown, **query.pages(counted))


def _filters(given: dict[str, Any]) -> ChangeFilters:
    """The filters of the page as the API has them. Raises `ApiError`."""
    return query.typed({name: query.number(value) if name.endswith("_id") else value for name, value in given.items()}, ChangeFilters)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """A change with the paths by which its job could ignore it."""
    return {**row, "ignorable": changes.ignorable(row["changes"]) if row["job_id"] and _can_ignore(row["provider"]) else []}


def _can_ignore(provider: str) -> bool:
    try:
        return changes.IGNORED in registry.get(provider).config.__struct_encode_fields__
    except ConfigError:  # a third party's provider that is not installed here
        return False


def _ignore(context: Context, job_id: int) -> Response:
    try:
        body = IgnoreBody(field=request.form.get("field", ""))
    except ValueError as error:
        raise ApiError(str(error)) from None
    changes.ignore(context, NoQuery(), body, job_id)
    return redirect(f"/jobs/{job_id}", 303)


PAGES = (
    Page("/changes", _changes, "read"),
    Page("/jobs/<id:job_id>/ignore", _ignore, "operate", "POST"),
)
