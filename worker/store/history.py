"""Runs of discovery jobs, as the API shows them: the newest are always included, and every answer is bounded."""

from __future__ import annotations

import datetime as dt
from typing import Any, LiteralString

from worker.store import ledger, scopes, statements
from worker.store.connection import Connection
from worker.store.query import one, rows

COLUMNS: LiteralString = (
    "id, job_id, status, error_kind, error, error_detail, entities_discovered, entities_created, entities_updated, entities_deleted, "
    "entities_rejected, scopes_planned, attempt, worker, identity, started_at, completed_at"
)

READING_AT_MOST = 100
"""Most scopes being read that are listed: more than any provider reads at once."""

_OF_A_JOB: LiteralString = "job_id in (select id from discovery_jobs where deleted_at is null)"


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
    return {**_with_scopes(connection, [found], ledger.SCOPES_AT_MOST)[0], "reading": _reading(connection, found)}


def _reading(connection: Connection, run: dict[str, Any]) -> list[dict[str, Any]]:
    """The scopes that a run has begun and not ended, the longest read first; at most `READING_AT_MOST`."""
    if run["status"] != "running":
        return []
    wanted = {"run": run["id"], "owner": scopes.job_owner(run["job_id"]), "limit": READING_AT_MOST}
    return rows(connection, statements.get("scopes_being_read"), wanted)


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
