"""Discovery jobs over HTTP: made, shown without their secrets, changed without losing any, queued, cancelled, and their runs."""

from __future__ import annotations

from typing import Any

import msgspec
from flask import Response

from api import job_models
from api.audit import audited
from api.context import Context
from api.endpoint import Endpoint, NoQuery, Paging
from api.errors import ApiError, Conflict
from api.job_config import merged, provider_of, sealed, shown_job, stored_config
from api.job_forms import JobBody, JobChanges, JobFilters, Legacy, RunLimit
from api.legacy import start
from api.listing import Listing, listed
from api.lookup import check_organization, get_job, or_404
from api.overlap import warned_job
from api.paging import page_of
from api.probe import probe
from providers.schema import REDACTED
from worker.store import held, history, jobs, run_logs, tombstones
from worker.store.connection import Connection
from worker.store.pool import snapshot

JOBS = Listing("jobs", job_models.Job, "Jobs", "Jobs in an order.", shown_job)


def create(context: Context, query: NoQuery, body: JobBody) -> dict[str, Any]:
    """A new job, due at once or by its cron expression."""
    provider = provider_of(context, body.provider)
    with audited(context, "job made") as line:
        config = merged(provider, body.config, _copied(line.connection, body), body.organization_id)
        config = sealed(context, provider, config)
        check_organization(line.connection, body.organization_id)
        made = jobs.add(line.connection, {**msgspec.structs.asdict(body), "name": body.name.strip(), "config": config})
        line.subject, line.after = f"job {made['id']}", shown_job(made)
        return warned_job(context, line.connection, made)


def _copied(connection: Connection, body: JobBody) -> dict[str, Any]:
    """The config of the job that a new one is a copy of. Raises `ApiError`."""
    if body.copy_of is None:
        return {}
    job = get_job(connection, body.copy_of)
    if job["provider"] != body.provider:
        raise ApiError(f"job {job['id']} is of the provider '{job['provider']}': a copy has the same")
    return stored_config(job)


def list_jobs(context: Context, query: JobFilters, body: Any) -> dict[str, Any] | Response:
    """The jobs that fit the filters."""
    context.refresh()
    return listed(context, JOBS, query, lambda _connection, _fields: jobs.selection(msgspec.structs.asdict(query), query.sort))


def show(context: Context, query: NoQuery, body: Any, job_id: int) -> dict[str, Any]:
    """Returns a discovery job."""
    with context.jobs() as connection:
        return warned_job(context, connection, get_job(connection, job_id))


def change(context: Context, query: NoQuery, body: JobChanges, job_id: int) -> dict[str, Any]:
    """Changes what is named, and nothing else; of two changes at once, the second sees the first."""
    changes = {name: value for name, value in msgspec.structs.asdict(body).items() if value is not msgspec.UNSET}
    given = body.config if isinstance(body.config, dict) else {}
    anew = [key for key, value in given.items() if value != REDACTED]
    with audited(context, "job changed", f"job {job_id}") as line:
        connection = line.connection
        job = get_job(connection, job_id, locked=True)
        if changes.pop("provider", job["provider"]) != job["provider"]:
            raise ApiError("the provider of a job cannot be changed: make a new job")
        if "config" in changes:
            provider = provider_of(context, job["provider"])
            config = merged(provider, changes["config"], stored_config(job), changes.get("organization_id", job["organization_id"]))
            changes["config"] = sealed(context, provider, config)
        if changes.get("schedule_cron") or changes.get("schedule_interval"):  # one takes the place of the other
            changes = {"schedule_interval": None, "schedule_cron": None, **changes}
        check_organization(connection, changes.get("organization_id"))
        if changes:
            jobs.change(connection, job_id, changes)
        changed = get_job(connection, job_id, locked=True)
        line.before, line.after = shown_job(job), shown_job(changed, anew)
        return warned_job(context, connection, changed)


def remove(context: Context, query: NoQuery, body: Any, job_id: int) -> dict[str, Any]:
    """Deletes a job and its history."""
    context.sweep()
    with audited(context, "job deleted", f"job {job_id}") as line:
        line.before = shown_job(get_job(line.connection, job_id))
        if not jobs.delete(line.connection, job_id):
            raise Conflict(f"job {job_id} is running: cancel it first")
    return {"job_id": job_id, "success": True, "message": "Job deleted; what it found stays"}


def queue(context: Context, query: NoQuery, body: Any, job_id: int) -> dict[str, Any]:
    """Makes a job due now."""
    context.sweep()
    with audited(context, "job queued", f"job {job_id}") as line:
        if not get_job(line.connection, job_id)["enabled"]:
            raise Conflict(_DISABLED.format(job_id))
        queued = or_404(jobs.queue(line.connection, job_id), f"job {job_id}")
    return {"job_id": job_id, "success": True, "message": "Job queued for worker execution", "queued_at": queued["queued_at"]}


_DISABLED = 'job {} is disabled: enable it first (in its form, or by PATCH with {{"enabled": true}})'


def cancel(context: Context, query: NoQuery, body: Any, job_id: int) -> dict[str, Any]:
    """Ends a running job, or takes a waiting one from the queue."""
    with audited(context, "job cancelled", f"job {job_id}") as line:
        before = or_404(jobs.cancel(line.connection, job_id), f"job {job_id}")
        if before not in ("running", "pending"):
            raise Conflict(f"job {job_id} is {before}: there is nothing to cancel")
        line.before = {"status": before}
    message = "Cancellation requested: the job's processes are being ended" if before == "running" else "Job taken from the queue"
    return {"job_id": job_id, "success": True, "message": message}


