"""The next times of jobs with a cron expression, which PostgreSQL cannot work out; statements set those of intervals themselves."""

from __future__ import annotations

from worker.run import cron
from worker.store import statements
from worker.store.connection import Connection


def plan(connection: Connection, job: int | None = None) -> None:
    """Sets when a job with a cron expression is due next, or all such jobs that nothing makes due. Inside a transaction.

    A time at which no worker ran stays due until one does; times that pass during a run are not caught up.
    """
    for found, expression, timezone, now in connection.execute(statements.get("unplanned"), {"job": job}).fetchall():
        try:
            at = cron.next_time(expression, timezone, now)
        except ValueError:  # written by hand, or the time zone is unknown here: the API refuses both, and the job's page says so
            continue
        connection.execute(statements.get("planned"), {"job": found, "at": at})
