"""Logs of runs, read from the database: of a job that is killed, that crashes, that logs nothing, and that ends while the database is away."""

from __future__ import annotations

import os
import signal
import time

from database_states import database_is
from test_engine_stored_later import set_read_only
from waiting import until

PASSWORD = "hunter2hunter2"
SLOW = "the source is slow tries=3 sent='as ***'"


def log_of(workbench, run):
    [row] = workbench.rows("select * from elder_worker.run_logs where run_id = %s", run["id"])
    return row


def test_a_job_that_is_killed_by_its_time_out_shows_what_it_warned_of(workbench):
    worker = workbench.worker(discovery_job_timeout=20, options={"kill_grace": 1.0})
    job = workbench.job(behaviour="log_and_sleep", password=PASSWORD)
    workbench.await_fault("log_and_sleep")
    run = workbench.ended(job)
    row = log_of(workbench, run)

    assert (run["status"], run["error_kind"]) == ("error", "timeout")
    assert [line[1:] for line in row["lines"]] == [["warning", "hostile", "the source is slow tries=3 sent='as ***'"]]
    assert row["lines"][0][0][:4] == time.strftime("%Y", time.gmtime())
    assert (row["left_out"], row["left_out_after"]) == (0, 0)
    assert "the source is slow" in worker.log.read_text(), "it is in the worker's log as well"


def test_a_job_that_floods_its_log_and_dies_keeps_the_first_and_the_last_lines(workbench):
    workbench.worker()
    job = workbench.job(behaviour="log_and_die", password=PASSWORD)
    run = workbench.ended(job)
    row = log_of(workbench, run)

    assert (run["status"], run["error_kind"]) == ("error", "crashed")
    assert [line[3] for line in row["lines"]][:2] == ["line 0.0 ***", "line 0.1 ***"]
    assert row["lines"][-1][3] == "line 29.99 ***"
    assert (len(row["lines"]), row["left_out"], row["left_out_after"]) == (500, 2_500, 100)


def so_far(workbench):
    rows = workbench.rows("select l.* from elder_worker.run_logs l join discovery_history h on h.id = l.run_id where h.status = 'running'")
    return rows[0] if rows else None


def test_the_lines_are_there_while_the_run_goes_on_and_stay_when_its_process_is_killed(workbench):
    worker = workbench.worker()
    job = workbench.job(behaviour="log_and_sleep", password=PASSWORD)
    row = until(lambda: so_far(workbench), "the log of the run that goes on")
    assert [line[3] for line in row["lines"]] == [SLOW]
    [pid] = [one["pid"] for one in worker.state()["jobs"]]
    os.kill(pid, signal.SIGKILL)
    run = workbench.ended(job)

    assert (run["status"], run["error_kind"]) == ("error", "crashed")
    assert [line[3] for line in log_of(workbench, run)["lines"]] == [SLOW], "nothing is doubled, nothing is missing"


def test_a_run_whose_writer_is_killed_keeps_the_lines_it_had_and_the_next_run_has_its_own(workbench):
    worker = workbench.worker(lease_ttl=4)
    job = workbench.job(behaviour="log_and_sleep", password=PASSWORD)
    first = until(lambda: so_far(workbench), "the log of the run that goes on")
    os.kill(worker.state()["services"]["writer"]["pid"], signal.SIGKILL)
    run = workbench.ended(job)
    assert run["id"] == first["run_id"]
    assert run["status"] == "error"
    assert [line[3] for line in log_of(workbench, run)["lines"]] == [SLOW]

    following = until(lambda: so_far(workbench), "the log of the run that came after")
    assert following["run_id"] != first["run_id"]
    assert [line[3] for line in following["lines"]] == [SLOW]


def test_a_run_that_has_nothing_to_tell_stores_nothing(workbench):
    worker = workbench.worker()
    job = workbench.job()
    run = workbench.ended(job)
    until(lambda: "read for job_id" in worker.log.read_text(), "the worker's log says what was read")

    assert run["status"] == "completed"
    assert workbench.one("select count(*) from elder_worker.run_logs") == 0


def test_the_log_of_a_run_that_dies_while_the_database_is_away_is_stored_with_its_outcome(workbench):
    worker = workbench.worker(lease_ttl=4, outage_grace=60)
    database_is(worker, "up")
    job = workbench.job(behaviour="log_and_sleep", password=PASSWORD)
    workbench.await_fault("log_and_sleep")
    [pid] = [one["pid"] for one in until(lambda: worker.state()["jobs"], "it runs")]
    set_read_only(workbench, "on")
    database_is(worker, "down")
    os.kill(pid, signal.SIGKILL)
    [kept] = until(worker.unstored, "the outcome is kept")
    set_read_only(workbench, "off")
    run = workbench.ended(job)

    assert kept["verdict"]["log"] is None
    assert (run["status"], run["error_kind"]) == ("error", "crashed")
    assert [line[3] for line in log_of(workbench, run)["lines"]] == ["the source is slow tries=3 sent='as ***'"]
