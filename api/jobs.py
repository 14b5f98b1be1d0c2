"""Discovery jobs over HTTP: made, shown without their secrets, changed without losing any, queued, cancelled, tested."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import Any

import msgspec

from api.context import Context
from api.endpoint import Endpoint, NoQuery
from api.errors import ApiError, Conflict, NotFound, Unavailable
from api.job_config import found, organization_exists, provider_of, sealed, shown_job
from api.job_forms import JobBody, JobChanges, JobFilters, Legacy, RunLimit
from api.paging import page_of
from worker.store import jobs, tombstones

TEST_SECONDS = 75.0
"""How long a connectivity test is waited for."""

WORKER_SEEN = 60.0
"""Seconds since a worker's last sign of life after which it is not counted on."""


def create(context: Context, query: NoQuery, body: JobBody) -> dict[str, Any]:
    """A new job, due at once."""
    provider = provider_of(body.provider)
    config = sealed(context, provider, body.config, {})
    with context.pool.connection() as connection:
        organization_exists(connection, body.organization_id)
        made = jobs.add(connection, {**msgspec.structs.asdict(body), "config": config})
    return shown_job(made)


def listed(context: Context, query: JobFilters, body: Any) -> dict[str, Any]:
    """All jobs, the newest first."""
    with context.pool.connection() as connection:
        rows, total = jobs.page(connection, query.page, query.per_page, provider=query.provider, status=query.status)
    return page_of("jobs", [shown_job(job) for job in rows], total, query)


def shown(context: Context, query: NoQuery, body: Any, job_id: int) -> dict[str, Any]:
    """One job."""
    with context.pool.connection() as connection:
        return shown_job(found(jobs.get(connection, job_id), job_id))


def replace(context: Context, query: NoQuery, body: JobChanges, job_id: int) -> dict[str, Any]:
    """Changes a job; a config that is given replaces the old one, but for secrets sent back as they were shown."""
    return _changed(context, body, job_id, merge=False)


def amend(context: Context, query: NoQuery, body: JobChanges, job_id: int) -> dict[str, Any]:
    """Changes a job; the keys of a config that are given replace the old ones."""
    return _changed(context, body, job_id, merge=True)


def _changed(context: Context, body: JobChanges, job_id: int, *, merge: bool) -> dict[str, Any]:
    changes = {name: value for name, value in msgspec.structs.asdict(body).items() if value is not msgspec.UNSET}
    with context.pool.connection() as connection:
        job = found(jobs.get(connection, job_id), job_id)
        wanted = changes.pop("provider", job["provider"])
        if wanted != job["provider"]:
            raise ApiError("the provider of a job cannot be changed: make a new job")
        if "config" in changes:
            given = changes["config"]
            changes["config"] = sealed(context, provider_of(job["provider"]), {**job["config"], **given} if merge else given, job["config"])
        organization_exists(connection, changes.get("organization_id"))
        if changes:
            jobs.change(connection, job_id, changes)
        return shown_job(found(jobs.get(connection, job_id), job_id))


def remove(context: Context, query: NoQuery, body: Any, job_id: int) -> dict[str, Any]:
    """Deletes a job and its history."""
    with context.pool.connection() as connection:
        found(jobs.get(connection, job_id), job_id)
        if not jobs.delete(connection, job_id):
            raise Conflict(f"job {job_id} is running: cancel it first")
    return {"job_id": job_id, "success": True, "message": "Job deleted; what it found stays"}


def queue(context: Context, query: NoQuery, body: Any, job_id: int) -> dict[str, Any]:
    """Makes a job due now."""
    with context.pool.connection() as connection:
        queued = found(jobs.queue(connection, job_id), job_id)
    return {"job_id": job_id, "success": True, "message": "Job queued for worker execution", "queued_at": queued["queued_at"]}


def cancel(context: Context, query: NoQuery, body: Any, job_id: int) -> dict[str, Any]:
    """Ends a running job, or takes a waiting one from the queue."""
    with context.pool.connection() as connection:
        before = jobs.cancel(connection, job_id)
    if before is None:
        raise NotFound(f"there is no job {job_id}")
    if before not in ("running", "pending"):
        raise Conflict(f"job {job_id} is {before}: there is nothing to cancel")
    message = "Cancellation requested: the job's processes are being ended" if before == "running" else "Job taken from the queue"
    return {"job_id": job_id, "success": True, "message": message}


