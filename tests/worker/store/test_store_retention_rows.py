"""Changes, lines of the audit log and deleted entities are kept as long as the settings say, and deleted in batches."""

from __future__ import annotations

import msgspec
import pytest
from store_runs import SCOPE, Link, Run, add_job, resources, run_once

from providers.errors import Outcome
from providers.records import Resource
from worker.config.settings import load
from worker.run.queue import Cleaned
from worker.store import audit, releases, retention, tombstones
from worker.store.connection import connect
from worker.store.retention import Kept


@pytest.fixture
def job(sql):
    return add_job(sql)


def clean(database, **days: int) -> dict[str, int]:
    """Cleans until nothing is left; the rows that were deleted, by kind."""
    total: dict[str, int] = {}
    with connect(database) as connection:
        cleaned = Cleaned(more=True)
        while cleaned.more:
            cleaned = retention.clean(connection, Kept(**days))
            total = {what: total.get(what, 0) + rows for what, rows in cleaned.rows.items()}
    return {what: rows for what, rows in total.items() if rows}


def count(sql, table: str) -> int:
    return sql.execute(f"select count(*) from {table}").fetchone()[0]


def test_changes_are_kept_for_a_time(database, sql, job, monkeypatch):
    monkeypatch.setattr(retention, "ROWS", 7)
    run_once(database, job, resources(30))
    run_once(database, job, resources(30, state="stopped"))
    sql.execute(
        "update entity_changes set changed_at = now() - interval '10 days' where id in (select id from entity_changes order by id limit 20)"
    )
    sql.execute("update elder_worker.created set created_at = now() - interval '10 days'")

    assert clean(database, changes=11) == {}
    assert clean(database, changes=0) == {}, "for ever"
    assert clean(database, changes=9) == {"changes": 20, "created": 1}
    assert (count(sql, "entity_changes"), count(sql, "entities")) == (10, 30)


def test_the_audit_log_is_kept_for_a_time(database, sql, monkeypatch):
    monkeypatch.setattr(retention, "ROWS", 3)
    with connect(database) as connection:
        for number in range(10):
            audit.add(connection, audit.Actor("local"), "job.update", f"job {number}")
    sql.execute("update audit_log set at = now() - interval '800 days' where id <= 7")

    assert clean(database, audit=801) == {}
    assert clean(database, audit=799) == {"audit": 7}
    assert [one for (one,) in sql.execute("select object from audit_log order by id")] == ["job 7", "job 8", "job 9"]


def test_deleted_entities_are_kept_for_ever_unless_it_is_said_otherwise(database, sql, job, monkeypatch):
    monkeypatch.setattr(retention, "ENTITIES", 2)
    parent = Resource("vpc", "network", "vpc", "the network")
    children = [
        Resource(f"i{n}", "compute", "ec2_instance", f"i{n}", {"n": n}, links=(Link("uses", "i0"),), parent="vpc") for n in range(6)
    ]
    run_once(database, job, [parent, *children])
    run_once(database, job, children[3:])
    sql.execute("update entities set deleted_at = now() - interval '40 days' where name in ('i0', 'i1', 'the network')")

    assert clean(database) == {}
    assert clean(database, deleted_entities=41) == {}
    assert clean(database, deleted_entities=39) == {"deleted_entities": 3}
    assert {name for (name,) in sql.execute("select name from entities")} == {"i2", "i3", "i4", "i5"}, "i2 is deleted since today"
    assert sql.execute("select count(*) from entities where parent_id is not null").fetchone() == (0,)
    assert sql.execute("select count(*) from dependencies where target_id is not null and dependency_type = 'uses'").fetchone() == (0,)

    assert run_once(database, job, [parent, *children]).created == 3, "what comes back is new"
    assert sql.execute("select count(*) from dependencies d join entities e on e.id = d.target_id where e.name = 'i0'").fetchone() == (6,)


