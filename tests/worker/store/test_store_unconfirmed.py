"""What a reading does not show becomes unconfirmed where that proves no deletion: seen from outside its owner, it is never deleted from there;
seen by a source that lags, it is deleted once two readings, some time apart, lack it."""

from __future__ import annotations

import pytest
from store_runs import add_job, resources, run_once

from providers.errors import Outcome
from providers.records import Absence, Scope
from worker.store import entity_list, tombstones
from worker.store.connection import connect
from worker.store.tombstones import LAG

ABOVE = Scope("aws", "tenant", "", "ec2_instance", "/providers/microsoft.management/managementgroups/mg1")


@pytest.fixture
def job(database, sql):
    return add_job(sql)


def state(sql) -> dict[str, tuple[bool, bool]]:
    """Active, and unconfirmed, by external id."""
    found = sql.execute("select external_id, is_active, unconfirmed_since is not null from entities").fetchall()
    return {external_id: (active, unconfirmed) for external_id, active, unconfirmed in found}


def test_what_is_not_seen_from_outside_is_unconfirmed_and_not_deleted(database, sql, job):
    run_once(database, job, resources(3), scope=ABOVE, absence=Absence.OUTSIDE)
    totals = run_once(database, job, resources(2), scope=ABOVE, absence=Absence.OUTSIDE)
    assert state(sql) == {"arn:ec2_instance:0": (True, False), "arn:ec2_instance:1": (True, False), "arn:ec2_instance:2": (True, True)}
    assert (totals.deleted, totals.held_back) == (0, 0)


def test_seen_again_it_is_confirmed(database, sql, job):
    for count in (3, 0, 2):
        run_once(database, job, resources(count), scope=ABOVE, absence=Absence.OUTSIDE)
    assert [unconfirmed for _, (_, unconfirmed) in sorted(state(sql).items())] == [False, False, True]


def test_the_mark_keeps_its_first_time(database, sql, job):
    for count in (1, 0):
        run_once(database, job, resources(count), scope=ABOVE, absence=Absence.OUTSIDE)
    [(first,)] = sql.execute("select unconfirmed_since from entities").fetchall()
    run_once(database, job, [], scope=ABOVE, absence=Absence.OUTSIDE)
    assert sql.execute("select unconfirmed_since from entities").fetchone() == (first,)


def test_a_reading_at_the_owner_deletes_what_is_gone_and_confirms_the_rest(database, sql, job):
    for count in (3, 0):
        run_once(database, job, resources(count), scope=ABOVE, absence=Absence.OUTSIDE)
    run_once(database, job, resources(2), scope=ABOVE)
    assert state(sql) == {"arn:ec2_instance:0": (True, False), "arn:ec2_instance:1": (True, False), "arn:ec2_instance:2": (False, False)}


def test_an_unchanged_reading_from_outside_writes_no_entity(database, sql, job):
    run_once(database, job, resources(3), scope=ABOVE, absence=Absence.OUTSIDE)
    before = sql.execute("select xmin::text from entities order by id").fetchall()
    totals = run_once(database, job, resources(3), scope=ABOVE, absence=Absence.OUTSIDE)
    assert totals.unchanged == 3
    assert sql.execute("select xmin::text from entities order by id").fetchall() == before


def test_the_api_shows_since_when(database, sql, job):
    for count in (1, 0):
        run_once(database, job, resources(count), scope=ABOVE, absence=Absence.OUTSIDE)
    with connect(database) as connection:
        [found], _ = entity_list.selection({}).page(connection, 1, 10)
    assert found["unconfirmed_since"] is not None


def lagging(database, job, count: int, **more):
    return run_once(database, job, resources(count), absence=Absence.LAGGING, **more)


def let_time_pass(sql, seconds: float = LAG) -> None:
    sql.execute("update entities set unconfirmed_since = unconfirmed_since - make_interval(secs => %s)", [seconds])


def test_where_a_source_lags_two_readings_that_are_apart_delete(database, sql, job):
    lagging(database, job, 3)
    assert lagging(database, job, 2).deleted == 0
    assert state(sql)["arn:ec2_instance:2"] == (True, True)

    assert lagging(database, job, 2).deleted == 0, "a minute later the source may lag all the same"
    let_time_pass(sql)
    assert lagging(database, job, 2).deleted == 1

    assert state(sql) == {"arn:ec2_instance:0": (True, False), "arn:ec2_instance:1": (True, False), "arn:ec2_instance:2": (False, False)}
    assert lagging(database, job, 3).created == 0
    assert state(sql)["arn:ec2_instance:2"] == (True, False), "it has come back"