def test(context: Context, query: NoQuery, body: Any, job_id: int) -> dict[str, Any]:
    """Has a worker sign in with the job's config, in a killable process."""
    with audited(context, "job tested", f"job {job_id}") as line:
        job = get_job(line.connection, job_id)
    with context.pool.connection() as connection:
        answer = probe(context, connection, job)
    return {"job_id": job_id, "provider": job["provider"], **answer}


def run_legacy(context: Context, query: Legacy, body: Any, job_id: int) -> dict[str, Any]:
    """Runs a job beside the API."""
    if not query.legacy:
        raise ApiError("jobs are run by workers: use /queue; add ?legacy=true to run it beside the API, which is deprecated")
    with context.jobs() as connection:
        job = get_job(connection, job_id)
    if job["status"] == "running":
        raise Conflict(f"job {job_id} is running already")
    if not job["enabled"]:
        raise Conflict(_DISABLED.format(job_id))
    with audited(context, "job run beside the API", f"job {job_id}"):
        start(context, job_id)
    return {"job_id": job_id, "success": True, "message": "Job started beside the API, see its history; deprecated, use /queue"}


def list_runs(context: Context, query: RunLimit, body: Any, job_id: int) -> dict[str, Any]:
    """The runs of a job, oldest first; the newest are always there."""
    with context.jobs() as connection, snapshot(connection):
        get_job(connection, job_id)
        runs, total = history.runs(connection, job_id, query.limit)
    return {"job_id": job_id, "total": total, "results": runs}


def show_run(context: Context, query: NoQuery, body: Any, run_id: int) -> dict[str, Any]:
    """One run with its ledger."""
    with context.jobs() as connection, snapshot(connection):
        return or_404(history.run(connection, run_id), f"run {run_id}")


def show_run_log(context: Context, query: NoQuery, body: Any, run_id: int) -> dict[str, Any]:
    """Returns what the process of a run has logged."""
    with context.jobs() as connection:
        return or_404(run_logs.get(connection, run_id), f"run {run_id}")


def release(context: Context, query: NoQuery, body: Any, run_id: int) -> dict[str, Any]:
    """Applies what a run's guard held back."""
    with audited(context, "deletions released", f"run {run_id}") as line:
        or_404(history.run(line.connection, run_id), f"run {run_id}")
        released = tombstones.release(line.connection, run_id, line.actor.name)
        if released is None:
            raise Conflict(f"the job of run {run_id} is running, and may be reading what is held back: wait until it has ended")
        line.after = released._asdict()
    return {"run_id": run_id, "released": released.entities, "links": released.links, "attributes": released.attributes}


def list_held(context: Context, query: Paging, body: Any, run_id: int) -> dict[str, Any]:
    """Lists the deletions that the guard holds back for a run, by name."""
    with context.jobs() as connection, snapshot(connection):
        or_404(history.run(connection, run_id), f"run {run_id}")
        return page_of("held", *held.page(connection, query.page, query.per_page, run=run_id), query)


_JOB = "/discovery/jobs/{job_id}"
_GONE = {
    "Deprecation": "@1767225600",  # RFC 9745: since 2026-01-01; without a Sunset, as no day of its end is set
    "Link": '</api/v1/openapi.json>; rel="deprecation"; type="application/json", <queue>; rel="successor-version"',
}
ENDPOINTS = (
    Endpoint(
        "POST",
        "/discovery/jobs",
        "Make a discovery job; it is due at once",
        create,
        201,
        body=JobBody,
        answer=job_models.WarnedJob,
        role="operate",
    ),
    JOBS.endpoint("/discovery/jobs", "Jobs, newest first", list_jobs, JobFilters, "read"),
    Endpoint("GET", _JOB, "One job, secrets redacted", show, answer=job_models.WarnedJob, role="read"),
    Endpoint("PUT", _JOB, "Change a job; what is not named stays", change, body=JobChanges, answer=job_models.WarnedJob, role="operate"),
    Endpoint("PATCH", _JOB, "The same as PUT", change, body=JobChanges, answer=job_models.WarnedJob, role="operate"),
    Endpoint("DELETE", _JOB, "Delete a job and its history; what it found stays", remove, answer=job_models.Done, role="operate"),
    Endpoint("POST", f"{_JOB}/queue", "Make a job due now", queue, 202, answer=job_models.Queued, role="operate"),
    Endpoint(
        "POST",
        f"{_JOB}/cancel",
        "End a running job, or take a waiting one from the queue",
        cancel,
        202,
        answer=job_models.Done,
        role="operate",
    ),
    Endpoint(
        "POST", f"{_JOB}/test", "Test a job's credentials; waits for a worker's answer", test, answer=job_models.Tested, role="operate"
    ),
    Endpoint(
        "POST",
        f"{_JOB}/run",
        "Deprecated: run beside the API",
        run_legacy,
        202,
        query=Legacy,
        answer=job_models.Done,
        headers=_GONE,
        role="operate",
    ),
    Endpoint(
        "GET", f"{_JOB}/history", "The runs of a job, oldest first", list_runs, query=RunLimit, answer=job_models.History, role="read"
    ),
    Endpoint("GET", "/runs/{run_id}", "One run with all its scopes", show_run, answer=job_models.WholeRun, role="read"),
    Endpoint("GET", "/runs/{run_id}/log", "What the process of a run has logged", show_run_log, answer=job_models.LoggedRun, role="read"),
    Endpoint(
        "GET",
        "/runs/{run_id}/held",
        "What the guard holds back of a run, by name",
        list_held,
        query=Paging,
        answer=job_models.Held,
        role="read",
    ),
    Endpoint(
        "POST", "/runs/{run_id}/release", "Apply what the guard held back of a run", release, answer=job_models.Released, role="operate"
    ),
)