def test_an_entity_whose_deletion_can_be_undone_is_not_removed(database, sql, job):
    run_once(database, job, resources(30))
    run = Run(database, job)
    run.scope([], SCOPE)
    run.finish()
    with connect(database) as connection:
        assert tombstones.release(connection, run.claimed.run_id) == (30, 0, 0)
        sql.execute("update entities set deleted_at = now() - interval '20 days'")
        sql.execute("update elder_worker.releases set released_at = now() - interval '20 days'")
        assert clean(database, deleted_entities=10) == {}

        sql.execute("update elder_worker.releases set released_at = now() - make_interval(days => %s)", [releases.KEPT + 1])
        assert clean(database, deleted_entities=10) == {"deleted_entities": 30}


def test_a_run_by_which_something_is_held_back_is_kept(database, sql, job):
    """Its release is by its number."""
    run_once(database, job, resources(30))
    run = Run(database, job)
    run.scope([])
    run.finish()
    run_once(database, job, [], outcome=Outcome.DENIED)
    run_once(database, job, [], outcome=Outcome.DENIED)
    sql.execute("update discovery_history set completed_at = now() - interval '400 days', status = 'partial'")

    assert clean(database, history=90) == {"runs": 2, "ledger_lines": 2}, "the first and the third"
    with connect(database) as connection:
        assert tombstones.release(connection, run.claimed.run_id) == (30, 0, 0)


def test_the_defaults_keep_entities_for_ever():
    settings = load({"DATABASE_URL": "postgresql://x/y"})
    days = {"history": 90, "changes": 365, "audit": 730, "deleted_entities": 0, "abandoned_scopes": 0, "workers": 7}
    assert settings.retention_days() == days
    assert Kept(**days) == Kept(90, 365, 730, 0)


def test_workers_that_are_not_seen_any_more_are_forgotten(database, sql, job):
    rows = [("new", 0), ("old", 8), ("young enough", 6), ("holds a run", 9)]
    for name, days in rows:
        sql.execute(
            "insert into elder_worker.workers (owner, name, seen_at) values (gen_random_uuid(), %s, now() - make_interval(days => %s))",
            [name, days],
        )
    sql.execute(
        "insert into elder_worker.claims (job_id, owner, expires_at) "
        "select %s, owner, now() + interval '1 hour' from elder_worker.workers where name = 'holds a run'",
        [job],
    )

    assert clean(database, workers=0) == {}, "for ever"
    assert clean(database) == {"workers": 1}
    assert [name for (name,) in sql.execute("select name from elder_worker.workers order by seen_at")] == [
        "holds a run",
        "young enough",
        "new",
    ]


def test_scopes_that_were_abandoned_long_ago_are_retired_when_a_setting_says_so(database, sql, job, monkeypatch):
    monkeypatch.setattr(retention, "SCOPES", 1)
    other = msgspec.structs.replace(SCOPE, region="eu-west-1")
    run = Run(database, job)
    run.scope(resources(3))
    run.scope(resources(2, kind="eu"), other)
    run.finish()
    sql.execute("update elder_worker.scopes set state = 'abandoned', state_since = now() - interval '10 days'")
    sql.execute("update elder_worker.scopes set state_since = now() - interval '5 days' where region = %s", [other.region])

    assert clean(database) == {}, "never by itself"
    assert clean(database, abandoned_scopes=11) == {}
    assert clean(database, abandoned_scopes=7) == {"retired_scopes": 1}
    assert sql.execute("select region, state from elder_worker.scopes order by 1").fetchall() == [
        ("eu-west-1", "abandoned"),
        ("us-east-1", "retired"),
    ]
    assert sql.execute("select count(*) filter (where is_active), count(*) from entities").fetchone() == (2, 5), "no row is deleted"
    assert sql.execute("select count(*) from entity_changes where operation = 'deleted'").fetchone() == (3,)
    assert sql.execute("select actor, action, object, after from audit_log").fetchall() == [
        ("worker", "scopes retired", "abandoned_days=7", {"scopes": 1, "entities": 3})
    ]
    assert clean(database, abandoned_scopes=1) == {"retired_scopes": 1}
    settings = load({"RETIRE_ABANDONED_AFTER": "14", "WORKERS_RETENTION_DAYS": "3", "DATABASE_URL": database})
    assert settings.retention_days() | {"abandoned_scopes": 14, "workers": 3} == settings.retention_days()
