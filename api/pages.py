"""The web pages, rendered here from what the JSON API answers: no build step, nothing from elsewhere, useful without scripts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, redirect, render_template, request
from werkzeug.wrappers import Response

from api import filters, inventory, jobs
from api.context import Context
from api.endpoint import NoBody, NoQuery
from api.errors import ApiError
from api.graph import draw
from api.job_config import shown_job
from api.lookup import or_404
from api.probe import WORKER_SEEN
from worker.store import changes, entities, history, organizations, probes
from worker.store import held as stored_held
from worker.store import jobs as stored_jobs
from worker.store.pool import snapshot

PER_PAGE = 50
RUNS = 20
DEEPEST = 30
"""Levels of a tree that are indented."""


def register(app: Flask, context: Context) -> None:
    """Makes the routes and the filters that the templates use. Needs the converter that `api.endpoint.register` adds."""
    app.jinja_env.filters.update(
        ago=filters.ago, lasting=filters.lasting, number=filters.number, json=filters.pretty, short=filters.short, label=filters.label
    )
    pages: dict[str, Callable[..., str]] = {
        "/": _jobs,
        "/jobs/<id:job_id>": _job,
        "/runs/<id:run_id>": _run,
        "/entities": _entities,
        "/entities/<id:entity_id>": _entity,
        "/organizations": _organizations,
        "/changes": _changes,
    }
    for rule, page in pages.items():
        app.add_url_rule(rule, f"page {page.__name__}", lambda page=page, **path: page(context, **path))
    for word, action in (("queue", jobs.queue), ("cancel", jobs.cancel)):
        app.add_url_rule(
            f"/jobs/<id:job_id>/{word}", word, lambda job_id, action=action: _do(context, action, job_id=job_id), methods=["POST"]
        )
    app.add_url_rule("/runs/<id:run_id>/release", "release", lambda run_id: _do(context, jobs.release, run_id=run_id), methods=["POST"])


def _do(context: Context, action: Callable[..., Any], **path: int) -> Response:
    """A button: does what the API does, and shows the page again."""
    action(context, NoQuery(), NoBody(), **path)
    return redirect(request.path.rpartition("/")[0], 303)


def _jobs(context: Context) -> str:
    with context.jobs() as connection, snapshot(connection):
        rows, total = stored_jobs.page(connection, _page(), PER_PAGE)
        latest = history.latest(connection, [job["id"] for job in rows])
        kinds = entities.summary(connection)
        workers = probes.workers(connection, WORKER_SEEN)
    return render_template(
        "jobs.html", jobs=rows, latest=latest, kinds=kinds, workers=workers, live=_moving(rows), total=total, **_pages(total)
    )


def _job(context: Context, job_id: int) -> str:
    with context.jobs() as connection, snapshot(connection):
        job = shown_job(or_404(stored_jobs.get(connection, job_id), f"job {job_id}"))
        runs, total = history.runs(connection, job_id, RUNS)
        home = organizations.get(connection, job["organization_id"]) if job["organization_id"] else None
        workers = probes.workers(connection, WORKER_SEEN)
    return render_template("job.html", job=job, runs=runs[::-1], total=total, organization=home, workers=workers, live=_moving([job]))


def _moving(rows: list[dict[str, Any]]) -> bool:
    return any(job["status"] in ("running", "pending") for job in rows)


def _run(context: Context, run_id: int) -> str:
    with context.jobs() as connection, snapshot(connection):
        run = or_404(history.run(connection, run_id), f"run {run_id}")
        job = or_404(stored_jobs.get(connection, run["job_id"]), f"job {run['job_id']}")
        on_hold, total = stored_held.page(connection, 1, HELD_SHOWN, run=run_id)
    scopes = run["scopes"]
    return render_template(
        "run.html",
        run=run,
        job=job,
        unread=[scope for scope in scopes if scope["outcome"] != "complete"],
        full=sorted((s for s in scopes if s["outcome"] == "complete" and _says_something(s)), key=lambda s: -s["resources"]),
        empty=[scope for scope in scopes if scope["outcome"] == "complete" and not _says_something(scope)],
        held=on_hold,
        held_total=total,
        lost=[(name, count) for name, column in _LOST.items() if (count := sum(scope[column] for scope in scopes))],
        live=run["status"] == "running",
    )


def _says_something(scope: dict[str, Any]) -> bool:
    names = ("resources", "deleted", "held_back", "held_links", "held_attributes", "message")
    return any(scope[name] for name in names)


_LOST = {"entities": "held_back", "links": "held_links", "attributes": "held_attributes"}

HELD_SHOWN = 50
"""Lines of what is held back on a run's page; the API lists all."""

FILTERS = ("q", "entity_type", "sub_type", "provider", "region", "organization_id")


def _entities(context: Context) -> str:
    given: dict[str, Any] = {name: request.args[name] for name in (*FILTERS, "deleted") if request.args.get(name)}
    filters: dict[str, Any] = {name: value for name, value in given.items() if name != "deleted"}
    filters["is_active"] = "deleted" not in given
    if "organization_id" in filters:
        filters["organization_id"] = _number(filters["organization_id"])
    if any("\0" in value for value in given.values()):
        raise ApiError("a NUL has no place in a filter")
    with context.pool.reading() as connection:
        rows, total = entities.page(connection, _page(), PER_PAGE, filters)
        kinds = entities.summary(connection)
        home = organizations.get(connection, filters["organization_id"]) if "organization_id" in filters else None
    choices = {name: sorted({kind[name] for kind in kinds}) for name in ("entity_type", "sub_type", "provider")}
    return render_template(
        "entities.html", entities=rows, total=total, choices=choices, given=given, organization=home, any=bool(kinds), **_pages(total)
    )


def _entity(context: Context, entity_id: int) -> str:
    with context.pool.reading() as connection:
        entity = or_404(entities.get(connection, entity_id), f"entity {entity_id}")
        home = organizations.get(connection, entity["organization_id"])
        parent = entities.get(connection, entity["parent_id"]) if entity["parent_id"] else None
    return render_template("entity.html", entity=entity, organization=home, parent=parent, graph=draw(entity))


def _organizations(context: Context) -> str:
    tree = inventory.tree(context)
    return render_template("organizations.html", roots=tree["organizations"], total=tree["total"], deepest=DEEPEST)


def _changes(context: Context) -> str:
    with context.pool.reading() as connection:
        rows, total = changes.page(connection, _page(), PER_PAGE, {})
        runs = history.recent(connection, 8)
        fresh = sorted((kind for kind in entities.summary(connection) if kind["fresh"]), key=lambda kind: -kind["fresh"])
    return render_template("changes.html", changes=rows, total=total, runs=runs, fresh=fresh[:24], **_pages(total))


def _page() -> int:
    return max(1, min(_number(request.args.get("page", "1")), 1_000_000))


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise ApiError(f"'{text[:40]}' is not a number that can be used here")
    return int(text)


def _pages(total: int) -> dict[str, int]:
    return {"page": _page(), "pages": max(1, -(-total // PER_PAGE))}
