"""The change feed over HTTP, the changes of one entity step by step, and fields of a job that are ignored from now on."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from flask import Response

from api import access, difference, job_models, times
from api import inventory_models as models
from api.audit import audited
from api.context import Context
from api.endpoint import Endpoint, NoQuery, Paging
from api.errors import ApiError
from api.job_config import merged, provider_of, sealed, shown_job, stored_config
from api.listing import Listing, ListQuery, listed, sortable
from api.lookup import get_job, or_404
from api.model import WRITTEN, Id, length
from api.paging import page_of
from worker.store import changes, entities, jobs

IGNORED = "ignore_fields"
"""The config key of the fields that a job leaves out."""


COUNTED, COUNTED_BY_INDEX = 2_000, 20_000
"""Changes that are counted: where a filter has to look at each, and where an index has them. A million would take a second and more."""

SORTINGS = {"-changed_at": changes.LATEST}
"""The one order of the list of changes."""

CHANGES = Listing("changes", models.EntityChange, "Changes", "Changes, the latest first.")


class ChangeFilters(ListQuery, frozen=True, kw_only=True):
    """Query of the list of changes: `since` and `until` are moments or durations before now (``24h``), `field` an attribute or a tag.

    Up to 20,000 are counted, of a job, a provider, a
    type or a field up to 2,000; `total` and `pages` are null when there are more.
    """

    sortings = SORTINGS

    entity_id: Id | None = None
    run_id: Id | None = None
    job_id: Id | None = None
    operation: str | None = None
    """`created`, `updated`, `deleted` or `restored`."""
    since: str | None = None
    until: str | None = None
    provider: str | None = None
    sub_type: str | None = None
    field: str | None = None
    sort: Annotated[str, sortable(SORTINGS)] = "-changed_at"
    """Order of the list: the latest first."""

    def __post_init__(self) -> None:
        """Bounds, as a `ValueError`."""
        super().__post_init__()
        self.conditions()

    def slow(self) -> bool:
        """True when a count has to look at each change."""
        return any(value is not None for value in (self.job_id, self.provider, self.sub_type, self.field))

    def conditions(self) -> dict[str, Any]:
        """The filters as the store takes them. Raises `ValueError`."""
        given = msgspec.structs.asdict(self)
        return given | {name: times.moment(name, given[name]) if given[name] else None for name in ("since", "until")}


class IgnoreBody(msgspec.Struct, frozen=True, kw_only=True):
    """The field that a job is to leave out: a path such as ``status.lastSyncedAt`` or ``items[].etag``."""

    field: Annotated[str, length(1, 500, WRITTEN)]

    def __post_init__(self) -> None:
        """Rules that types cannot say."""
        if not 0 < len(self.field.strip()) <= 500 or not self.field.isprintable():
            raise ValueError("`field` is the path of an attribute, of 1 to 500 characters")


def list_changes(context: Context, query: ChangeFilters, body: Any) -> dict[str, Any] | Response:
    """Lists changes, the latest first."""
    return listed(context, CHANGES, query, lambda _connection, _fields: feed(query))


def count_by_type(context: Context, query: NoQuery, body: Any) -> dict[str, Any]:
    """Counts the changes of the last 24 hours by type and operation."""
    with context.pool.reading() as connection:
        types, counted = changes.by_type(connection, entities.summary(connection))
    return {"types": types, "counted": counted}


def feed(query: ChangeFilters) -> changes.Feed:
    """The changes that a query asks for."""
    return changes.Feed(query.conditions(), COUNTED if query.slow() else COUNTED_BY_INDEX)


def show_diff(context: Context, query: Paging, body: Any, entity_id: int) -> dict[str, Any]:
    """The changes of one entity step by step, the latest first."""
    with context.pool.reading() as connection:
        or_404(entities.get(connection, entity_id, access.organization()), f"entity {entity_id}")
        rows, total = changes.page(connection, query.page, query.per_page, {"entity_id": entity_id})
    return {"entity_id": entity_id, **page_of("changes", [_step_by_step(row) for row in rows], total, query)}


def ignore(context: Context, query: NoQuery, body: IgnoreBody, job_id: int) -> dict[str, Any]:
    """Adds a field to those that a job leaves out; its next run takes it from the inventory, which is not a change."""
    field = body.field.strip()
    with audited(context, "field ignored", f"job {job_id}") as line:
        job = get_job(line.connection, job_id, locked=True)
        provider, stored = provider_of(context, job["provider"]), stored_config(job)
        if IGNORED not in provider.config.__struct_encode_fields__:
            raise ApiError(f"jobs of {provider.title} have no `{IGNORED}`")
        before = list(stored.get(IGNORED) or ())
        config = merged(provider, {IGNORED: [*before, *({field} - {*before})]}, stored, job["organization_id"])
        jobs.change(line.connection, job_id, {"config": sealed(context, provider, config)})
        line.before, line.after = {IGNORED: before}, {IGNORED: config[IGNORED]}
        return shown_job(get_job(line.connection, job_id))


def ignorable(recorded: dict[str, Any]) -> list[str]:
    """The paths by which a job could ignore what a recorded change has changed; tags and names cannot be ignored."""
    found = (_path(step.path) for step in difference.steps_of(recorded))
    return list(dict.fromkeys(path for path in found if path))


def _path(path: difference.Path) -> str:
    """A step's path as `ignore_fields` writes it: without positions, keys that hold a dot in quotes; empty where it cannot be written."""
    first, *rest = path
    names = [str(first).removeprefix("attributes."), *rest]
    if not str(first).startswith("attributes.") or any(isinstance(name, str) and {*'"[]*{}'} & {*name} for name in names):
        return ""
    while names and isinstance(names[-1], int):  # an item of a list came or went: it is the list that changes
        names.pop()
    written = ""
    for name in names:
        quoted = f'"{name}"' if "." in str(name) else name
        written += "[]" if isinstance(name, int) else f".{quoted}" if written else str(quoted)
    return written


def _step_by_step(row: dict[str, Any]) -> dict[str, Any]:
    steps = [step._asdict() for step in difference.steps_of(row["changes"])]
    return {**{name: row[name] for name in ("id", "operation", "run_id", "changed_at")}, "steps": steps}


ENDPOINTS = (
    CHANGES.endpoint("/changes", "What changed, latest first", list_changes, ChangeFilters, "read"),
    Endpoint(
        "GET",
        "/changes/types",
        "How many entities of each type are new, changed, deleted and restored within 24 hours",
        count_by_type,
        answer=models.ChangesByType,
        role="read",
    ),
    Endpoint(
        "GET",
        "/entities/{entity_id}/diff",
        "The changes of one entity step by step: an item added to a list is one step",
        show_diff,
        query=Paging,
        answer=models.EntityDiff,
        role="read",
        narrowed=True,
    ),
    Endpoint(
        "POST",
        "/discovery/jobs/{job_id}/ignore",
        "Leave out a field that changes without meaning",
        ignore,
        body=IgnoreBody,
        answer=job_models.Job,
        role="operate",
    ),
)
