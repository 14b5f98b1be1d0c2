"""The page of all runs: filters, orders, and the way to each run."""

from __future__ import annotations

from typing import get_args

from flask import render_template

from api.context import Context
from api.job_models import RunStatus
from api.pages import query
from api.pages.actions import Page
from api.runs import RunFilters
from worker.store import history, jobs
from worker.store.pool import snapshot

FILTERS = ("job_id", "provider", "status", "error_kind", "since", "until", "sort")


def _runs(context: Context) -> str:
    given = query.filters(*FILTERS)
    filters = query.typed({name: query.number(value) if name == "job_id" else value for name, value in given.items()}, RunFilters)
    with context.jobs() as connection, snapshot(connection):
        rows, total = filters.selection().page(connection, query.page(), query.PER_PAGE)
        providers = jobs.providers(connection)
        job = jobs.get(connection, filters.job_id) if filters.job_id is not None else None
    counted = min(total, history.COUNTED)
    shown = {"runs": rows, "total": counted, "more": total > history.COUNTED, "given": given, "sort": filters.sort, "job": job}
    return render_template("runs.html", **shown, providers=providers, statuses=get_args(RunStatus), **query.pages(counted))


PAGES = (Page("/runs", _runs, "read"),)
