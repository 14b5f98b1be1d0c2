"""Locks of the database: one that somebody else holds, and those of jobs that find the same things."""

from __future__ import annotations

import psycopg
from waiting import until


def test_e11_a_lock_that_somebody_holds_is_waited_for_and_the_batch_lands(workbench):
    workbench.worker()
    with psycopg.connect(workbench.url) as other:
        other.execute("lock table entities in access exclusive mode")
        job = workbench.job(resources=100)
        until(
            lambda: workbench.one("select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"),
            "the writer waits for the lock",
        )
        other.rollback()
    assert workbench.ended(job)["status"] == "completed"
    assert workbench.entities() == 100


def test_e11_jobs_that_find_the_same_things_at_once(workbench):
    """Four accounts that share their resources: each is stored once, whoever was in whose way."""
    workbench.worker(discovery_max_concurrent=4)
    jobs = [workbench.job(account=f"a{number}", resources=800) for number in range(4)]
    for job in jobs:
        assert workbench.ended(job)["status"] == "completed"
    assert workbench.entities() == 800
    assert workbench.one("select count(*) from (select external_id from entities group by 1 having count(*) > 1) twice") == 0
