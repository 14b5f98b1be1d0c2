"""States that tests of database faults wait for: what a worker says of its database, and a lease that is over."""

from __future__ import annotations

from waiting import until


def database_is(worker, state):
    until(lambda: worker.report().get("database", {}).get("state") == state, f"the worker says that the database is {state}")


def lease_is_over(workbench, job):
    """Waits until the claim of a job could be swept, by the database's own clock."""
    until(lambda: workbench.one("select expires_at < now() from elder_worker.claims where job_id = %s", job), "its lease is over")
