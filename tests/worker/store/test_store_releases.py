"""A release of held-back deletions is undone: everything stands as before it, history included, and is held back again."""

from __future__ import annotations

import msgspec
import pytest
from store_runs import Link, Run, add_job, resources, run_once

from worker.store import held, releases, tombstones
from worker.store.attention import attention
from worker.store.connection import connect
from worker.store.errors import NotPossible

STATE = (
    "select external_id, name, attributes, tags, parent_id, is_active, first_seen_at, deleted_at from entities order by id",
    "select source_id, target_id, target_external_id, dependency_type, created_at from dependencies order by 1, 3, 4",
    "select scope_id, entity_id, run_id from elder_worker.held order by 1, 2",
    "select entity_id, scope_id, kind, name, target, value, run_id from elder_worker.losses order by 1, 3, 4, 5",
    "select scope_id, deleted, held_back, held_links, held_attributes from run_scopes order by run_id, scope_id",
    "select id, entities_deleted, error from discovery_history order by id",
    "select id, entities from elder_worker.scopes order by id",
)


def state(sql) -> list[list[tuple]]:
    return [sql.execute(query).fetchall() for query in STATE]


def linked(count: int = 60):
    return [msgspec.structs.replace(one, links=(Link("in_vpc", "vpc"),), parent="arn:ec2_instance:0") for one in resources(count)]


@pytest.fixture
def held_run(database, sql) -> int:
    """A run that holds back 30 entities, and of the 30 others all links, parents and attributes; returns its id."""
    job = add_job(sql)
    run_once(database, job, linked())
    run_once(database, job, [msgspec.structs.replace(one, attributes={}) for one in resources(60)][:30])
    return int(sql.execute("select max(id) from discovery_history").fetchone()[0])


def release(database, run: int) -> int:
    with connect(database) as connection:
        assert tombstones.release(connection, run, "ann") is not None
        [found], _ = releases.selection(run=run).page(connection, 1, 1)
    return int(found["id"])


def undo(database, number: int):
    with connect(database) as connection:
        return releases.undo(connection, number, "bob")


def test_everything_stands_as_before(database, sql, held_run):
    before = state(sql)
    number = release(database, held_run)
    assert sql.execute("select count(*) from entities where is_active").fetchone() == (30,)

    restored = undo(database, number)

    assert (restored.entities, restored.links, restored.attributes) == (30, 60, 60)
    assert state(sql) == before
    with connect(database) as connection:
        assert held.page(connection, 1, 1, run=held_run)[1] == 30 + 60 + 60
        [found], total = releases.selection(run=held_run).page(connection, 1, 10)
    assert total == 1
    assert (found["released_by"], found["undone_by"], found["entities"], found["links"], found["attributes"]) == ("ann", "bob", 30, 60, 60)


def test_what_was_restored_keeps_its_history(database, sql, held_run):
    undo(database, release(database, held_run))

    history = "select operation, run_id from entity_changes where entity_id = %s order by id"
    [(gone,)] = sql.execute("select id from entities where external_id = 'arn:ec2_instance:45'").fetchall()
    assert sql.execute(history, [gone]).fetchall() == [("deleted", held_run), ("restored", held_run)]
    [(kept, attributes)] = sql.execute("select id, attributes from entities where external_id = 'arn:ec2_instance:7'").fetchall()
    assert attributes == {"n": 7, "state": "running"}
    last = sql.execute("select changes from entity_changes where entity_id = %s order by id desc limit 1", [kept]).fetchone()[0]
    assert last == {"attributes.n": [None, 7], "attributes.state": [None, "running"]}


def test_it_can_be_released_again_and_undone_again(database, sql, held_run):
    first = release(database, held_run)
    undo(database, first)
    before = state(sql)
    second = release(database, held_run)
    assert second != first

    assert undo(database, second).entities == 30
    assert state(sql) == before


def test_what_has_changed_since_is_left_alone(database, sql, held_run):
    """One entity was seen again, another was deleted anew, an attribute has another value, a link is back."""
    number = release(database, held_run)
    sql.execute("update entities set is_active = true, deleted_at = null where external_id = 'arn:ec2_instance:40'")
    sql.execute("update entities set deleted_at = now() where external_id = 'arn:ec2_instance:41'")
    sql.execute("""update entities set attributes = '{"n": "new"}' where external_id = 'arn:ec2_instance:3'""")
    sql.execute(
        "insert into dependencies (source_id, target_external_id, dependency_type) select id, 'arn:x', 'parent' from entities "
        "where external_id = 'arn:ec2_instance:4'"
    )

    restored = undo(database, number)

    assert (restored.entities, restored.links, restored.attributes) == (28, 59, 59)
    assert sql.execute("select attributes ->> 'n' from entities where external_id = 'arn:ec2_instance:3'").fetchone() == ("new",)
    assert sql.execute("select is_active from entities where external_id = 'arn:ec2_instance:41'").fetchone() == (False,)


