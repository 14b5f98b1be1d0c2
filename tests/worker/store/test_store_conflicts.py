"""Conflicting transactions are waited for within limits, retried and counted. E11 of the fault catalogue."""

from __future__ import annotations

import threading

import psycopg
import pytest
from store_runs import Run, add_job, resources, run_once
from waiting import until

from worker.store import claimed
from worker.store.errors import Unreachable
from worker.store.pool import Pool

WAITS = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(claimed, "RETRY_SECONDS", (0.0, 0.0, 0.0))


def changed_beside(database, sql, job, other):
    """A run that changes ten things of which `other`, a connection, holds the fifth; it ends once `other` lets go."""
    run = Run(database, job)
    thread = threading.Thread(target=lambda: (run.scope(resources(10, state="stopped")), run.finish()))
    thread.start()
    until(lambda: sql.execute(WAITS).fetchone()[0], "the run waits for the lock")
    yield run
    thread.join(60)
    assert not thread.is_alive()
    other.rollback()


@pytest.mark.parametrize("lost_by_us", [True, False])
def test_e11_a_deadlock_is_tried_again(database, sql, lost_by_us):
    """40P01: the run holds its claim and wants an entity, the other has the entity and wants the claim. One of them is ended."""
    job = add_job(sql)
    run_once(database, job, resources(10))
    with psycopg.connect(database, options=f"-c deadlock_timeout={'1h' if lost_by_us else '10ms'}".replace("1h", "3600000")) as other:
        other.execute("select from entities where external_id = 'arn:ec2_instance:5' for update")
        meeting = changed_beside(database, sql, job, other)
        run = next(meeting)
        try:
            other.execute("select from elder_worker.claims where job_id = %s for update", [job])
            ended = True
        except psycopg.errors.DeadlockDetected:
            ended = False
        other.rollback()
        next(meeting, None)

    assert ended == lost_by_us
    assert set(run.inventory.totals.retries) == ({"conflict"} if lost_by_us else set()), "once, or again while the other has not let go"
    assert sql.execute("select count(*) from entities where attributes->>'state' = 'stopped'").fetchone() == (10,)
    assert sql.execute("select count(*) from entity_changes").fetchone() == (10,), "once each, although it was tried twice"


def test_e11_a_serialization_failure_is_tried_again(database, sql):
    """40001, as a database whose default is stricter than ours answers."""
    job = add_job(sql)
    run_once(database, job, resources(10))
    name = psycopg.conninfo.conninfo_to_dict(database)["dbname"]
    sql.execute(f"alter database \"{name}\" set default_transaction_isolation = 'repeatable read'")
    with psycopg.connect(database) as other:
        other.execute("update entities set name = 'another' where external_id = 'arn:ec2_instance:5'")
        meeting = changed_beside(database, sql, job, other)
        run = next(meeting)
        other.commit()
        next(meeting, None)

    assert run.inventory.totals.retries == {"conflict": 1}
    assert sql.execute("select count(*) from entities where attributes->>'state' = 'stopped'").fetchone() == (10,)


def test_e11_a_pool_without_a_free_connection_says_so_in_time(database, monkeypatch):
    monkeypatch.setattr("worker.store.pool.ACQUIRE_TIMEOUT", 2.0)
    pool = Pool(database, size=1)
    with pool.connection(), pytest.raises(Unreachable, match="all 1 connections are in use: try again"), pool.connection():
        pass
    with pool.connection() as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    pool.close()


def test_a_batch_does_not_hold_up_the_renewal_of_its_lease(database, sql):
    """A long write would otherwise lose the claim under which it is made."""
    from store_runs import OWNER

    from worker.store import claims
    from worker.store.connection import connect

    job = add_job(sql)
    run = Run(database, job)
    with connect(database) as writing, connect(database) as renewing, writing.transaction():
        claims.check(writing, OWNER, run.claimed)
        renewing.execute("set lock_timeout = '5s'")
        assert claims.renew(renewing, OWNER, 30.0, [run.claimed]) == ({run.claimed.run_id}, set())
        sql.execute("update elder_worker.claims set expires_at = now() - interval '1 s'")
        assert claims.sweep(renewing) == [], "and under it nobody can take it away"
    with connect(database) as sweeping:
        assert len(claims.sweep(sweeping)) == 1
