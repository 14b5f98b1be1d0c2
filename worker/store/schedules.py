"""The next times of jobs with a cron expression, which PostgreSQL cannot work out; statements set those of intervals themselves."""

from __future__ import annotations

import functools
from datetime import datetime

import structlog

from worker.run import cron
from worker.store import statements
from worker.store.connection import Connection

_log = structlog.get_logger("worker.store")


def plan(connection: Connection, job: int) -> None:
    """Sets when a job is due next, if it has a cron expression and is not due. Inside a transaction.

    A time at which no worker ran stays due until one does; times that pass during a run are not caught up.
    """
    _plan(connection, connection.execute(statements.get("unplanned_job"), [job]).fetchall())


def plan_all(connection: Connection) -> None:
    """Sets when those jobs are due that nothing makes due but a cron expression. Inside a transaction; who holds a job plans it."""
    _plan(connection, connection.execute(statements.get("unplanned")).fetchall())


def _plan(connection: Connection, jobs: list[tuple[int, str, str, datetime]]) -> None:
    for job, expression, timezone, now in jobs:
        try:
            at = cron.next_time(expression, timezone, now)
        except ValueError as error:  # written by hand, or by an API that knows more time zones
            _tell(job, str(error))
        else:
            connection.execute(statements.get("planned"), {"job": job, "at": at})


@functools.cache
def _tell(job: int, reason: str) -> None:
    """Logs once why a job is never due; each sweep comes here again."""
    _log.warning(f"job_id: {job} is never due: {reason}")