def test_where_a_source_lags_the_time_counts_from_the_last_time_it_was_seen(database, sql, job):
    for count in (3, 2):
        lagging(database, job, count)
    let_time_pass(sql)
    lagging(database, job, 3)

    assert lagging(database, job, 2).deleted == 0
    assert state(sql)["arn:ec2_instance:2"] == (True, True)


@pytest.mark.parametrize("end", [{"outcome": Outcome.DENIED}, {"rejected": 1}])
def test_where_a_source_lags_an_incomplete_reading_deletes_nothing(database, sql, job, end):
    for count in (3, 2):
        lagging(database, job, count)
    let_time_pass(sql)

    assert lagging(database, job, 2, **end).deleted == 0
    assert state(sql)["arn:ec2_instance:2"] == (True, True)


def test_where_a_source_lags_the_guard_holds_back_what_is_proven(database, sql, job):
    lagging(database, job, 60)
    assert (lagging(database, job, 5).held_back, len(state(sql))) == (0, 60)
    let_time_pass(sql)

    totals = lagging(database, job, 5)

    assert (totals.deleted, totals.held_back) == (0, 55)
    [run] = sql.execute("select max(id) from discovery_history").fetchone()
    with connect(database) as connection:
        assert tombstones.release(connection, run).entities == 55
    assert set(state(sql).values()) == {(True, False), (False, False)}


def test_an_unchanged_reading_of_a_source_that_lags_costs_one_hash_a_batch(database, sql, job):
    """Not while something is unconfirmed, which needs a look at every resource."""
    for count in (3, 2):
        lagging(database, job, count)
    let_time_pass(sql)
    assert lagging(database, job, 2).deleted == 1
    lagging(database, job, 2)
    before = sql.execute("select xmin::text from entities order by id").fetchall()

    assert lagging(database, job, 2).unchanged == 2
    assert sql.execute("select xmin::text from entities order by id").fetchall() == before


@pytest.mark.parametrize("absence", [Absence.LAGGING, Absence.OUTSIDE])
def test_a_reading_with_rejected_resources_does_not_say_which_are_missing(database, sql, job, absence):
    run_once(database, job, resources(3), absence=absence)
    run_once(database, job, resources(2), absence=absence, rejected=1)
    assert state(sql)["arn:ec2_instance:2"] == (True, False)


@pytest.mark.parametrize("end", [{"outcome": Outcome.DENIED}, {"rejected": 1}])
@pytest.mark.parametrize("absence", [Absence.LAGGING, Absence.OUTSIDE])
def test_an_incomplete_reading_confirms_what_it_shows_and_nothing_else(database, sql, job, absence, end):
    for count in (3, 1):
        run_once(database, job, resources(count), absence=absence)
    run_once(database, job, resources(2), absence=absence, **end)
    assert [unconfirmed for _, (_, unconfirmed) in sorted(state(sql).items())] == [False, False, True]


def test_where_a_source_lags_each_job_needs_two_readings_of_its_own(database, sql, job):
    other = add_job(sql)
    for reader in (job, other):
        lagging(database, reader, 3)
    lagging(database, job, 2)
    let_time_pass(sql)
    assert lagging(database, job, 2).deleted == 0, "the other job has seen it"
    assert state(sql)["arn:ec2_instance:2"] == (True, False)

    assert lagging(database, other, 2).deleted == 0
    assert state(sql)["arn:ec2_instance:2"] == (True, True)
    let_time_pass(sql)
    assert lagging(database, other, 2).deleted == 1


def test_what_is_taken_over_from_a_stale_owner_is_confirmed(database, sql, job):
    other = add_job(sql)
    for reader in (job, other):
        lagging(database, reader, 3)
    lagging(database, job, 2)
    sql.execute("update elder_worker.scopes set last_complete_at = last_complete_at - interval '8 days' where owner = %s", [f"job:{job}"])
    let_time_pass(sql)

    assert lagging(database, other, 2).deleted == 0
    assert state(sql)["arn:ec2_instance:2"] == (True, True)


@pytest.mark.parametrize("last", [Absence.LAGGING, Absence.OUTSIDE])
def test_what_a_job_has_lacked_is_not_handed_to_it_when_its_owner_deletes_it(database, sql, job, last):
    other = add_job(sql)
    lagging(database, job, 3)
    run_once(database, other, resources(3), absence=last)
    lagging(database, job, 2)
    let_time_pass(sql)
    run_once(database, other, resources(2), absence=last)

    assert lagging(database, job, 2).deleted == 1