def test_a_reading_that_shows_what_was_restored_holds_nothing_back(database, sql, held_run):
    undo(database, release(database, held_run))
    job = sql.execute("select job_id from discovery_history limit 1").fetchone()[0]

    run_once(database, job, linked())

    assert sql.execute("select count(*) from elder_worker.held").fetchone() == (0,)
    assert sql.execute("select count(*) from elder_worker.losses").fetchone() == (0,)
    assert sql.execute("select count(*) from entities where is_active").fetchone() == (60,)


def test_a_reading_that_still_lacks_it_holds_it_back_again(database, sql, held_run):
    undo(database, release(database, held_run))
    job = sql.execute("select job_id from discovery_history limit 1").fetchone()[0]

    run_once(database, job, [msgspec.structs.replace(one, attributes={}) for one in resources(60)][:30])

    assert sql.execute("select count(*) from entities where is_active").fetchone() == (60,)
    assert sql.execute("select count(*) from elder_worker.held").fetchone() == (30,)


def test_nothing_is_undone_twice_or_while_the_job_runs_or_after_a_month(database, sql, held_run):
    number = release(database, held_run)
    job = sql.execute("select job_id from discovery_history limit 1").fetchone()[0]
    run = Run(database, job)
    with pytest.raises(NotPossible, match=f"the job of run {held_run} is running"):
        undo(database, number)
    run.finish()
    undo(database, number)
    with pytest.raises(NotPossible, match=f"release {number} was undone already"):
        undo(database, number)
    assert undo(database, 999) is None
    sql.execute("update elder_worker.releases set released_at = now() - interval '31 days'")
    release(database, held_run)
    assert undo(database, number) is None


def test_a_release_of_nothing_is_none(database, sql):
    job = add_job(sql)
    run_once(database, job, resources(3))
    with connect(database) as connection:
        tombstones.release(connection, sql.execute("select max(id) from discovery_history").fetchone()[0])
        tombstones.release(connection, 999)
        assert releases.selection().page(connection, 1, 1) == ([], 0)


def test_a_run_says_what_it_holds_back_until_that_is_released_and_again_when_it_is_restored(database, sql, held_run):
    """Attention has a line for each run that holds something back, with its own number."""
    said = "select error from discovery_history where id = %s"
    sentence = sql.execute(said, [held_run]).fetchone()[0]
    assert sentence.startswith("30 entities, 60 links and 60 attributes were missing")
    assert sentence.endswith(f"`elder runs release {held_run}`")
    number = release(database, held_run)
    assert sql.execute(said, [held_run]).fetchone() == ("",)
    undo(database, number)
    assert sql.execute(said, [held_run]).fetchone() == (sentence,)


def test_attention_has_a_line_for_each_run_that_holds_something_back(database, sql, held_run):
    first = held_run - 1
    sql.execute("update elder_worker.held set run_id = %s where entity_id in (select entity_id from elder_worker.held limit 10)", [first])
    with connect(database) as connection:
        lines = {one["number"]: one["count"] for one in attention(connection) if one["kind"] == "held"}
    assert lines == {first: 10, held_run: 20 + 60 + 60}, "entities, links and attributes"


def test_the_newest_sync_of_a_connector_says_so_too_and_no_other(database, sql):
    rows = [("ldap", "completed", "older"), ("okta", "completed", "other"), ("ldap", "completed", "21 entities"), ("ldap", "running", "")]
    for connector, status, error in rows:
        sql.execute(
            "insert into connector_history (connector, run, status, error) values (%s, gen_random_uuid(), %s, %s)",
            [connector, status, error],
        )
    said = "select connector, error from connector_history where status <> 'running' order by id"
    with connect(database) as connection:
        tombstones.release_connector(connection, "connector:ldap", "ann")
        assert sql.execute(said).fetchall() == [("ldap", "older"), ("okta", "other"), ("ldap", "")]
        releases.tell(connection, None, "connector:ldap", "21 entities")
    assert sql.execute(said).fetchall() == [("ldap", "older"), ("okta", "other"), ("ldap", "21 entities")]
