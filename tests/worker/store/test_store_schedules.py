"""Jobs with a cron expression: when they are due after each thing that can happen to a job, in the time zone of the job."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import structlog
from store_runs import OWNER, add_job, claim

from worker.run import cron
from worker.run.outcome import Status, Verdict
from worker.store import claims, jobs, statements
from worker.store.connection import connect, transaction

NIGHTLY, ZONE = "30 3 * * *", "Asia/Kathmandu"
JOB = {
    "name": "job",
    "description": "",
    "provider": "aws",
    "config": {},
    "organization_id": None,
    "schedule_interval": None,
    "enabled": True,
}
DONE = Verdict(Status.COMPLETED)
FAILED = Verdict(Status.ERROR, "source", "no")


@pytest.fixture
def connection(database):
    with connect(database) as connected:
        yield connected


@pytest.fixture
def job(connection):
    return jobs.add(connection, {**JOB, "schedule_cron": NIGHTLY, "schedule_timezone": ZONE})["id"]


def due(connection, job) -> datetime | None:
    return connection.execute("select next_run_at from discovery_jobs where id = %s", [job]).fetchone()[0]


def next_night() -> datetime:
    return cron.next_time(NIGHTLY, ZONE, datetime.now(UTC))


def end(connection, claimed, verdict) -> None:
    with transaction(connection):
        claims.check(connection, OWNER, claimed)
        claims.finish(connection, OWNER, claimed, verdict)


def test_a_new_job_waits_for_its_time_and_one_of_an_interval_does_not(connection, database, job):
    assert due(connection, job) == next_night()
    assert claim(database) == []
    assert due(connection, jobs.add(connection, {**JOB, "schedule_interval": 60})["id"]) <= datetime.now(UTC)


@pytest.mark.parametrize(
    "verdict",
    [
        DONE,
        Verdict(Status.PARTIAL),
        Verdict(Status.CANCELLED),
        Verdict(Status.ERROR, "credentials", "no"),
    ],
)
def test_after_a_run_it_is_due_at_its_next_time(connection, database, job, verdict):
    [claimed] = claim(database, job=job)
    end(connection, claimed, verdict)
    assert due(connection, job) == next_night()


def test_a_failed_run_is_tried_again_but_never_after_its_next_time(connection, database, job, sql):
    [claimed] = claim(database, job=job)
    end(connection, claimed, FAILED)
    assert due(connection, job) - datetime.now(UTC) < timedelta(seconds=70)

    jobs.change(connection, job, {"schedule_cron": "* * * * *"})
    sql.execute("update discovery_jobs set failures = 5")
    [claimed] = claim(database, job=job)
    end(connection, claimed, FAILED)
    assert due(connection, job) - datetime.now(UTC) <= timedelta(seconds=60)


def test_a_time_that_passed_without_a_worker_is_caught_up_once(connection, database, job, sql):
    sql.execute("update discovery_jobs set next_run_at = now() - interval '9 days'")
    [claimed] = claim(database)
    end(connection, claimed, DONE)
    assert due(connection, job) == next_night()


def test_a_run_that_is_asked_for_does_not_move_the_schedule(connection, database, job):
    jobs.queue(connection, job)
    [claimed] = claim(database)
    jobs.queue(connection, job)
    end(connection, claimed, DONE)
    [claimed] = claim(database)
    end(connection, claimed, DONE)
    assert due(connection, job) == next_night()


def test_taken_from_the_queue_it_waits_for_its_time(connection, job):
    jobs.queue(connection, job)
    assert jobs.cancel(connection, job) == "pending"
    assert due(connection, job) == next_night()


def test_a_cancelled_run_of_a_worker_that_is_gone_is_due_at_its_next_time(connection, database, job, sql):
    claim(database, job=job)
    jobs.cancel(connection, job)
    sql.execute("update elder_worker.claims set expires_at = now() - interval '1 second'")
    claims.sweep(connection)
    assert due(connection, job) == next_night()


def test_what_a_release_before_left_without_a_time_gets_one_from_the_next_sweep(connection, job, sql):
    sql.execute("update discovery_jobs set next_run_at = null, status = 'completed'")
    claims.sweep(connection)
    assert due(connection, job) == next_night()


def test_a_parked_job_stays_parked(connection, job, sql):
    sql.execute("update discovery_jobs set next_run_at = null, status = 'parked'")
    claims.sweep(connection)
    jobs.change(connection, job, {"schedule_cron": "* * * * *"})
    assert due(connection, job) is None


def test_a_schedule_that_is_changed_holds_at_once(connection, job):
    jobs.change(connection, job, {"schedule_timezone": "UTC"})
    assert due(connection, job) == cron.next_time(NIGHTLY, "UTC", datetime.now(UTC))
    jobs.change(connection, job, {"schedule_cron": None, "schedule_interval": 60})
    assert due(connection, job) - datetime.now(UTC) <= timedelta(seconds=60)
    jobs.change(connection, job, {"schedule_cron": NIGHTLY, "schedule_interval": None, "schedule_timezone": ZONE})
    assert due(connection, job) == next_night()
    jobs.change(connection, job, {"name": "other"})
    assert due(connection, job) == next_night()


def test_a_shorter_interval_holds_at_once_too(connection, sql):
    job = add_job(sql, schedule_interval=86_400, status="completed")
    sql.execute("update discovery_jobs set next_run_at = now() + interval '1 day'")
    jobs.change(connection, job, {"schedule_interval": 120})
    assert due(connection, job) - datetime.now(UTC) <= timedelta(seconds=120)


def test_a_job_that_waits_for_a_worker_stays_due(connection, job):
    jobs.queue(connection, job)
    before = due(connection, job)
    jobs.change(connection, job, {"schedule_cron": "0 0 1 1 *"})
    assert due(connection, job) == before


def test_an_enabled_job_begins_with_its_next_time(connection, job, sql):
    sql.execute("update discovery_jobs set enabled = false, status = 'completed', next_run_at = now() - interval '9 days'")
    jobs.change(connection, job, {"enabled": True})
    assert due(connection, job) == next_night()


def test_a_new_job_that_is_disabled_beyond_its_first_time_begins_with_its_next_time(connection, job, sql):
    jobs.change(connection, job, {"enabled": False})
    assert due(connection, job) is None
    claims.sweep(connection)
    assert due(connection, job) is None
    jobs.change(connection, job, {"enabled": True})
    assert due(connection, job) == next_night()


def test_an_interval_that_a_release_before_gave_beside_it_holds_instead(connection, database, job, sql):
    sql.execute("update discovery_jobs set schedule_interval = 60")
    [claimed] = claim(database, job=job)
    end(connection, claimed, DONE)
    assert due(connection, job) - datetime.now(UTC) <= timedelta(seconds=70)


def test_two_sweeps_at_once_give_one_time_and_wait_for_nobody(connection, database, job, sql):
    sql.execute("update discovery_jobs set next_run_at = null, status = 'completed'")
    with connect(database) as other, other.transaction():
        other.execute("select from discovery_jobs for update")
        claims.sweep(connection)
        assert due(connection, job) is None
    claims.sweep(connection)
    assert due(connection, job) == next_night()


def test_what_somebody_wrote_by_hand_hinders_no_other_job(connection, job, sql):
    wrong = add_job(sql, schedule_cron="0 3 * * *", schedule_timezone="Mars/Olympus", next_run_at=None)
    sql.execute("update discovery_jobs set next_run_at = null, status = 'completed'")
    with structlog.testing.capture_logs() as logged:
        for _ in range(3):
            claims.sweep(connection)
    assert due(connection, job) == next_night()
    assert due(connection, wrong) is None
    assert [line["event"] for line in logged if "never due" in line["event"]] == [
        f"job_id: {wrong} is never due: there is no time zone 'Mars/Olympus'; its name is one such as Europe/Berlin or UTC"
    ]


def test_among_many_jobs_neither_a_sweep_nor_the_end_of_a_run_looks_at_all(sql):
    sql.execute("insert into discovery_jobs (name, provider, config) select 'x', 'aws', '{}' from generate_series(1, 20000)")
    sql.execute("analyze discovery_jobs")
    for name, values in (("unplanned", []), ("unplanned_job", [7])):
        plan = sql.execute(b"explain " + statements.get(name), values).fetchall()
        assert not any("Seq Scan" in line for [line] in plan), (name, plan)
