"""Histories of changes, readings, faults and commands: the inventory equals its sources, and what differs says so. In full: soak `histories`."""

from __future__ import annotations

import time
import uuid

import msgspec
import pytest
from histories import History
from store_runs import SCOPE, Link, Run, add_job, resources, run_once

from providers.errors import Outcome
from providers.records import Resource, Scope
from worker.run.outcome import Status, Verdict
from worker.store import claimed, claims, held, marks, run_writes, tombstones
from worker.store.connection import connect
from worker.store.inventory import closing

HISTORIES, SECONDS, AT_LEAST = 300, 15.0, 10
"""Seeds that are played, as far as the time allows, and those that are played in any case."""

FORGOTTEN = 24
"""The seed of a history in which a reading in part follows one whose deletions are held back."""

GATHERED = 179_589_106_600_098
"""The seed of a history in which a writer dies with resources that it has gathered and not written, after a batch that it had written."""

FOUND = {
    "a new target alone in the last write": 179_596_128_304_802,
    "a loss of the owner before": 179_596_128_307_772,
    "taken over while it was read": 179_606_445_101_114,
}
"""Seeds of histories after which the store differed from its sources, by what was wrong."""

WEST = Scope("aws", "111", "us-west-2", "ec2_instance")


@pytest.fixture
def quick(monkeypatch):
    """Retries without pauses; batch marks for small scopes too, and writes of a few resources while the next are read."""
    monkeypatch.setattr(claimed, "RETRY_SECONDS", (0.0, 0.0, 0.0))
    monkeypatch.setattr(marks, "MARKED_FROM", 10)
    monkeypatch.setattr(run_writes, "BATCH_ROWS", 7)


def test_after_any_history_the_inventory_equals_its_sources_and_what_differs_says_so(database, quick):
    began = time.monotonic()
    with connect(database) as connection:
        connection.prepare_threshold = 2
        connection.close = lambda: None  # each run would close it
        for seed in range(HISTORIES):
            if seed >= AT_LEAST and time.monotonic() - began > SECONDS:
                break
            History(connection, seed).play()
        connection.pgconn.finish()


def test_the_model_finds_a_store_that_forgets_what_it_holds_back(database, quick, monkeypatch):
    """The comparison itself: a store with a fault does not pass."""
    monkeypatch.setattr(run_writes, "BATCH_ROWS", 5_000)  # the seed is of histories that write at the end of a scope
    monkeypatch.setattr(tombstones, "unhold_seen", lambda connection, scope, _unseen: tombstones.clear_held(connection, scope))
    with connect(database) as connection, pytest.raises(AssertionError, match="a ghost that nothing names"):
        connection.prepare_threshold = 2
        connection.close = lambda: None
        try:
            History(connection, FORGOTTEN).play()
        finally:
            connection.pgconn.finish()


def test_the_model_takes_nothing_for_stored_that_a_dead_writer_had_only_gathered(database, quick):
    with connect(database) as connection:
        connection.close = lambda: None
        history = History(connection, GATHERED)
        history.play()
        connection.pgconn.finish()
    assert any("writer dies" in line for line in history.log)


@pytest.mark.parametrize("seed", FOUND.values(), ids=FOUND)
def test_a_history_that_has_found_a_fault(database, quick, seed):
    with connect(database) as connection:
        connection.prepare_threshold = 2
        connection.close = lambda: None
        History(connection, seed).play()
        connection.pgconn.finish()


# --- what histories have found


def test_a_target_that_only_the_end_of_a_run_stores_is_linked(database, sql):
    """The few resources of a cut-off run's first scope, whose index is 0, are written with the run's outcome, and are linked to all the same."""
    one, other = add_job(sql), add_job(sql)
    run_once(database, one, [Resource("machine", "compute", "ec2_instance", "m", links=(Link("in_vpc", "net"),))])
    run = Run(database, other)
    run.open([Resource("net", "network", "ec2_instance", "n")], WEST)
    run.finish(Verdict(Status.ERROR, "timeout", "cut off"))

    target = sql.execute("select t.external_id from dependencies d join entities t on t.id = d.target_id").fetchall()
    assert target == [("net",)]


def test_what_the_owner_before_lacked_is_not_taken_from_what_the_new_one_has_seen(database, sql):
    """A run that dies leaves losses of three machines; their scope grows stale, and another job takes the machines over, which sees it all."""
    one, other = add_job(sql), add_job(sql)
    run_once(database, one, resources(30))
    run = Run(database, one)
    with closing(run.inventory):
        run.open([msgspec.structs.replace(found, attributes={"n": 0}) for found in resources(3)])
        run.inventory.flush()
    sql.execute("update elder_worker.claims set expires_at = now() - interval '1 s'")
    with connect(database) as connection:
        claims.sweep(connection)
    assert sql.execute("select count(*) from elder_worker.losses where held_at is null").fetchone() == (3,)
    sql.execute("update elder_worker.scopes set last_complete_at = now() - interval '8 days'")
    run_once(database, other, resources(30))

    assert sql.execute("select count(*) from entities where attributes ->> 'state' = 'running'").fetchone() == (30,)
    assert sql.execute("select count(*) from elder_worker.losses").fetchone() == (0,)


