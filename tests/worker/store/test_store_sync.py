"""The connectors' batches, as the API stores them."""

from __future__ import annotations

import pytest
from store_runs import raws, resources

from providers.records import Organization, Resource, Scope
from worker.store import scopes, sync
from worker.store.connection import connect
from worker.sync.messages import Batch

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
