"""Batches that differ from the last reading: each resource that came before is recognised by one hash, and the rest is decided when it is stored."""

from __future__ import annotations

import random

import msgspec
import pytest
from store_runs import Run, add_job, resources

from providers.errors import Outcome
from providers.records import Resource
from worker.run import fingerprints, wire
from worker.store import open_scope, scopes


@pytest.fixture
def job(sql):
    return add_job(sql)


def read(database, job, found, outcome=Outcome.COMPLETE, *, share=1.0):
    run = Run(database, job, guard=share)
    run.scope(found, outcome=outcome)
    run.finish()
    return run.inventory.totals


def numbers(totals):
    return totals.created, totals.updated, totals.unchanged, totals.deleted


def rows(sql):
    return dict(sql.execute("select external_id, xmin::text from entities").fetchall())


def renamed(one: Resource, name: str) -> Resource:
    return msgspec.structs.replace(one, name=name)


def changes(sql):
    return sql.execute("select operation, count(*) from entity_changes where operation <> 'created' group by 1").fetchall()


@pytest.fixture
def no_search(monkeypatch):
    def searched(*_):
        raise AssertionError("the scope's fingerprints were loaded")

    return lambda: monkeypatch.setattr(scopes, "fingerprints", searched)


def test_the_same_in_another_order_writes_and_loads_nothing(database, sql, job, no_search):
    found = resources(1300)
    read(database, job, found)
    before = rows(sql)
    no_search()
    for seed in range(2):
        random.Random(seed).shuffle(found)
        assert numbers(read(database, job, found)) == (0, 0, 1300, 0)
    assert rows(sql) == before
    assert changes(sql) == []


def test_changed_new_and_gone_beside_the_unchanged(database, sql, job, no_search):
    found = resources(1300)
    read(database, job, found)
    before = rows(sql)
    no_search()
    again = [renamed(one, "other") if at % 100 == 7 else one for at, one in enumerate(found) if at % 100 != 8]
    again += [Resource(f"arn:new:{n}", "compute", "ec2_instance", "new") for n in range(3)]
    random.Random(1).shuffle(again)
    assert numbers(read(database, job, again)) == (3, 13, 1274, 13)
    assert {key for key, version in rows(sql).items() if before.get(key) != version} == {
        *(found[at].external_id for at in range(1300) if at % 100 in (7, 8)),
        *(f"arn:new:{n}" for n in range(3)),
    }
    assert sorted(changes(sql)) == [("deleted", 13), ("updated", 13)]
    assert numbers(read(database, job, again)) == (0, 0, 1290, 0)
    assert sql.execute("select entities from elder_worker.scopes").fetchone() == (1290,)


@pytest.mark.parametrize("limit", [0, 5])
def test_a_scope_of_which_much_has_changed_is_searched(database, sql, job, monkeypatch, limit):
    monkeypatch.setattr(open_scope, "STRANGE_AT_MOST", limit)
    found = resources(1300)
    read(database, job, found)
    again = [renamed(one, "other") if at % 3 else one for at, one in enumerate(found[:1200])]
    assert numbers(read(database, job, again)) == (0, 800, 400, 100)
    assert sorted(changes(sql)) == [("deleted", 100), ("updated", 800)]
    assert numbers(read(database, job, again)) == (0, 0, 1200, 0)


def test_a_change_crafted_to_have_the_same_content_is_stored(database, sql, job, monkeypatch):
    """The content is 64 bits that no secret is in: two states of the same can be found in an hour."""
    found = resources(600)
    read(database, job, found)
    stored = sql.execute("select content from entities where external_id = 'arn:ec2_instance:7'").fetchone()[0]
    found[7] = renamed(found[7], "crafted")
    with monkeypatch.context() as patch:
        patch.setattr(open_scope, "content_of", lambda _: stored)
        assert read(database, job, found).updated == 1
    assert sql.execute("select name from entities where external_id = 'arn:ec2_instance:7'").fetchone() == ("crafted",)
    assert changes(sql) == [("updated", 1)]


@pytest.mark.parametrize("flush", [False, True])
def test_a_resource_that_comes_twice_is_no_change(database, sql, job, flush):
    """Once in its batch and once beside it; once changed and then again."""
    found = resources(600)
    read(database, job, found)
    other = renamed(found[3], "other")
    run = Run(database, job)
    index = run.open(found[:500])
    for batch in ([other, *found[500:]], [other, found[8]]):
        run.send(index, batch)
        if flush:
            run.inventory.flush()
    run.close(index, 603)
    run.finish()
    assert (run.repeated, run.inventory.totals.updated, run.inventory.totals.deleted) == (500, 1, 0)
    assert changes(sql) == [("updated", 1)]
    assert sql.execute("select count(*) from entities where content <> 0 and is_active").fetchone() == (600,)
    stored = sql.execute("select content from entities where external_id = %s", [other.external_id]).fetchone()[0]
    assert stored == fingerprints.content_of(wire.encode_resource(other)), "no content was altered"


def test_marks_of_a_release_that_knows_no_contents(database, sql, job):
    """They serve for whole batches of that release alone; a reading of this one searches once, changes nothing, and leaves its own."""
    found = resources(1200)
    read(database, job, found)
    before = rows(sql)
    sql.execute("update elder_worker.batch_marks set contents = null, hash = sha256(hash)")
    assert numbers(read(database, job, found)) == (0, 0, 1200, 0)
    assert (rows(sql), changes(sql)) == (before, [])
    assert sql.execute("select sum(resources), bool_and(contents is not null) from elder_worker.batch_marks").fetchone() == (1200, True)


def test_what_is_gone_while_no_batch_differs(database, sql, job, no_search):
    found = resources(1500)
    read(database, job, found)
    no_search()
    assert numbers(read(database, job, found[:1000])) == (0, 0, 1000, 500)
    assert changes(sql) == [("deleted", 500)]


def test_what_is_held_back_leaves_no_marks_though_a_resource_came_twice(database, sql, job):
    """As many twice as are held: their number alone looks whole."""
    found = resources(600)
    read(database, job, found)
    short = [*found[:400], *found[:200]]
    for _ in range(3):
        totals = read(database, job, short, share=0.1)
        assert (totals.held_back, totals.deleted) == (200, 0)
