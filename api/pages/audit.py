"""The page of the audit log: who changed what, from where and when, with what was different afterwards."""

from __future__ import annotations

from typing import Any

from flask import render_template

from api.audit import AuditFilters
from api.context import Context
from api.pages import query
from api.pages.actions import Page
from worker.store import audit

FILTERS = ("actor", "action", "object", "since", "until")


def _audit(context: Context) -> str:
    given = query.filters(*FILTERS, "sort")
    filters = query.typed(given, AuditFilters)
    with context.pool.reading() as connection:
        lines, total = audit.selection(filters.wanted(), filters.sort).page(connection, query.page(), query.PER_PAGE)
        actors, actions = audit.names(connection)
    shown = [{**line, "changes": _changes(line["before"], line["after"])} for line in lines]
    found = {"lines": shown, "total": total, "given": given, "sort": filters.sort, "actors": actors, "actions": actions}
    return render_template("audit.html", **found, **query.pages(total))


def _changes(before: Any, after: Any) -> dict[str, list[Any]]:
    """The fields that differ, with both values; a field that was not there is null. That it was changed now is no difference."""
    old, new = (value if isinstance(value, dict) else {} if value is None else {"value": value} for value in (before, after))
    return {
        name: [old.get(name), new.get(name)]
        for name in dict.fromkeys([*old, *new])
        if name != "updated_at" and old.get(name) != new.get(name)
    }


PAGES = (Page("/audit", _audit, "admin"),)