@pytest.mark.parametrize("yields", ["not read in full for a week", "not read for a week, and seen before", "holds their deletion back"])
def test_what_a_run_is_reading_stays_its_own(database, sql, yields):
    """A job whose entities others may have reads them again, and so does another job meanwhile. Both have seen them, and either keeps them alive."""
    one, other = add_job(sql), add_job(sql)
    run_once(database, one, resources(30))
    if yields == "not read for a week, and seen before":
        run_once(database, other, resources(30), owner=str(uuid.UUID(int=2)))
    if yields != "holds their deletion back":
        sql.execute("update elder_worker.scopes set last_complete_at = now() - interval '8 days' where owner = %s", [f"job:{one}"])
    else:
        run_once(database, one, [])
    run = Run(database, one)
    reading = run.open(resources(30))
    run_once(database, other, resources(30), owner=str(uuid.UUID(int=2)))
    run.close(reading, 30)
    run.finish()
    assert sql.execute("select distinct s.owner from entities e join elder_worker.scopes s on s.id = e.scope_id").fetchall() == [
        (f"job:{one}",)
    ]
    assert sql.execute("select count(*) from elder_worker.held").fetchone() == (0,)

    run_once(database, other, resources(25))
    assert active(sql) == 30
    run_once(database, one, resources(25), guard=0.5)
    assert active(sql) == 25


def test_what_is_held_back_and_another_job_sees_is_that_jobs_when_a_reading_fails(database, sql):
    """A job that holds a deletion back reads the scope again, and is denied; another has seen the entities meanwhile."""
    one, other = add_job(sql), add_job(sql)
    run_once(database, one, resources(30))
    run_once(database, one, [])
    run = Run(database, one)
    reading = run.open(resources(3))
    run_once(database, other, resources(20), owner=str(uuid.UUID(int=2)))
    run.close(reading, 3, Outcome.DENIED)
    run.finish()

    owners = dict(
        sql.execute("select s.owner, count(*) from entities e join elder_worker.scopes s on s.id = e.scope_id group by 1").fetchall()
    )
    assert owners == {f"job:{one}": 13, f"job:{other}": 17}
    assert sql.execute("select count(*) from elder_worker.held").fetchone() == (10,)


def active(sql) -> int:
    return sql.execute("select count(*) from entities where is_active").fetchone()[0]


def held_names(database, run: int) -> set[tuple[str, str]]:
    with connect(database) as connection:
        return {(one["kind"], one["entity"]) for one in held.page(connection, 1, 1000, run=run)[0]}


def moved(count: int, region: str) -> list[Resource]:
    return [Resource(f"arn:ec2_instance:{n}", "compute", "ec2_instance", f"name {n}", {"in": region}) for n in range(count)]


@pytest.mark.parametrize("first", ["old region", "new region"])
def test_what_another_scope_sees_is_not_held_back_and_not_released(database, sql, first):
    """Thirty machines move to another region at once. Whichever is read first, none of them is on the list or lost by a release."""
    job = add_job(sql)
    run_once(database, job, moved(30, "east"))
    run = Run(database, job)
    readings = [([], SCOPE), (moved(30, "west"), WEST)]
    for found, scope in readings if first == "old region" else readings[::-1]:
        run.scope(found, scope)
    run.finish()
    assert held_names(database, run.claimed.run_id) == set()
    with connect(database) as connection:
        released = tombstones.release(connection, run.claimed.run_id)
    assert released is not None
    assert (released.entities, active(sql)) == (0, 30)


def test_a_release_spares_what_another_job_has_seen_since(database, sql):
    one, other = add_job(sql), add_job(sql)
    run_once(database, one, resources(30))
    run = Run(database, one)
    run.scope([])
    run.finish()
    sql.execute(
        "insert into elder_worker.scopes (owner, provider, account, region, resource_type) values (%s, 'aws', '111', 'us-east-1', 'ec2_instance')",
        [f"job:{other}"],
    )
    sql.execute(
        "insert into elder_worker.sightings (scope_id, key, content, entity_id) "
        "select (select max(id) from elder_worker.scopes), key, content, id from entities order by id limit 10"
    )
    with connect(database) as connection:
        released = tombstones.release(connection, run.claimed.run_id)
    assert released is not None
    assert (released.entities, active(sql)) == (20, 10)


def test_links_and_attributes_that_are_held_back_go_with_their_entity(database, sql):
    """Groups lose an attribute and their members, which is held back; then they move to another region, whose reading decides anew."""
    links = tuple(Link("has_member", f"user:{n}") for n in range(3))

    def groups(**more) -> list[Resource]:
        return [Resource(f"group:{n}", "group", "ec2_instance", f"group {n}", more, links=links if more else ()) for n in range(30)]

    job = add_job(sql)
    run_once(database, job, groups(mail="a@x"))
    first = run_once(database, job, groups())
    assert (first.held_links, first.held_attributes) == (90, 30)

    run = Run(database, job)
    run.scope(groups(), WEST)
    run.scope([])
    run.finish()
    run = Run(database, job)
    run.scope(groups(), WEST)
    run.scope([])
    run.finish()

    assert (run.inventory.totals.held_links, run.inventory.totals.held_attributes) == (90, 30)
    assert len(held_names(database, run.claimed.run_id)) == 60, "by name, of the run that holds them"
    with connect(database) as connection:
        assert tombstones.release(connection, run.claimed.run_id) == (0, 90, 30)
    assert sql.execute("select count(*) from dependencies").fetchone() == (0,)
    assert sql.execute("select count(*) from entities where attributes ? 'mail'").fetchone() == (0,)
