"""The counts of entities by type and by organization, and of runs by day, equal what a look at all of them finds, whatever has happened."""

from __future__ import annotations

import random
from typing import LiteralString

import pytest
from histories import History
from store_runs import SCOPE, Run, add_job, resources, run_once

from providers.errors import Outcome
from worker.store import claimed, entities, entity_list, marks, retention, run_writes
from worker.store.connection import Connection, connect, transaction

HISTORIES = 3

MANY = """
insert into entities
    (organization_id, external_id, entity_type, sub_type, name, provider, is_active, first_seen_at, scope_id, key, content)
select 1, gen_random_uuid(), 'compute', 'type ' || n %% 3, 'x', 'aws', n %% 5 > 0, now() - make_interval(hours => %(n)s), 1, n, n
from generate_series(1, %(n)s) n"""

TYPES = """
update entities set sub_type = 'type ' || %(n)s %% 4, provider = case when id %% 2 = 0 then 'gcp' else provider end
where id %% 5 = %(n)s %% 5"""

STATEMENTS = (
    MANY,
    TYPES,
    "update entities set is_active = not is_active where id %% 7 = %(n)s %% 7",
    "update entities set organization_id = 2, name = 'moved' where id %% 3 = %(n)s %% 3",
    "update entities set first_seen_at = first_seen_at - interval '9 hours' where id %% 4 = %(n)s %% 4",
    "delete from entities where id %% 11 = %(n)s %% 11",
)

LOOKED_AT = """
select entity_type, sub_type, provider, count(*) as entities, count(*) filter (where first_seen_at > now() - interval '1 day') as fresh
from entities where is_active group by 1, 2, 3"""


OF_ORGANIZATIONS = "select organization_id, count(*) from entities where is_active group by 1"
COUNTED_OF_ORGANIZATIONS = (
    "select organization_id, sum(entities) from elder_worker.organization_counts group by 1 having sum(entities) <> 0"
)

RUNS = """
select (started_at at time zone 'UTC')::date, status, count(*), round(coalesce(sum(extract(epoch from completed_at - started_at)), 0), 3)
from discovery_history where status <> 'running' group by 1, 2"""
COUNTED_RUNS = """
select day, status, sum(runs), round(sum(seconds)::numeric, 3) from elder_worker.run_counts group by 1, 2 having sum(runs) <> 0"""

DURATIONS = """
select (h.started_at at time zone 'UTC')::date, j.provider,
       floor(8 * ln(greatest(extract(epoch from h.completed_at - h.started_at), 0.001)::float8) / ln(2::float8)), count(*),
       round(sum(extract(epoch from h.completed_at - h.started_at)), 3)
from discovery_history h join discovery_jobs j on j.id = h.job_id where h.status <> 'running' group by 1, 2, 3"""
COUNTED_DURATIONS = """
select day, provider, step, sum(runs), round(sum(seconds)::numeric, 3) from elder_worker.run_durations group by 1, 2, 3 having sum(runs) <> 0"""


def same(connection: Connection, counted: LiteralString, looked_at: LiteralString) -> bool:
    return set(connection.execute(counted).fetchall()) == set(connection.execute(looked_at).fetchall())


def counted(connection: Connection) -> set[tuple]:
    return {tuple(one.values()) for one in entities.summary(connection)}


def assert_equal(connection: Connection) -> set[tuple]:
    """Compares both ways in one snapshot; returns the counts."""
    with transaction(connection):
        connection.execute("set transaction isolation level repeatable read")
        found = counted(connection)
        assert found == set(connection.execute(LOOKED_AT).fetchall())
        assert same(connection, COUNTED_OF_ORGANIZATIONS, OF_ORGANIZATIONS)
        assert_lists_are_counted(connection, found)
    return found


def assert_lists_are_counted(connection: Connection, found: set[tuple]) -> None:
    """Compares the totals of lists of active entities: of all, and of one that a list can be filtered by."""
    every = [{}] + [{"entity_type": kind, "sub_type": sub, "provider": provider} for kind, sub, provider, *_ in sorted(found)[:1]]
    for filters in every + [{name: value} for one in every for name, value in one.items()]:
        chosen = entity_list.selection({"is_active": True, **filters})
        assert chosen.kinds == filters
        looked_at = entity_list.selection({"is_active": True, **filters})
        looked_at.kinds = None
        assert chosen.count(connection) == looked_at.count(connection), filters


@pytest.mark.parametrize("filters", [{"region": "x"}, {"is_active": None}, {"is_active": False}, {"provider": "aws", "organization_id": 1}])
def test_what_the_counts_do_not_tell_is_looked_at(filters):
    assert entity_list.selection({"is_active": True, **filters}).kinds is None
    assert entity_list.selection({"is_active": True}).of([1]).kinds is None


def lines(connection: Connection) -> int:
    row = connection.execute("select count(*) from elder_worker.entity_counts").fetchone()
    assert row is not None
    return row[0]


def test_after_any_history_the_counts_equal_a_look_at_all_entities(database, monkeypatch):
    """Retirements, releases and their undoing, moves, deletions and returns are in the histories; so are outages and cut-offs."""
    monkeypatch.setattr(claimed, "RETRY_SECONDS", (0.0, 0.0, 0.0))
    monkeypatch.setattr(marks, "MARKED_FROM", 10)
    monkeypatch.setattr(run_writes, "BATCH_ROWS", 7)
    monkeypatch.setattr(retention, "SPARE", 20)
    seen = set()
    with connect(database) as connection, connect(database) as other:
        connection.close = lambda: None  # each run would close it
        for seed in range(HISTORIES):
            History(connection, 1_000 + seed).play()
            seen |= assert_equal(other)
            assert same(other, COUNTED_RUNS, RUNS)
            retention.clean(other, retention.Kept())
            assert_equal(other)
        connection.pgconn.finish()
    assert len(seen) >= HISTORIES


