"""The web pages: rendered here, no script, no build step, nothing from elsewhere. They show what the JSON shows."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import msgspec
from flask import Flask, render_template, request

from api.context import Context
from api.errors import ApiError, NotFound
from api.job_config import found, shown_job
from worker.store import entities, jobs

PER_PAGE = 50
RUNS = 20
LINKS = 14
"""Neighbours that are drawn; the table below the drawing has all."""


def register(app: Flask, context: Context) -> None:
    """Makes the routes and the filters that the templates use."""
    app.jinja_env.filters.update(ago=_ago, json=_pretty)
    app.add_url_rule("/", "page jobs", lambda: _jobs(context))
    app.add_url_rule("/jobs/<int:job_id>", "page job", lambda job_id: _job(context, job_id))
    app.add_url_rule("/runs/<int:run_id>", "page run", lambda run_id: _run(context, run_id))
    app.add_url_rule("/entities", "page entities", lambda: _entities(context))
    app.add_url_rule("/entities/<int:entity_id>", "page entity", lambda entity_id: _entity(context, entity_id))
    app.add_url_rule("/organizations", "page organizations", lambda: _organizations(context))
    app.add_url_rule("/changes", "page changes", lambda: _changes(context))


def _jobs(context: Context) -> str:
    with context.pool.connection() as connection:
        rows, total = jobs.page(connection, _page(), PER_PAGE)
        kinds = entities.summary(connection)
        latest = {job["id"]: next(iter(jobs.runs(connection, job["id"], 1)), None) for job in rows}
    live = any(job["status"] in ("running", "pending") for job in rows)
    return render_template("jobs.html", jobs=rows, latest=latest, kinds=kinds, live=live, total=total, **_pages(total))


def _job(context: Context, job_id: int) -> str:
    with context.pool.connection() as connection:
        job = shown_job(found(jobs.get(connection, job_id), job_id))
        runs = jobs.runs(connection, job_id, RUNS)
    return render_template("job.html", job=job, runs=list(reversed(runs)), live=job["status"] in ("running", "pending"))


def _run(context: Context, run_id: int) -> str:
    with context.pool.connection() as connection:
        run = found(jobs.run(connection, run_id), run_id, "run")
        job = found(jobs.get(connection, run["job_id"]), run["job_id"])
    scopes = sorted(
        run["scopes"], key=lambda scope: (scope["outcome"] == "complete", scope["account"], scope["region"], scope["resource_type"])
    )
    return render_template("run.html", run=run, job=job, scopes=scopes, live=run["status"] == "running")


FILTERS = ("q", "entity_type", "sub_type", "provider", "region", "organization_id")


def _entities(context: Context) -> str:
    given: dict[str, Any] = {name: request.args[name] for name in FILTERS if request.args.get(name)}
    filters = {**given, "is_active": None if request.args.get("gone") else True}
    if "organization_id" in filters:
        filters["organization_id"] = _number(filters["organization_id"])
    with context.pool.connection() as connection:
        rows, total = entities.page(connection, _page(), PER_PAGE, filters)
        kinds = entities.summary(connection)
    types = sorted({kind["entity_type"] for kind in kinds})
    providers = sorted({kind["provider"] for kind in kinds})
    return render_template("entities.html", entities=rows, total=total, types=types, providers=providers, given=given, **_pages(total))


def _entity(context: Context, entity_id: int) -> str:
    with context.pool.connection() as connection:
        entity = entities.get(connection, entity_id)
        if entity is None:
            raise NotFound(f"there is no entity {entity_id}")
        organization = entities.organization(connection, entity["organization_id"])
    return render_template("entity.html", entity=entity, organization=organization, graph=_graph(entity))


def _organizations(context: Context) -> str:
    with context.pool.connection() as connection:
        rows, total = entities.organizations(connection, 1, 1000, {})
    by_parent: dict[int | None, list[dict[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: row["name"].lower()):
        by_parent.setdefault(row["parent_id"], []).append(row)
    return render_template("organizations.html", tree=by_parent, total=total)


def _changes(context: Context) -> str:
    with context.pool.connection() as connection:
        rows, total = entities.changes(connection, _page(), PER_PAGE, {})
    return render_template("changes.html", changes=rows, total=total, **_pages(total))


def _graph(entity: dict[str, Any]) -> list[dict[str, Any]]:
    """Places the neighbours on an ellipse around the entity, in a box of 800 by 360."""
    near = [
        {"way": "out", "label": one["dependency_type"], "id": one["target_id"], "name": one["target_name"] or one["target_external_id"]}
        for one in entity["dependencies"]
    ] + [{"way": "in", "label": one["dependency_type"], "id": one["source_id"], "name": one["source_name"]} for one in entity["dependents"]]
    shown = near[:LINKS]
    for number, one in enumerate(shown):
        angle = 2 * math.pi * number / len(shown) - math.pi / 2
        one.update(x=round(400 + 290 * math.cos(angle)), y=round(180 + 140 * math.sin(angle)))
    return shown


def _page() -> int:
    return max(1, min(_number(request.args.get("page", "1")), 1_000_000))


def _number(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise ApiError(f"'{text}' is not a number") from None
    if not 0 <= number < 2**63:
        raise ApiError(f"'{text}' is out of range")
    return number


def _pages(total: int) -> dict[str, int]:
    return {"page": _page(), "pages": max(1, -(-total // PER_PAGE))}


def _ago(moment: dt.datetime | None) -> str:
    """How long ago, in the largest unit that says something."""
    if moment is None:
        return "–"
    seconds = (dt.datetime.now(dt.UTC) - moment).total_seconds()
    words = "ago" if seconds >= 0 else "from now"
    seconds = abs(seconds)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length:.0f} {unit} {words}"
    return f"{seconds:.0f} s {words}"


def _pretty(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
