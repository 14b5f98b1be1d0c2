"""When an owner ends (a job is deleted, a scope is retired, a connector leaves one out), others own what they see of it."""

from __future__ import annotations

import pytest
from store_runs import SCOPE, Run, add_job, resources, run_once

from providers.errors import Outcome
from worker.run.outcome import Status, Verdict
from worker.store import jobs, lifecycle, retention
from worker.store.connection import connect
from worker.store.lifecycle import Filters
from worker.store.pool import snapshot

FOR_EVER = retention.Kept()


@pytest.fixture
def connection(database):
    with connect(database) as found:
        yield found


@pytest.fixture
def pair(database, sql):
    """Two jobs that read one account: the first owns 30 instances, of which the other sees 20."""
    one, other = add_job(sql), add_job(sql)
    run_once(database, one, resources(30))
    run_once(database, other, resources(20))
    return one, other


def owned(sql) -> dict[str, int]:
    """How many active entities each owner has."""
    rows = sql.execute(
        "select s.owner, count(*) from entities e join elder_worker.scopes s on s.id = e.scope_id where e.is_active group by 1"
    ).fetchall()
    return dict(rows)


def test_what_another_job_sees_of_a_deleted_job_is_that_jobs_at_once(database, sql, connection, pair):
    one, other = pair
    assert jobs.delete(connection, one)
    assert owned(sql) == {f"job:{one}": 10, f"job:{other}": 20}
    assert sql.execute("select count(*) from elder_worker.sightings").fetchone() == (0,)
    totals = run_once(database, other, resources(20))
    assert (totals.created, totals.updated, totals.deleted) == (0, 0, 0), "the same state is not a change"
    assert run_once(database, other, resources(18)).deleted == 2, "nobody sees them any more"
    assert owned(sql) == {f"job:{one}": 10, f"job:{other}": 18}, "what nobody saw waits for a person"


def test_nothing_of_a_deleted_job_is_recorded_as_a_change(sql, connection, pair):
    before = sql.execute("select id, changed_at from entities order by id").fetchall()
    jobs.delete(connection, pair[0])
    assert sql.execute("select id, changed_at from entities order by id").fetchall() == before
    assert sql.execute("select count(*) from entity_changes").fetchone() == (0,)


def test_a_large_job_hands_over_the_rest_in_the_background(sql, connection, pair, monkeypatch):
    monkeypatch.setattr(lifecycle, "HANDED_OVER", 8)
    one, other = pair
    jobs.delete(connection, one)
    assert owned(sql)[f"job:{other}"] == 8
    batches = 1
    while retention.clean(connection, FOR_EVER).more:
        batches += 1
        assert sql.execute("select count(*) from discovery_jobs where id = %s", [one]).fetchone() == (1,), "it is not forgotten halfway"
    assert batches == 2
    assert owned(sql) == {f"job:{one}": 10, f"job:{other}": 20}
    assert sql.execute("select count(*) from discovery_jobs where id = %s", [one]).fetchone() == (0,)


def test_what_is_held_back_of_a_deleted_job_lives_on_where_it_is_seen(database, sql, connection, pair):
    """The guard holds back what the first job has lost; the other one, which reads afterwards, owns it and nothing is held of it."""
    one, other = pair
    run_once(database, one, [])
    assert jobs.delete(connection, one)
    assert owned(sql)[f"job:{other}"] == 20
    held = sql.execute("select count(*) from elder_worker.held h join entities e on e.id = h.entity_id where e.scope_id <> h.scope_id")
    assert held.fetchone() == (0,)
    lifecycle.retire(connection, Filters(owner=f"job:{one}"))
    assert owned(sql) == {f"job:{other}": 20}


def test_the_scope_that_was_read_in_full_last_inherits(database, sql, connection, pair):
    one, other = pair
    third = add_job(sql)
    run_once(database, third, resources(30))
    run = Run(database, other)
    run.scope(resources(20), outcome=Outcome.DENIED, message="no")
    run.finish(Verdict(Status.PARTIAL))
    jobs.delete(connection, one)
    assert owned(sql) == {f"job:{third}": 30}


def test_a_deleted_job_inherits_nothing(sql, connection, pair):
    one, other = pair
    jobs.delete(connection, other)
    jobs.delete(connection, one)
    assert owned(sql) == {f"job:{one}": 30}
    assert lifecycle.retire(connection, Filters(owner=f"job:{one}")) == lifecycle.Retired(1, 30)


def test_one_call_retires_the_scopes_of_two_jobs_and_spares_what_a_third_sees(database, sql, connection, pair):
    third = add_job(sql)
    run_once(database, third, resources(5))
    for job in pair:
        jobs.delete(connection, job)
    assert owned(sql) == {f"job:{pair[0]}": 10, f"job:{pair[1]}": 15, f"job:{third}": 5}
    with snapshot(connection):
        assert lifecycle.losses(connection, Filters(account=SCOPE.account)) == lifecycle.Losses(2, {SCOPE.resource_type: 25}, kept=0)
    assert lifecycle.retire(connection, Filters(account=SCOPE.account)) == lifecycle.Retired(2, 25)
    assert owned(sql) == {f"job:{third}": 5}


def test_a_disabled_job_keeps_its_entities_for_a_week_and_yields_then(database, sql, connection, pair):
    one, other = pair
    jobs.change(connection, one, {"enabled": False})
    run_once(database, other, resources(20))
    assert owned(sql) == {f"job:{one}": 30}
    week = "last_complete_at = now() - interval '8 days', created_at = now() - interval '9 days'"
    sql.execute(f"update elder_worker.scopes set {week} where owner = %s", [f"job:{one}"])
    run_once(database, other, resources(20))
    assert owned(sql) == {f"job:{one}": 10, f"job:{other}": 20}
    assert run_once(database, other, resources(19)).deleted == 1


def test_losses_leave_out_what_a_current_scope_sees_and_is_not_handed_over_yet(sql, connection, pair, monkeypatch):
    one, _ = pair
    monkeypatch.setattr(lifecycle, "HANDED_OVER", 8)
    jobs.delete(connection, one)
    with snapshot(connection):
        lost = lifecycle.losses(connection, Filters(owner=f"job:{one}"))
    assert (lost.scopes, lost.entities, lost.kept) == (1, 10, 12)
    assert lifecycle.retire(connection, Filters(owner=f"job:{one}")) == lifecycle.Retired(lost.scopes, lost.entities)
