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
