"""Outcomes that are stored after the run that they belong to: by the queue, also under the claim of a writer that is gone."""

from __future__ import annotations

import uuid

import msgspec
import pytest
from store_runs import SCOPE, Link, Run, add_job, resources

from providers.records import Scope
from worker.run.inventory import NotStored
from worker.run.outcome import Status, Verdict
from worker.store import claimed
from worker.store.errors import Unreachable
from worker.store.queue import PostgresQueue

VOLUMES = Scope("aws", "111", "us-east-1", "ebs_volume")
NEXT_WRITER = str(uuid.UUID(int=77))


@pytest.fixture
def queue(database):
    """The queue of a writer that made none of the claims."""
    one = PostgresQueue(database, NEXT_WRITER, "test", 30.0)
    yield one
    one.close()


def finish_in_vain(run: Run, monkeypatch) -> Verdict:
    """Finishes a run while the database does not answer; returns what is to be stored later."""

    def refuses(_work) -> None:
        raise Unreachable("connection refused")

    with monkeypatch.context() as patch, pytest.raises(NotStored) as caught:
        patch.setattr(claimed, "RETRY_SECONDS", (0.0,))
        patch.setattr(run.inventory._claim, "_attempt", refuses)
        run.finish()
    return caught.value.verdict


def ends(sql) -> list[tuple[str, str]]:
    return sql.execute("select status, error_kind from discovery_history order by id").fetchall()


def test_an_outcome_is_stored_under_the_claim_of_the_writer_that_is_gone_and_once(database, sql, queue, monkeypatch):
    run = Run(database, add_job(sql))
    run.scope(resources(10))
    verdict = finish_in_vain(run, monkeypatch)
    assert not queue.finish(run.claimed, verdict), "the claim is not this writer's"
    assert queue.finish(run.claimed, verdict, run.inventory._owner)
    assert not queue.finish(run.claimed, verdict, run.inventory._owner)
    assert ends(sql) == [("completed", "")]


def lose(sql, left: int) -> None:
    """Takes the run back to where it had stored `left` resources, as a crash after commits that are not on the disk, or a standby that lagged."""
    sql.execute("delete from entities where id in (select id from entities order by id offset %s)", [left])
    sql.execute("update discovery_history set entities_discovered = %s", [left])


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.PARTIAL])
def test_a_run_of_which_the_database_has_lost_the_last_batches_is_not_stored_as_complete_later(database, sql, queue, monkeypatch, status):
    job = add_job(sql, schedule_interval=3600)
    run = Run(database, job)
    run.scope(resources(30))
    verdict = msgspec.structs.replace(finish_in_vain(run, monkeypatch), status=status, confirmed=run.inventory.totals.confirmed)
    assert verdict.confirmed == 30
    lose(sql, 10)
    stored = queue.finish(run.claimed, verdict, run.inventory._owner)

    assert (stored.status, stored.error_kind) == (Status.ERROR, "database")
    assert "it knows of 10 resources of this run, and had stored 30" in stored.error
    assert sql.execute("select error from discovery_history").fetchone() == (stored.error,)
    assert ends(sql) == [("error", "database")]
    assert sql.execute("select next_run_at - now() < interval '5 minutes' from discovery_jobs").fetchone() == (True,), "it is tried again"


def test_a_run_that_crashed_keeps_its_own_reason_whatever_the_database_has_lost(database, sql, queue, monkeypatch):
    run = Run(database, add_job(sql))
    run.scope(resources(30))
    finish_in_vain(run, monkeypatch)
    lose(sql, 10)
    crashed = Verdict(Status.ERROR, "crashed", "exit code 3", confirmed=30)
    assert queue.finish(run.claimed, crashed, run.inventory._owner) == crashed
    assert ends(sql) == [("error", "crashed")]


def test_an_outcome_of_which_nothing_is_lost_is_stored_later_as_it_is(database, sql, queue, monkeypatch):
    run = Run(database, add_job(sql))
    run.scope(resources(30))
    verdict = msgspec.structs.replace(finish_in_vain(run, monkeypatch), confirmed=30)
    assert queue.finish(run.claimed, verdict, run.inventory._owner) == verdict
    assert ends(sql) == [("completed", "")]


def test_an_outcome_that_was_stored_before_its_writer_died_stays_as_it_is(database, sql, queue):
    run = Run(database, add_job(sql))
    run.scope(resources(10))
    run.finish()
    assert not queue.finish(run.claimed, Verdict(Status.ERROR, "crashed", "later"), run.inventory._owner)
    assert ends(sql) == [("completed", "")]


def test_the_links_of_a_run_whose_outcome_is_stored_later_are_resolved_by_the_next_though_nothing_changed(
    database, sql, queue, monkeypatch
):
    job = add_job(sql)
    machine = msgspec.structs.replace(resources(1)[0], links=(Link("uses", "arn:ebs_volume:0"),))

    def read(run: Run) -> Run:
        run.scope([machine], SCOPE)
        run.scope(resources(1, kind="ebs_volume"), VOLUMES)
        return run

    run = read(Run(database, job))
    assert queue.finish(run.claimed, finish_in_vain(run, monkeypatch), run.inventory._owner)
    unresolved = "select count(*) from dependencies where target_id is null"
    assert sql.execute(unresolved).fetchone() == (1,)

    following = read(Run(database, job))
    following.finish()
    assert (following.inventory.totals.created, following.inventory.totals.updated) == (0, 0)
    assert sql.execute(unresolved).fetchone() == (0,)