def test(context: Context, query: NoQuery, body: Any, job_id: int) -> dict[str, Any]:
    """Has a worker sign in with the job's config, in a killable process."""
    with context.pool.connection() as connection:
        job = found(jobs.get(connection, job_id), job_id)
        if not jobs.workers(connection, WORKER_SEEN):
            raise Unavailable("no worker is there to run the test: start one with 'docker-compose up -d worker' or 'elder-worker run'")
        number = jobs.ask(connection, job["provider"], job["config"])
        answer = jobs.answer(connection, number, TEST_SECONDS)
    if answer is None:
        raise Unavailable(f"no worker has answered within {TEST_SECONDS:g} s: look at its /status")
    return {"job_id": job_id, "provider": job["provider"], **answer}


def run_legacy(context: Context, query: Legacy, body: Any, job_id: int) -> dict[str, Any]:
    """Runs a job beside the API, by ``elder-worker run --once``."""
    if not query.legacy:
        raise ApiError("jobs are run by workers: use /queue; add ?legacy=true to run it beside the API, which is deprecated")
    with context.pool.connection() as connection:
        job = found(jobs.get(connection, job_id), job_id)
    if job["status"] == "running":
        raise Conflict(f"job {job_id} is running already")
    command = [sys.executable, "-m", "worker.cli", "run", "--once", "--job", str(job_id)]
    child = subprocess.Popen(command, env=dict(os.environ), stdin=subprocess.DEVNULL, start_new_session=True)
    threading.Thread(target=child.wait, daemon=True).start()
    return {"job_id": job_id, "success": True, "message": "Job started beside the API; deprecated, use /queue"}


def history(context: Context, query: RunLimit, body: Any, job_id: int) -> dict[str, Any]:
    """The runs of a job, oldest first; the newest are always there."""
    with context.pool.connection() as connection:
        found(jobs.get(connection, job_id), job_id)
        rows = jobs.runs(connection, job_id, query.limit)
    return {"job_id": job_id, "results": rows}


def one_run(context: Context, query: NoQuery, body: Any, run_id: int) -> dict[str, Any]:
    """One run with its ledger."""
    with context.pool.connection() as connection:
        return found(jobs.run(connection, run_id), run_id, "run")


def release(context: Context, query: NoQuery, body: Any, run_id: int) -> dict[str, Any]:
    """Lets go the tombstones that a run's guard held back."""
    with context.pool.connection() as connection:
        found(jobs.run(connection, run_id), run_id, "run")
        return {"run_id": run_id, "released": tombstones.release(connection, run_id)}


_JOB = "/discovery/jobs/{job_id}"
ENDPOINTS = (
    Endpoint("POST", "/discovery/jobs", "Make a discovery job; it is due at once", create, 201, body=JobBody, answer="Job"),
    Endpoint("GET", "/discovery/jobs", "All jobs, newest first", listed, query=JobFilters, answer="Jobs"),
    Endpoint("GET", _JOB, "One job, secrets redacted", shown, answer="Job"),
    Endpoint("PUT", _JOB, "Change a job; its config is replaced", replace, body=JobChanges, answer="Job"),
    Endpoint("PATCH", _JOB, "Change a job; its config is merged", amend, body=JobChanges, answer="Job"),
    Endpoint("DELETE", _JOB, "Delete a job and its history", remove, answer="Done"),
    Endpoint("POST", _JOB + "/queue", "Make a job due now", queue, 202, answer="Queued"),
    Endpoint("POST", _JOB + "/cancel", "End a running job", cancel, 202, answer="Done"),
    Endpoint("POST", _JOB + "/test", "Test a job's credentials", test, answer="Tested"),
    Endpoint(
        "POST",
        _JOB + "/run",
        "Run a job beside the API (deprecated)",
        run_legacy,
        202,
        query=Legacy,
        answer="Done",
        headers={"Deprecation": "true"},
    ),
    Endpoint("GET", _JOB + "/history", "The runs of a job, oldest first", history, query=RunLimit, answer="History"),
    Endpoint("GET", "/runs/{run_id}", "One run with its scopes", one_run, answer="Run"),
    Endpoint("POST", "/runs/{run_id}/release", "Let go what the guard held back", release, answer="Released"),
)