def test_counts_follow_random_statements(database, sql):
    """Statements as an operator, a migration or a merge of organizations may give them; every second change is within a day."""
    sql.execute("insert into organizations (id, name) values (1, 'one'), (2, 'two')")
    dice = random.Random(5)
    with connect(database) as connection:
        for _ in range(60):
            connection.execute(dice.choice(STATEMENTS), {"n": dice.randrange(1, 50)})
            assert_equal(connection)
        assert counted(connection)
        connection.execute("truncate entities cascade")
        assert assert_equal(connection) == set()


def test_many_lines_are_added_up_and_those_of_the_last_day_keep_their_time(database, sql, monkeypatch):
    job = add_job(sql)
    for number in range(1, 6):
        run_once(database, job, resources(number))
    with connect(database) as connection:
        before = assert_equal(connection)
        retention.clean(connection, retention.Kept())
        assert lines(connection) == 5, "a few are left as they are"
        monkeypatch.setattr(retention, "SPARE", 0)
        retention.clean(connection, retention.Kept())
        assert (lines(connection), assert_equal(connection)) == (5, before), "each is of another moment of the last day"
        connection.execute("update entities set first_seen_at = now() - interval '2 days'")
        retention.clean(connection, retention.Kept())
        assert (lines(connection), assert_equal(connection)) == (1, {("compute", "ec2_instance", "aws", 5, 0)})


def test_what_is_a_day_old_is_fresh_no_more_though_nothing_was_written(database, sql):
    run_once(database, add_job(sql), resources(3))
    with connect(database) as connection:
        assert counted(connection) == {("compute", "ec2_instance", "aws", 3, 3)}
        connection.execute("update elder_worker.entity_counts set first_seen_at = now() - interval '25 hours'")
        assert counted(connection) == {("compute", "ec2_instance", "aws", 3, 0)}


def test_what_is_not_committed_is_not_counted_and_nobody_waits_for_it(database, sql):
    sql.execute("insert into organizations (id, name) values (1, 'one')")
    sql.execute(MANY, {"n": 4})
    gone: LiteralString = "update entities set is_active = false, deleted_at = now() where key = %s"
    with connect(database) as one, connect(database) as other:
        other.execute("set lock_timeout = '1s'")
        with transaction(one):
            one.execute(gone, [1])
            other.execute(gone, [2])
            retention.clean(other, retention.Kept())
            assert sum(line[3] for line in assert_equal(other)) == 3
        assert sum(line[3] for line in assert_equal(other)) == 2


@pytest.mark.parametrize("outcome", [Outcome.COMPLETE, Outcome.DENIED])
def test_a_run_under_way_is_counted_as_far_as_it_has_stored(database, sql, outcome):
    run = Run(database, add_job(sql))
    index = run.open(resources(4), SCOPE)
    run.inventory.flush()
    with connect(database) as connection:
        assert assert_equal(connection) == {("compute", "ec2_instance", "aws", 4, 4)}
    run.close(index, 4, outcome)
    run.finish()


RUN = "insert into discovery_history (job_id, status, started_at, completed_at) values (%s, %s, now() - interval '9 hours', now()) returning id"


def test_a_run_is_counted_when_it_ends_and_anew_when_its_end_is_told_otherwise(database, sql):
    job = add_job(sql)
    [run] = sql.execute(RUN, [job, "running"]).fetchone()
    steps = (
        ("progress = '{}'", 0),
        ("status = 'error', completed_at = now()", 1),
        ("error = 'lost'", 1),
        ("completed_at = now() + interval '5 s', status = 'completed'", 1),
        ("started_at = started_at - interval '1 day'", 1),
    )
    with connect(database) as connection:
        for change, runs in steps:
            sql.execute(f"update discovery_history set {change} where id = {run}")
            assert same(connection, COUNTED_RUNS, RUNS), change
            assert same(connection, COUNTED_DURATIONS, DURATIONS), change
            assert len(connection.execute(COUNTED_RUNS).fetchall()) == runs


def test_the_runs_of_many_days_are_added_up_and_stay_counted_when_they_are_deleted(database, sql, monkeypatch):
    monkeypatch.setattr(retention, "SPARE", 0)
    job = add_job(sql)
    for _ in range(9):
        sql.execute(RUN, [job, "completed"])
    with connect(database) as connection:
        retention.clean(connection, retention.Kept())
        assert connection.execute("select count(*) from elder_worker.run_counts").fetchone() == (1,)
        assert connection.execute("select count(*) from elder_worker.run_durations").fetchone() == (1,)
        assert same(connection, COUNTED_RUNS, RUNS)
        assert same(connection, COUNTED_DURATIONS, DURATIONS)
        sql.execute("delete from discovery_history")
        assert connection.execute("select sum(runs) from elder_worker.run_counts").fetchone() == (9,)
        assert connection.execute("select sum(runs) from elder_worker.run_durations").fetchone() == (9,)
        connection.execute("update elder_worker.run_durations set day = day - 400")
        retention.clean(connection, retention.Kept())
        assert connection.execute("select count(*) from elder_worker.run_durations").fetchone() == (0,)
