"""Runs of discovery jobs, as the API shows them: the newest are always included, and every answer is bounded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, LiteralString

from worker.store import ledger, scopes, statements
from worker.store.connection import Connection
from worker.store.query import Order, Query, by_number, one, rows

COLUMNS: LiteralString = (
    "id, job_id, status, error_kind, error, error_detail, entities_discovered, entities_created, entities_updated, entities_deleted, "
    "entities_rejected, scopes_planned, attempt, worker, identity, started_at, completed_at"
)

LISTED: LiteralString = (
    "h.id, h.job_id, j.name as job, j.provider, h.status, h.error_kind, h.error, h.error_detail, h.entities_discovered, "
    "h.entities_created, h.entities_updated, h.entities_deleted, h.entities_rejected, h.scopes_planned, h.attempt, h.worker, "
    "h.identity, h.started_at, h.completed_at"
)
"""Columns of a run in the list of all runs."""

SORTINGS: Mapping[str, Order] = {
    "id": by_number("h.id", "id"),
    "started_at": Order("h.started_at", "%s::timestamptz", "started_at", dt.datetime),
}
"""Orders of the list of runs, each of which an index has."""

COUNTED = 20_000
"""Runs that are counted for a list of them: a year of a job that runs every five minutes has a hundred thousand."""

_OF_A_JOB: LiteralString = "job_id in (select id from discovery_jobs where deleted_at is null)"


def selection(filters: Mapping[str, Any], sort: str = "-id") -> Query:
    """The runs that fit, in an order of `SORTINGS`. `filters`: job_id, provider, status, error_kind, since, until (of the start)."""
    source: LiteralString = "discovery_history h join discovery_jobs j on j.id = h.job_id and j.deleted_at is null"
    query = Query(LISTED, source, SORTINGS, sort, number="h.id", most=COUNTED)
    query.only("h.job_id = %s", filters.get("job_id"))
    query.only("j.provider = %s", filters.get("provider"))
    query.only("h.status = %s", filters.get("status"))
    query.only("h.error_kind = %s", filters.get("error_kind"))
    query.only("h.started_at >= %s", filters.get("since"))
    query.only("h.started_at < %s", filters.get("until"))
    return query


def known(connection: Connection, number: int) -> bool:
    """True when there is a run of this id, of a job that is not deleted."""
    return one(connection, "select id from discovery_history where id = %s and " + _OF_A_JOB, [number]) is not None


def runs(connection: Connection, job: int, limit: int) -> tuple[list[dict[str, Any]], int]:
    """Returns the newest runs of a job, oldest first, each with some of its scopes, and how many runs there are."""
    newest = rows(connection, "select " + COLUMNS + " from discovery_history where job_id = %s order by id desc limit %s", [job, limit])
    counted = one(connection, "select count(*) as runs from discovery_history where job_id = %s", [job])
    return _with_scopes(connection, newest[::-1], ledger.shown_of_each(len(newest))), counted["runs"] if counted else 0


def run(connection: Connection, number: int) -> dict[str, Any] | None:
    """One run with its whole ledger, and the scopes that are being read."""
    found = one(connection, "select " + COLUMNS + " from discovery_history where id = %s and " + _OF_A_JOB, [number])
    if found is None:
        return None
    reading = ledger.being_read(connection, found, scopes.job_owner(found["job_id"]), statements.get("scopes_being_read"))
    return {**_with_scopes(connection, [found], ledger.SCOPES_AT_MOST)[0], "reading": reading}


def latest(connection: Connection, jobs: list[int]) -> dict[int, dict[str, Any]]:
    """The newest run of each of these jobs, without scopes."""
    found = rows(connection, statements.get("latest_runs"), [jobs])
    return {one["job_id"]: one for one in found}


def recent(connection: Connection, limit: int) -> list[dict[str, Any]]:
    """The newest runs of any job that changed something, the latest first, without scopes."""
    return rows(connection, statements.get("runs_with_changes"), [limit])


def _with_scopes(connection: Connection, found: list[dict[str, Any]], limit: int) -> list[dict[str, Any]]:
    whole = ledger.with_scopes(connection, found, statements.get("lines_of_runs"), limit)
    return [{**one, "seconds_left": _seconds_left(one)} for one in whole]


def _seconds_left(run: dict[str, Any]) -> float | None:
    """How long a run goes on if each of its planned scopes takes as long as those that have ended; None for a run that has ended."""
    done = sum(run["outcomes"].values())
    if run["status"] != "running" or not done or not run["scopes_planned"]:
        return None
    elapsed = (dt.datetime.now(dt.UTC) - run["started_at"]).total_seconds()
    return float(max(elapsed, 0.0) / done * max(run["scopes_planned"] - done, 0))
