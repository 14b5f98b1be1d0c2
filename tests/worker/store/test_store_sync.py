"""The connectors' batches, as the API stores them."""

from __future__ import annotations

import pytest
from store_runs import raws, resources
from store_syncs import OWNER, Sync, sync_once

from providers.errors import Outcome
from providers.records import Absence, Organization, Resource, Scope
from worker.store import held, scopes, sync, tombstones
from worker.store.connection import connect
from worker.sync.messages import Batch, ScopeClosed

SCOPE = Scope("ldap", "dc=x", "", "ec2_instance")


@pytest.fixture
def store(database):
    """Stores resources as one batch of a connector."""
    with connect(database) as connection:

        def apply(found: list[Resource]):
            placed = [Resource(one.external_id, one.entity_type, one.sub_type, one.name, one.attributes, organization="o") for one in found]
            batch = Batch(owner="connector:ldap", run="1", scope=SCOPE, resources=raws(placed), organizations=[Organization("o", "O")])
            return sync.apply(connection, batch)

        yield apply


def test_a_batch_asks_for_its_own_fingerprints_only(store, monkeypatch):
    store(resources(600))

    def searched(*_):
        raise AssertionError("the whole scope was loaded")

    monkeypatch.setattr(scopes, "fingerprints", searched)
    changed = resources(600)[:20]
    changed[3] = Resource(changed[3].external_id, "compute", "ec2_instance", "another name")
    answer = store([*changed, Resource("new", "compute", "ec2_instance", "new")])
    assert (answer.created, answer.updated, answer.unchanged, answer.rejected) == (1, 1, 19, [])


@pytest.mark.parametrize("count", [1, 2])
def test_a_batch_of_any_size_is_compared(store, sql, count):
    assert store(resources(count)).created == count
    before = sql.execute("select id, xmin::text from entities order by 1").fetchall()
    assert store(resources(count)).unchanged == count
    assert sql.execute("select id, xmin::text from entities order by 1").fetchall() == before


class TestHeldBack:
    """What is held back of a connector, and the readings after it that may not tombstone."""

    @pytest.fixture
    def connection(self, database):
        """100 people, of which the guard holds back the last 40."""
        with connect(database) as connection:
            sync_once(connection, resources(100))
            assert sync_once(connection, resources(60)).held_back == 40
            yield connection

    @pytest.mark.parametrize(
        "end",
        [{"rejected": 1}, {"outcome": Outcome.DENIED}, {"outcome": Outcome.TIMEOUT}, {"absence": Absence.OUTSIDE}],
        ids=lambda end: str(*end.values()),
    )
    def test_a_reading_that_cannot_say_what_is_gone_keeps_the_list_of_what_it_has_not_shown(self, connection, sql, end):
        shown = [*resources(50), *resources(100)[90:]]
        assert sync_once(connection, shown, **end).deleted == 0
        assert names(connection) == {f"name {n}" for n in range(60, 90)}

        assert tombstones.release_connector(connection, OWNER).entities == 30
        assert active(sql) == 70, "what was shown again lives"

    def test_an_item_that_the_api_rejects_keeps_the_list(self, connection, sql):
        bad = Resource("bad", "user", "user", "no text of PostgreSQL: \0")
        before = sql.execute("select last_complete_at from elder_worker.scopes").fetchall()
        totals = sync_once(connection, [*resources(61), bad])
        assert (totals.rejected, totals.deleted) == (1, 0)
        assert sql.execute("select last_complete_at from elder_worker.scopes").fetchall() == before, "it was not read in full"
        assert names(connection) == {f"name {n}" for n in range(61, 100)}

    def test_a_worker_of_the_release_before_says_nothing_and_its_list_is_cleared(self, connection, sql):
        closed = ScopeClosed(OWNER, "old", Scope("ldap", "dc=x", "", "user"), "denied", 0)
        sync.close_scope(connection, closed, 0.1)
        assert names(connection) == set(), "it may have shown any of them"
        assert sync_once(connection, resources(60)).held_back == 40, "the next complete reading decides anew"


def names(connection) -> set[str]:
    """The names of what is held back of the connector."""
    return {one["entity"] for one in held.page(connection, 1, 1000, owner=OWNER)[0]}


def active(sql) -> int:
    return sql.execute("select count(*) from entities where is_active").fetchone()[0]


def test_what_a_connector_has_lacked_is_not_handed_to_it_when_its_owner_deletes_it(database, sql):
    sql.execute("insert into organizations (id, name) values (1, 'one')")
    readers = "connector:ldap", "connector:okta"
    with connect(database) as connection:
        for count in (3, 2):
            for owner in readers if count == 3 else reversed(readers):
                reading = Sync(connection, owner, organization=1)
                reading.scope(resources(count))
                reading.finish()
    assert sql.execute("select external_id from entities where not is_active").fetchall() == [("arn:ec2_instance:2",)]
    assert sql.execute("select count(*) from elder_worker.sightings").fetchone() == (2,)
