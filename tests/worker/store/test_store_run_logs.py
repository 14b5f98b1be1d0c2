"""The log of a run is stored with its outcome, once, whichever way that is stored, and goes with the run."""

from __future__ import annotations

import msgspec
import pytest
from store_runs import Run, add_job, resources
from test_store_later import finish_in_vain, lose, queue

from worker.run.inventory import InventoryError
from worker.run.outcome import RunLog, Status, Verdict
from worker.store import retention, run_logs
from worker.store.connection import connect
from worker.store.inventory import closing

LOG = RunLog([("2026-01-31T03:00:00.250Z", "warning", "sdk", 'slow "\\u0000" ☃ {"a": 1}')], 7, 1)
CRASHED = Verdict(Status.ERROR, "crashed", "exit code 3", log=LOG)
NEWEST = "select max(id) from discovery_history"

__all__ = ["queue"]


def stored(database, sql, run=None):
    with connect(database) as connection:
        return run_logs.get(connection, run or sql.execute(NEWEST).fetchone()[0])


def rows(sql):
    return sql.execute("select count(*) from elder_worker.run_logs").fetchone()[0]


def assert_whole(log):
    assert [tuple(line.values()) for line in log["lines"]] == LOG.lines
    assert (log["left_out"], log["left_out_after"]) == (7, 1)


def test_the_log_is_stored_with_the_outcome(database, sql):
    run = Run(database, add_job(sql))
    run.scope(resources(3))
    run.finish(CRASHED)
    assert_whole(stored(database, sql))
    assert sql.execute("select status from discovery_history").fetchall() == [("error",)]


def test_the_log_of_a_run_that_goes_on_is_replaced_by_the_whole_one(database, sql):
    run = Run(database, add_job(sql))
    run.inventory.flush(msgspec.structs.replace(LOG, left_out=0, left_out_after=0))
    first = stored(database, sql)
    assert (first["status"], len(first["lines"]), first["left_out"]) == ("running", 1, 0)
    run.inventory.flush()
    assert len(stored(database, sql)["lines"]) == 1, "a write without news leaves it"
    longer = msgspec.structs.replace(LOG, lines=LOG.lines * 3)
    run.inventory.flush(longer)
    assert len(stored(database, sql)["lines"]) == 3
    run.finish(CRASHED)
    assert_whole(stored(database, sql))
    assert rows(sql) == 1


def test_a_run_that_has_lost_its_claim_stores_no_log(database, sql):
    run = Run(database, add_job(sql))
    sql.execute("update elder_worker.claims set token = token + 1")
    with closing(run.inventory), pytest.raises(InventoryError, match="lost"):
        run.inventory.flush(LOG)
    assert rows(sql) == 0


def test_an_outcome_without_a_log_leaves_what_the_run_had_stored(database, sql):
    run = Run(database, add_job(sql))
    run.inventory.flush(LOG)
    run.finish(msgspec.structs.replace(CRASHED, log=None))
    assert_whole(stored(database, sql))


def test_a_run_that_goes_back_to_the_queue_takes_along_what_it_had_stored(database, sql):
    run = Run(database, add_job(sql))
    run.inventory.flush(LOG)
    run.finish(Verdict(Status.RELEASED, log=LOG))
    assert rows(sql) == 0


def test_a_run_that_has_logged_nothing_has_no_row(database, sql):
    Run(database, add_job(sql)).finish()
    assert rows(sql) == 0
    log = stored(database, sql)
    assert (log["status"], log["lines"], log["left_out"], log["left_out_after"]) == ("completed", [], 0, 0)


def test_a_run_that_goes_back_to_the_queue_leaves_nothing(database, sql):
    job = add_job(sql)
    Run(database, job).finish(Verdict(Status.RELEASED, log=LOG))
    assert rows(sql) == 0
    Run(database, job).finish(CRASHED)
    assert_whole(stored(database, sql))


def test_a_run_that_goes_back_to_the_queue_and_was_cancelled_keeps_its_log(database, sql):
    run = Run(database, add_job(sql))
    sql.execute("update discovery_jobs set cancel_requested = true")
    run.finish(Verdict(Status.RELEASED, log=LOG))
    assert sql.execute("select status from discovery_history").fetchall() == [("cancelled",)]
    assert_whole(stored(database, sql))


def test_the_log_of_an_outcome_that_is_stored_later_is_stored_with_it(database, sql, queue, monkeypatch):
    run = Run(database, add_job(sql))
    run.scope(resources(30))
    finish_in_vain(run, monkeypatch)
    lose(sql, 10)
    lost = Verdict(Status.COMPLETED, confirmed=30, log=LOG)
    assert queue.finish(run.claimed, lost, run.inventory._owner).error_kind == "database"
    assert_whole(stored(database, sql))


def test_a_run_whose_last_rows_the_database_rejects_keeps_its_log(database, sql):
    run = Run(database, add_job(sql))
    index = run.open(resources(3))
    sql.execute("create function refuse() returns trigger language plpgsql as $$ begin raise 'no' using errcode = '42P01'; end $$")
    sql.execute("create trigger refuse before insert on entities for each row execute function refuse()")
    verdict = run.finish(Verdict(Status.COMPLETED, log=LOG))
    assert (index, verdict.status, verdict.error_kind) == (0, Status.ERROR, "database")
    assert_whole(stored(database, sql))


def test_the_log_goes_with_its_run(database, sql):
    job = add_job(sql)
    for _ in range(3):
        Run(database, job).finish(CRASHED)
        sql.execute("update discovery_jobs set status = 'pending', crashes = 0")
    sql.execute("update discovery_history set completed_at = now() - interval '100 days'")
    with connect(database) as connection:
        retention.clean(connection, retention.Kept(history=90))
        assert rows(sql) == 1
        assert_whole(stored(database, sql))
        sql.execute("update discovery_jobs set deleted_at = now()")
        assert stored(database, sql) is None
        retention.clean(connection, retention.Kept(history=90))
    assert rows(sql) == 0


def test_logs_are_kept_for_two_weeks_and_their_runs_longer(database, sql):
    runs = []
    for _ in range(2):
        job = add_job(sql)
        Run(database, job).finish(CRASHED)
        runs.append(sql.execute("select id from discovery_history where job_id = %s", [job]).fetchone()[0])
    sql.execute("update elder_worker.run_logs set stored_at = now() - interval '15 days' where run_id = %s", [runs[0]])
    sql.execute("insert into connector_history (id, connector, run) values (1, 'ldap', '1'), (2, 'ldap', '2')")
    sql.execute(
        "insert into elder_worker.sync_logs (run_id, lines, stored_at) values (1, '[]', now() - interval '15 days'), (2, '[]', now())"
    )
    with connect(database) as connection:
        cleaned = retention.clean(connection, retention.Kept()).rows
    assert (cleaned["run_logs"], cleaned["sync_logs"]) == (1, 1)
    assert sql.execute("select run_id from elder_worker.run_logs").fetchall() == [(runs[1],)]
    assert sql.execute("select run_id from elder_worker.sync_logs").fetchall() == [(2,)]
    assert sql.execute("select count(*) from discovery_history").fetchone() == (2,)


def test_a_log_of_a_run_that_is_no_more_keeps_nothing_from_being_stored(database, sql):
    with connect(database) as connection:
        run_logs.put(connection, 4711, LOG)
        run_logs.put(connection, 4711, msgspec.structs.replace(LOG, lines=[]))
    assert rows(sql) == 0
