"""Pages of jobs and their runs."""

from __future__ import annotations

from typing import Any

import msgspec
from flask import render_template

from api import charts, jobs, scopes
from api.context import Context
from api.lookup import get_job, or_404
from api.overlap import warned_job
from api.pages import job_list, query
from api.pages.actions import Page, act
from api.probe import WORKER_SEEN
from worker.run import causes
from worker.store import attention, claims, daily, entities, history, organizations, probes, releases, run_logs
from worker.store import held as stored_held
from worker.store import jobs as stored_jobs
from worker.store.connection import Connection
from worker.store.pool import snapshot

RUNS = 20
DAYS = 30
"""Days in the charts of the home page."""

HELD_SHOWN = 50
"""Lines of what is held back on a run's page; the API lists all."""

RELEASES = 5
"""Releases that the page of a run or a connector shows, the newest ones."""

_LOST = {"entities": "held_back", "links": "held_links", "attributes": "held_attributes"}


def _jobs(context: Context) -> str:
    asked = job_list.asked()
    with context.jobs() as connection, snapshot(connection):
        rows, total = asked.selection().page(connection, query.page(), query.PER_PAGE)
        choices = job_list.choices(connection)
        latest = history.latest(connection, [job["id"] for job in rows])
        kinds = entities.summary(connection)
        workers = probes.workers(connection, WORKER_SEEN)
        waiting = attention.attention(connection)
        days = daily.runs(connection, DAYS)
        took = daily.durations(connection, DAYS)
        course = daily.entities(connection, DAYS, sum(kind["entities"] for kind in kinds))
    live = _moving(rows)
    form = {"given": asked.given, "sort": asked.filters.sort, "choices": choices}
    shown = {"jobs": rows, "latest": latest, "kinds": kinds, "workers": workers, "attention": waiting, "live": live}
    drawn = {
        "runs_chart": charts.bars(days),
        "durations_chart": charts.durations(took),
        "entities_chart": charts.line(course),
        "providers": _providers(kinds),
        "days": DAYS,
    }
    return render_template("jobs.html", **shown, **form, **drawn, total=total, **query.pages(total))


def _providers(kinds: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The active entities of each provider: how many, of how many types, and their share in percent; the largest first."""
    total = sum(kind["entities"] for kind in kinds)
    found: dict[str, dict[str, Any]] = {}
    for kind in kinds:
        one = found.setdefault(kind["provider"], {"provider": kind["provider"], "entities": 0, "types": 0})
        one["entities"], one["types"] = one["entities"] + kind["entities"], one["types"] + 1
    return sorted(({**one, "share": 100 * one["entities"] / total} for one in found.values()), key=lambda one: -one["entities"])


def _job(context: Context, job_id: int) -> str:
    with context.jobs() as connection, snapshot(connection):
        job = warned_job(context, connection, get_job(connection, job_id))
        runs, total = history.runs(connection, job_id, RUNS)
        home = organizations.get(connection, job["organization_id"]) if job["organization_id"] else None
        workers = probes.workers(connection, WORKER_SEEN)
        other, elsewhere = _other_source(connection, job, runs)
    shown = {"organization": home, "workers": workers, "other": other, "elsewhere": elsewhere, "live": _moving([job])}
    return render_template("job.html", job=job, runs=runs[::-1], total=total, **shown)


def _other_source(connection: Connection, job: dict[str, Any], runs: list[dict[str, Any]]) -> tuple[str, dict[str, Any] | None]:
    """The source that the newest run has found in place of the one that the job reads, and the job that reads the same one elsewhere.

    Empty and None where there is no doubt.
    """
    found = (runs[-1]["identity"] or {}) if runs and runs[-1]["error_kind"] == "config" else {}
    account, place = found.get("account") or "", found.get("place") or ""
    if job["identity"]:
        return account if account != job["identity"] else "", None
    other = claims.pinned_elsewhere(connection, job["id"], account, place) if place else None
    return "", other and {**other, "identity": account, "here": place}


def _moving(rows: list[dict[str, Any]]) -> bool:
    return any(job["status"] in ("running", "pending") for job in rows)


def _run(context: Context, run_id: int) -> str:
    with context.jobs() as connection, snapshot(connection):
        run = or_404(history.run(connection, run_id), f"run {run_id}")
        job = or_404(stored_jobs.get(connection, run["job_id"]), f"job {run['job_id']}")
        on_hold, total = stored_held.page(connection, 1, HELD_SHOWN, run=run_id)
        released, _ = releases.selection(run=run_id).page(connection, 1, RELEASES)
        log = run_logs.get(connection, run_id)
    scopes = run["scopes"]
    held = {"held": on_hold, "held_total": total, "lost": lost(scopes), "releases": released}
    return render_template("run.html", run=run, job=job, log=log, live=run["status"] == "running", **held, **ledger(run))


def ledger(run: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The scopes of a ledger as the template lists them: ``unread``, ``full`` with the largest first, and ``empty``; and its ``causes``.

    Each cause has its ``grant``, unless that of the run is the same.
    """
    scopes = run["scopes"]
    complete = [scope for scope in scopes if scope["outcome"] == "complete"]
    return {
        "causes": [{**cause, "grant": grant} for cause, grant in zip(run["causes"], _grants(run), strict=True)],
        "unread": [scope for scope in scopes if scope["outcome"] != "complete"],
        "full": sorted((scope for scope in complete if _says_something(scope)), key=lambda scope: -scope["resources"]),
        "empty": [scope for scope in complete if not _says_something(scope)],
    }


def _grants(run: dict[str, Any]) -> list[causes.Grant | None]:
    """The grant of each cause; none where one cause alone lacks a permission."""
    found = [causes.grant(run["scopes"][0]["provider"], [msgspec.convert(cause, causes.Cause)]) for cause in run["causes"]]
    return found if len(found) - found.count(None) > 1 else [None] * len(found)


def lost(scopes: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """Names and numbers of what the guard holds back in these scopes."""
    return [(name, count) for name, column in _LOST.items() if (count := sum(scope[column] for scope in scopes))]


def _says_something(scope: dict[str, Any]) -> bool:
    names = ("resources", "deleted", "held_back", "held_links", "held_attributes", "message")
    return any(scope[name] for name in names)


def _workers(context: Context) -> str:
    with context.jobs() as connection:
        return render_template("workers.html", workers=probes.alive(connection, WORKER_SEEN), live=True)


PAGES = (
    Page("/", _jobs, "read"),
    Page("/jobs/<id:job_id>", _job, "read"),
    Page("/runs/<id:run_id>", _run, "read"),
    Page("/workers", _workers, "read"),
    Page("/jobs/<id:job_id>/queue", act(jobs.queue), "operate", "POST"),
    Page("/jobs/<id:job_id>/cancel", act(jobs.cancel), "operate", "POST"),
    Page("/jobs/<id:job_id>/accept-identity", act(scopes.accept_identity), "operate", "POST"),
    Page("/runs/<id:run_id>/release", act(jobs.release), "operate", "POST"),
)
