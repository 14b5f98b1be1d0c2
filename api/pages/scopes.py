"""The page of scopes: when each was last read in full, and the retirement of abandoned ones."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request
from werkzeug.wrappers import Response

from api import scopes
from api.context import Context
from api.endpoint import NoQuery
from api.pages import query
from api.pages.actions import Page
from worker.store.pool import snapshot

FILTERS = ("state", "provider", "account", "region", "resource_type", "owner", "not_complete_for")
RETIRABLE = ("provider", "account", "region", "resource_type", "owner")


def _scopes(context: Context) -> str:
    given = query.filters(*FILTERS, "never_complete", "sort")
    asked: dict[str, Any] = {**given}
    if "never_complete" in asked:
        asked["never_complete"] = True
    filters = query.typed(asked, scopes.ScopeFilters)
    chosen = scopes.selection(filters)
    with context.jobs() as connection, snapshot(connection):
        found, total = chosen.page(connection, query.page(), query.PER_PAGE)
    retirable = {name: given[name] for name in RETIRABLE if name in given} if given.get("state") == "abandoned" else {}
    return render_template(
        "scopes.html", scopes=found, total=total, given=given, retirable=retirable, sort=filters.sort, **query.pages(total)
    )


def _retire(context: Context) -> Response:
    given = {name: value for name in RETIRABLE if (value := request.form.get(name))}
    scopes.retire(context, NoQuery(), scopes.RetireBody(**given))
    return redirect("/scopes?state=retired", 303)


PAGES = (
    Page("/scopes", _scopes, "read"),
    Page("/scopes/retire", _retire, "operate", "POST"),
)
