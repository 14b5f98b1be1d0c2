"""A run goes on reading while PostgreSQL stores what came before; what could not be stored is not lost, and no error is."""

from __future__ import annotations

import threading

import pytest
from store_runs import SCOPE, Run, add_job, resources

from worker.run.inventory import InventoryError
from worker.run.outcome import Status, Verdict
from worker.store import claimed, connection, run_writes
from worker.store.errors import Refused
from worker.store.inventory import closing

CAP = 60.0


@pytest.fixture
def run(database, sql, monkeypatch):
    """A run that writes each ten resources."""
    monkeypatch.setattr(run_writes, "BATCH_ROWS", 10)
    monkeypatch.setattr(claimed, "RETRY_SECONDS", (0.0,))
    run = Run(database, add_job(sql))
    run.batch = 10
    with closing(run.inventory):
        yield run


def stored(sql) -> int:
    return sql.execute("select count(*) from entities where is_active").fetchone()[0]


def through(run: Run, before):
    """Calls `before` in front of each transaction of the run."""
    attempt = run.inventory._claim._attempt

    def attempts(work):
        before()
        return attempt(work)

    run.inventory._claim._attempt = attempts


def test_resources_are_taken_while_those_before_are_being_written(run, sql):
    index, may_write = run.open([]), threading.Event()
    through(run, lambda: may_write.wait(CAP))
    run.send(index, resources(10))
    run.send(index, resources(19)[10:])  # returns, though nothing is written yet
    assert stored(sql) == 0
    may_write.set()
    run.close(index, 19)
    assert stored(sql) == 19
    run.finish()
    assert (run.inventory.totals.created, run.inventory.totals.resources) == (19, 19)


def test_a_write_that_fails_is_told_by_the_next_call_and_its_resources_are_stored_with_the_outcome(run, sql):
    index, refusals = run.open([]), [Refused("the server is starting up")] * 2

    def refuse() -> None:
        if refusals:
            raise refusals.pop()

    through(run, refuse)
    run.send(index, resources(10))
    run.send(index, resources(15)[10:])
    with pytest.raises(InventoryError, match="starting up"):
        run.inventory.flush()
    assert stored(sql) == 0
    run.finish()
    assert stored(sql) == 15
    assert run.inventory.totals.created == 15


def test_a_run_that_has_lost_its_claim_meanwhile_writes_nothing(run, sql):
    index = run.open([])
    sql.execute("update elder_worker.claims set token = token + 1")
    run.send(index, resources(10))
    with pytest.raises(InventoryError) as caught:
        run.close(index, 10)
    assert caught.value.error_kind == "lost"
    assert stored(sql) == 0
    assert run.inventory.totals.refused_writes == 1


def test_what_the_database_refuses_does_not_keep_the_outcome_from_being_stored(run, sql, monkeypatch):
    def breaks(*_arguments) -> None:
        raise run_writes.InventoryError("the results cannot be stored: no space left on device", error_kind="database")

    index = run.open([])
    monkeypatch.setattr(run_writes.Ingest, "store", breaks)
    run.send(index, resources(10))
    run.finish()
    [(status, error)] = sql.execute("select status, error from discovery_history").fetchall()
    assert (status, stored(sql)) == (Status.ERROR.value, 0)
    assert "no space left" in error


def test_each_batch_is_written_once(run, sql):
    run.scope(resources(55), SCOPE)
    run.finish()
    assert stored(sql) == 55
    assert sql.execute("select entities_created, entities_updated from discovery_history").fetchone() == (55, 0)


def test_writes_that_the_database_has_lost_after_it_confirmed_them_end_the_run_and_no_scope_is_believed(run, sql):
    """What is written beside the reading may be lost when the server crashes; what a lagging standby has not, at any time."""
    index = run.open([])
    run.send(index, resources(10))
    run.send(index, resources(20)[10:])  # the first ten are confirmed
    run.inventory.flush()
    sql.execute("delete from entities")
    sql.execute("update discovery_history set entities_discovered = 10")
    with pytest.raises(
        InventoryError, match=r"lost what it had confirmed: it knows of 10 resources of this run, and had stored 20"
    ) as caught:
        run.close(index, 20)
    assert caught.value.error_kind == "database"
    run.finish(Verdict(Status.ERROR, "database", str(caught.value)))
    assert sql.execute("select status, error_kind from discovery_history").fetchall() == [("error", "database")]
    assert sql.execute("select count(*) from run_scopes").fetchone() == (0,)
    assert sql.execute("select last_complete_at from elder_worker.scopes").fetchall() == [(None,)]


def test_a_run_whose_last_write_finds_the_loss_ends_with_that_error(run, sql):
    run.scope(resources(20))
    sql.execute("update discovery_history set entities_discovered = 0")
    assert run.finish().status is Status.ERROR
    assert sql.execute("select status, error_kind, error ~ 'lost what it had confirmed' from discovery_history").fetchall() == [
        ("error", "database", True)
    ]


def test_only_what_is_written_beside_the_reading_is_confirmed_before_it_is_on_the_disk(run, monkeypatch):
    monkeypatch.setitem(connection.SESSION, "synchronous_commit", "on")  # the tests' server does without
    seen = []

    def asked(opened):
        seen.append(opened.execute("show synchronous_commit").fetchone()[0])
        return write(opened)

    write, run.inventory._writes._write = run.inventory._writes._write, asked
    run.scope(resources(10))
    run.finish()
    assert seen == ["off", "on", "on"]
