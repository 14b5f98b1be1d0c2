"""Discovery jobs, as the API creates, shows, changes and queues them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, LiteralString

from psycopg.types.json import Jsonb

from worker.store import lifecycle, schedules, scopes, statements
from worker.store.connection import Connection, transaction
from worker.store.organizations import BELOW
from worker.store.query import Order, Query, by_number, by_text, by_time, one, rows

COLUMNS: LiteralString = (
    "id, name, description, provider, config, organization_id, enabled, schedule_interval, schedule_cron, schedule_timezone, "
    "status, next_run_at, queued_at, "
    "failures, crashes, losses, identity, last_run_at, created_at, updated_at, queue, "
    "case when enabled and next_run_at <= now() and status not in ('running', 'parked') and not exists ("
    "select from elder_worker.workers w where w.seen_at > now() - interval '60 seconds' "
    "and (w.providers is null or provider = any(w.providers)) and queue = any(w.queues)) "
    "then 'no running worker has the provider ' || provider || ' installed and switched on and serves the queue ' || queue "
    "else '' end as waiting_for"
)
SORTINGS: Mapping[str, Order] = {
    "id": by_number("id", "id"),
    "name": Order('lower(name) collate "C"', 'lower(%s) collate "C"', "name"),
    "provider": by_text("provider", "provider"),
    "status": by_text("status", "status"),
    "last_run_at": by_time("last_run_at", "last_run_at"),
    "next_run_at": by_time("next_run_at", "next_run_at"),
}
"""Orders of the list of jobs. There are as many as people have made, so all of them are sorted."""

SCHEDULE = frozenset({"schedule_interval", "schedule_cron", "schedule_timezone", "enabled"})
"""Columns that say when a job runs."""

WAKE: LiteralString = "select pg_notify('elder_worker', 'job')"


def add(connection: Connection, job: dict[str, Any]) -> dict[str, Any]:
    """Adds a job, due at once or by its cron expression.

    `job` has name, description, provider, config, organization_id, enabled, schedule_interval, and may have schedule_cron,
    schedule_timezone and queue.
    """
    values = {"queue": "default", "schedule_cron": None, "schedule_timezone": "UTC", **job, "config": Jsonb(job["config"])}
    with transaction(connection):
        made = connection.execute(
            statements.get("add_job"),
            values,
        ).fetchone()
        assert made is not None
        schedules.plan(connection, made[0])
        connection.execute(WAKE)
    found = get(connection, made[0])
    assert found is not None
    return found


def get(connection: Connection, job: int, *, locked: bool = False) -> dict[str, Any] | None:
    """One job with its config as stored (secrets encrypted). `locked` keeps others from changing it until the transaction ends."""
    return one(
        connection,
        "select " + COLUMNS + " from discovery_jobs where id = %s and deleted_at is null" + (" for update" if locked else ""),
        [job],
    )


def selection(filters: Mapping[str, Any], sort: str = "-id") -> Query:
    """The jobs that fit, in an order of `SORTINGS`. `filters`: provider, status, enabled, organization_id (and what is below it), q."""
    query = Query(COLUMNS, "discovery_jobs", SORTINGS, sort, ["deleted_at is null"])
    query.only("provider = %s", filters.get("provider"))
    query.only("status = %s", filters.get("status"))
    query.only("enabled = %s", filters.get("enabled"))
    query.only("organization_id = any(array" + BELOW + ")", filters.get("organization_id"))
    query.only("position(lower(%s) in lower(name || ' ' || description)) > 0", filters.get("q"))
    return query


def alike(
    connection: Connection, job: Mapping[str, Any], identity: str | None, texts: Mapping[str, Any], secrets: Sequence[str], *, sealed: bool
) -> list[dict[str, Any]]:
    """Other jobs of the provider that are pinned to the `identity`, or whose config has the same `texts` and, as `sealed` says, secrets."""
    values = {"provider": job["provider"], "job": job.get("id"), "identity": identity, "texts": Jsonb(texts), "secrets": list(secrets)}
    return rows(connection, statements.get("jobs_alike"), {**values, "sealed": sealed})


def providers(connection: Connection) -> list[str]:
    """Names of the providers that there are jobs of."""
    return [name for (name,) in connection.execute("select distinct provider from discovery_jobs where deleted_at is null order by 1")]


def names(connection: Connection, at_most: int) -> dict[int, str]:
    """Names of jobs by their ids, in the order of the names; of more than `at_most`, those of the newest."""
    query = "select id, name from discovery_jobs where deleted_at is null order by id desc limit %s"
    return dict(sorted(connection.execute(query, [at_most]).fetchall(), key=lambda job: (job[1], job[0])))


def change(connection: Connection, job: int, changes: dict[str, Any]) -> None:
    """Sets the given columns; a new config unparks a parked job."""
    names: dict[str, LiteralString] = {
        "name": "name = %s",
        "description": "description = %s",
        "config": "config = %s, crashes = 0, losses = 0, failures = 0",
        "organization_id": "organization_id = %s",
        "schedule_interval": "schedule_interval = %s",
        "schedule_cron": "schedule_cron = %s",
        "schedule_timezone": "schedule_timezone = %s",
        "enabled": "enabled = %s",
        "queue": "queue = %s",
    }
    parts = [names[name] for name in changes]
    values = [Jsonb(value) if name == "config" else value for name, value in changes.items()]
    with transaction(connection):
        connection.execute("update discovery_jobs set " + ", ".join([*parts, "updated_at = now()"]) + " where id = %s", [*values, job])
        if SCHEDULE & changes.keys():
            connection.execute(statements.get("schedule_job"), [job])
            schedules.plan(connection, job)


def delete(connection: Connection, job: int) -> bool:
    """Deletes a job and, in the background, its history; what it found stays. False when it is running.

    What other jobs or connectors see of it is theirs: a batch at once, the rest in the background.
    """
    with transaction(connection):
        row = connection.execute(statements.get("delete_job"), [job]).fetchone()
        if row is not None:
            lifecycle.abandon_owner(connection, scopes.job_owner(job))
            connection.execute(WAKE)  # a worker deletes the history and hands over the rest
    return row is not None


def queue(connection: Connection, job: int) -> dict[str, Any] | None:
    """Makes a job due now, a parked one too, and wakes the workers."""
    with transaction(connection):
        row = one(connection, statements.get("queue_job"), [job])
        connection.execute(WAKE)
    return row


def cancel(connection: Connection, job: int) -> str | None:
    """Asks a running job to end, or removes a waiting job from the queue; returns the status before, or None without such a job."""
    with transaction(connection):
        row = connection.execute(statements.get("cancel_job"), [job]).fetchone()
        schedules.plan(connection, job)
        connection.execute(WAKE)
    return row[0] if row else None
