"""An outcome that could not be stored is stored later, by the same writer or the next. Case eng-2."""

from __future__ import annotations

import os
import signal

import pytest
from database_states import database_is, lease_is_over
from psycopg.types.json import Jsonb
from waiting import until

READ_ONLY = "alter database {} set default_transaction_read_only = {}"
TERMINATE_ALL = """
select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'elder-worker/%' and datname = current_database()
"""


def set_read_only(workbench, value):
    """Makes new sessions of the database read-only, or not; those that there are end."""
    name = workbench.one("select current_database()")
    workbench.sql.execute(READ_ONLY.format(f'"{name}"', value))
    workbench.sql.execute(TERMINATE_ALL)


def test_case_eng_2_an_outcome_that_could_not_be_stored_is_stored_later(workbench):
    """Three runs in a row end while the database takes no writes: each outcome is stored when it does, and the job is not parked."""
    worker = workbench.worker(lease_ttl=4, outage_grace=60)
    database_is(worker, "up")
    job = workbench.job(behaviour="sleep", regions=["a", "b"], resources=600)
    for number in range(1, 4):
        until(lambda: worker.state() and worker.state()["jobs"], "it runs")
        until(
            lambda: workbench.one(
                "select count(*) from run_scopes r join discovery_history h on h.id = r.run_id where h.status = 'running'"
            ),
            "a scope is stored",
        )
        [pid] = [one["pid"] for one in worker.state()["jobs"]]
        set_read_only(workbench, "on")
        database_is(worker, "down")
        os.kill(pid, signal.SIGKILL)
        until(lambda: worker.state() and not worker.state()["jobs"], "the job is dead")
        lease_is_over(workbench, job)
        set_read_only(workbench, "off")
        run = workbench.ended(job, number)
        assert (run["status"], run["error_kind"]) == ("error", "crashed"), "its own outcome, and not that its worker was gone"
        if number < 3:
            workbench.queue(job)

    row = workbench.rows("select status, crashes, losses from discovery_jobs where id = %s", job)[0]
    assert (row["crashes"], row["losses"]) == (3, 0)


def test_case_eng_2_a_run_that_completes_while_the_database_takes_no_writes_is_completed(workbench):
    worker = workbench.worker(lease_ttl=4, outage_grace=60)
    database_is(worker, "up")
    job = workbench.job(resources=300, regions=list("abcdef"), pause=0.001)
    until(lambda: workbench.entities() >= 300, "it has begun")
    set_read_only(workbench, "on")
    database_is(worker, "down")
    lease_is_over(workbench, job)
    set_read_only(workbench, "off")
    run = workbench.ended(job)

    assert (run["status"], workbench.entities(), len(workbench.runs(job))) == ("completed", 1800, 1)


@pytest.mark.parametrize(("dies", "status"), [("writer", ("error", "crashed")), ("worker", ("error", "lost"))])
def test_case_eng_2_an_outcome_that_waits_outlives_its_writer(workbench, dies, status):
    """The writer dies while the database takes no writes: the next one stores the outcome. With the whole worker it is lost, which is said."""
    worker = workbench.worker(lease_ttl=4, outage_grace=60)
    database_is(worker, "up")
    job = workbench.job(behaviour="sleep", regions=["a", "b"], resources=600)
    workbench.await_fault("sleep")
    until(lambda: workbench.one("select count(*) from run_scopes"), "a scope is stored")
    [pid] = [one["pid"] for one in worker.state()["jobs"]]
    set_read_only(workbench, "on")
    database_is(worker, "down")
    os.kill(pid, signal.SIGKILL)
    [kept] = until(worker.unstored, "the outcome is kept")
    assert (kept["verdict"]["error_kind"], kept["claimed"]["config"]) == ("crashed", {})
    if dies == "writer":
        writer = worker.state()["services"]["writer"]["pid"]
        os.kill(writer, signal.SIGKILL)
        until(lambda: worker.state()["services"]["writer"]["pid"] not in (writer, None), "a new writer")
        database_is(worker, "down")
    else:
        worker.kill()
    before = workbench.rows("select status from discovery_history")
    set_read_only(workbench, "off")
    if dies == "worker":
        workbench.worker(lease_ttl=4, outage_grace=0)
    run = workbench.ended(job)

    assert before == [{"status": "running"}], "nothing has stored it before"
    assert (run["status"], run["error_kind"]) == status
    outcomes = workbench.rows("select outcome from run_scopes where run_id = %s", run["id"])
    assert outcomes == [{"outcome": "complete"}], "the scope that was open is not called read"
    assert workbench.entities() >= 600
    if dies == "writer":
        until(lambda: worker.unstored() == [], "nothing is kept any more")
    workbench.sql.execute("update discovery_jobs set config = config || %s", [Jsonb({"behaviour": "well"})])
