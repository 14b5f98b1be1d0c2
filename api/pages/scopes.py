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


def _scopes(context: Context) -> str:
    given = query.filters(*FILTERS, "never_complete", "sort")
    asked: dict[str, Any] = {**given}
    if "never_complete" in asked:
        asked["never_complete"] = True
    filters = query.typed(asked, scopes.ScopeFilters)
    chosen = scopes.selection(filters)
    with context.jobs() as connection, snapshot(connection):
        found, total = chosen.page(connection, query.page(), query.PER_PAGE)
    abandoned = given.get("state") == "abandoned" and not {"not_complete_for", "never_complete"} & given.keys()
    retirable = {name: given[name] for name in scopes.RETIRABLE if name in given} if abandoned else {}
    return render_template(
        "scopes.html", scopes=found, total=total, given=given, retirable=retirable, sort=filters.sort, **query.pages(total)
    )


def _retire(context: Context) -> str | Response:
    """Asks once more, with what would be lost, and retires what was agreed to; where the numbers have changed since, it asks again."""
    given: dict[str, Any] = {name: value for name in scopes.RETIRABLE if (value := request.form.get(name))}
    body = scopes.RetireBody(**given)
    lost = scopes.losses(context, body)
    agreed, seen = request.form.get("agreed"), f"{lost.scopes} {lost.entities}"
    if lost.scopes and agreed != seen:
        return render_template("scopes_retire.html", given=given, lost=lost, seen=seen, changed=agreed is not None)
    scopes.retire(context, NoQuery(), body)
    return redirect("/scopes?state=retired", 303)


PAGES = (
    Page("/scopes", _scopes, "read"),
    Page("/scopes/retire", _retire, "operate", "POST"),
)
