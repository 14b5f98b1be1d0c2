"""Filters and order of the lists of jobs: the home page, and the page on which several jobs are ticked."""

from __future__ import annotations

from typing import Any, NamedTuple, get_args

from api.job_forms import JobFilters
from api.job_models import JobStatus
from api.pages import query
from worker.store import jobs, organizations
from worker.store.connection import Connection
from worker.store.query import Query

FILTERS = ("q", "provider", "status", "enabled", "organization_id", "sort")
ORGANIZATIONS = 1000
"""Organizations that the list may be filtered by on the page; the API takes any."""


class Asked(NamedTuple):
    """Filters and order that a browser asks for: as the address has them, and as the API does."""

    given: dict[str, Any]
    filters: JobFilters

    def selection(self) -> Query:
        """The jobs that are asked for."""
        return jobs.selection({name: getattr(self.filters, name) for name in FILTERS}, self.filters.sort)


def asked() -> Asked:
    """The filters and the order of the address. Raises `ApiError`."""
    given = query.filters(*FILTERS)
    typed = dict(given)
    if "organization_id" in typed:
        typed["organization_id"] = query.number(typed["organization_id"])
    if typed.get("enabled") in ("true", "false"):
        typed["enabled"] = typed["enabled"] == "true"
    return Asked(given, query.typed(typed, JobFilters))


def choices(connection: Connection) -> dict[str, Any]:
    """Values that the form offers for each filter."""
    homes, _ = organizations.selection({}, "name").page(connection, 1, ORGANIZATIONS)
    return {"providers": jobs.providers(connection), "statuses": get_args(JobStatus), "organizations": homes}
