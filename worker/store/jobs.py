"""Discovery jobs, as the API makes, shows, changes and queues them."""

from __future__ import annotations

import time
from typing import Any, LiteralString
from uuid import UUID

from psycopg.types.json import Jsonb

from worker.store.connection import Connection, transaction
from worker.store.query import Query, one, rows

COLUMNS: LiteralString = (
    "id, name, description, provider, config, organization_id, enabled, schedule_interval, status, next_run_at, queued_at, "
    "failures, crashes, last_run_at, created_at, updated_at"
)
RUN_COLUMNS: LiteralString = (
    "id, job_id, status, error_kind, error, error_detail, entities_discovered, entities_created, entities_updated, entities_deleted, "
    "entities_rejected, attempt, worker, identity, started_at, completed_at"
)
WAKE: LiteralString = "select pg_notify('elder_worker', 'job')"


def add(connection: Connection, job: dict[str, Any]) -> dict[str, Any]:
    """A new job, due at once. `job` has name, description, provider, config, organization_id, schedule_interval, enabled."""
    values = {**job, "config": Jsonb(job["config"])}
    with transaction(connection):
        made = connection.execute(
            "insert into discovery_jobs (name, description, provider, config, organization_id, schedule_interval, enabled) values "
            "(%(name)s, %(description)s, %(provider)s, %(config)s, %(organization_id)s, %(schedule_interval)s, %(enabled)s) returning id",
            values,
        ).fetchone()
        connection.execute(WAKE)
    assert made is not None
    found = get(connection, made[0])
    assert found is not None
    return found


def get(connection: Connection, job: int) -> dict[str, Any] | None:
    """One job, its config as stored (secrets sealed)."""
    return one(connection, "select " + COLUMNS + " from discovery_jobs where id = %s", [job])


def page(
    connection: Connection, number: int, size: int, *, provider: str | None = None, status: str | None = None
) -> tuple[list[dict[str, Any]], int]:
    """A page of jobs, the newest first."""
    query = Query(COLUMNS, "discovery_jobs", "id desc")
    query.only("provider = %s", provider)
    query.only("status = %s", status)
    return query.page(connection, number, size)


def change(connection: Connection, job: int, changes: dict[str, Any]) -> None:
    """Sets the given columns; a job whose config changed is not parked any more."""
    names: dict[str, LiteralString] = {
        "name": "name = %s",
        "description": "description = %s",
        "config": "config = %s, crashes = 0, failures = 0",
        "organization_id": "organization_id = %s",
        "schedule_interval": "schedule_interval = %s",
        "enabled": "enabled = %s",
    }
    parts = [names[name] for name in changes]
    values = [Jsonb(value) if name == "config" else value for name, value in changes.items()]
    with transaction(connection):
        connection.execute("update discovery_jobs set " + ", ".join([*parts, "updated_at = now()"]) + " where id = %s", [*values, job])
        connection.execute(
            "update discovery_jobs set next_run_at = now() where id = %s and next_run_at is null and schedule_interval is not null "
            "and status <> 'parked' and status <> 'running'",
            [job],
        )


def delete(connection: Connection, job: int) -> bool:
    """Removes a job and its history; what it found stays. False when it is running."""
    with transaction(connection):
        row = connection.execute(
            "delete from discovery_jobs j where id = %s "
            "and not exists (select from elder_worker.claims c where c.job_id = j.id and c.owner is not null) returning id",
            [job],
        ).fetchone()
    return row is not None


def queue(connection: Connection, job: int) -> dict[str, Any] | None:
    """Makes a job due now (a parked one too), and wakes the workers."""
    with transaction(connection):
        row = one(
            connection,
            "update discovery_jobs set next_run_at = now(), queued_at = now(), enabled = true, "
            "crashes = case when status = 'parked' then 0 else crashes end, "
            "status = case when status = 'running' then status else 'pending' end "
            "where id = %s returning id as job_id, queued_at",
            [job],
        )
        connection.execute(WAKE)
    return row


def cancel(connection: Connection, job: int) -> str | None:
    """Asks for the end of a running job, or takes a waiting one from the queue; its status before, None without such a job."""
    with transaction(connection):
        row = connection.execute(
            "with before as (select id, status from discovery_jobs where id = %s for update) "
            "update discovery_jobs j set cancel_requested = before.status = 'running', "
            "next_run_at = case when before.status = 'running' or j.schedule_interval is not null then j.next_run_at end, "
            "status = case when before.status = 'pending' then 'cancelled' else j.status end "
            "from before where j.id = before.id returning before.status",
            [job],
        ).fetchone()
        connection.execute(WAKE)
    return row[0] if row else None


def workers(connection: Connection, seconds: float) -> int:
    """How many workers have been seen lately."""
    row = connection.execute(
        "select count(*) from elder_worker.workers where seen_at > now() - make_interval(secs => %s)", [seconds]
    ).fetchone()
    return int(row[0]) if row else 0


def ask(connection: Connection, provider: str, config: dict[str, Any]) -> UUID:
    """Asks the workers for a connectivity test."""
    with transaction(connection):
        row = connection.execute(
            "insert into elder_worker.tests (provider, config) values (%s, %s) returning id", [provider, Jsonb(config)]
        ).fetchone()
        connection.execute("delete from elder_worker.tests where requested_at < now() - interval '1 hour'")
        connection.execute(WAKE)
    assert row is not None
    number: UUID = row[0]
    return number


def answer(connection: Connection, test: UUID, seconds: float) -> dict[str, Any] | None:
    """Waits for the answer to a test; None when none comes in time."""
    deadline = time.monotonic() + seconds
    connection.execute("listen elder_test")
    try:
        while (found := _answer(connection, test)) is None and (left := deadline - time.monotonic()) > 0:
            list(connection.notifies(timeout=left, stop_after=1))  # to its end: it holds the connection meanwhile
        return found
    finally:
        connection.execute("unlisten elder_test")


def _answer(connection: Connection, test: UUID) -> dict[str, Any] | None:
    row = connection.execute("select answer from elder_worker.tests where id = %s", [test]).fetchone()
    return row[0] if row else None


def runs(connection: Connection, job: int, limit: int) -> list[dict[str, Any]]:
    """The newest runs of a job, oldest first, with their scopes."""
    found = rows(
        connection,
        "select * from (select " + RUN_COLUMNS + " "
        "from discovery_history where job_id = %s order by id desc limit %s) as newest order by id",
        [job, limit],
    )
    return _with_scopes(connection, found)


def run(connection: Connection, number: int) -> dict[str, Any] | None:
    """One run with its scopes."""
    found = rows(
        connection,
        "select " + RUN_COLUMNS + " from discovery_history where id = %s",
        [number],
    )
    return next(iter(_with_scopes(connection, found)), None)


def _with_scopes(connection: Connection, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    scopes = rows(
        connection,
        "select run_id, provider, account, region, resource_type, coverage, outcome, resources, deleted, held_back, message, permission"
        " "
        "from run_scopes where run_id = any(%s) order by run_id, account, region, resource_type",
        [[one["id"] for one in found]],
    )
    by_run: dict[int, list[dict[str, Any]]] = {one["id"]: [] for one in found}
    for scope in scopes:
        by_run[scope.pop("run_id")].append(scope)
    return [{**one, "scopes": by_run[one["id"]]} for one in found]
