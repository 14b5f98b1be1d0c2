"""What is seen from outside its owner is never deleted from there: it becomes unconfirmed, until it is seen again or its owner is read."""

from __future__ import annotations

import pytest
from store_runs import add_job, resources, run_once

from providers.records import Scope
from worker.store import entity_list
from worker.store.connection import connect

ABOVE = Scope("aws", "tenant", "", "ec2_instance", "/providers/microsoft.management/managementgroups/mg1")


@pytest.fixture
def job(database, sql):
    return add_job(sql)


def state(sql) -> dict[str, tuple[bool, bool]]:
    """Active, and unconfirmed, by external id."""
    found = sql.execute("select external_id, is_active, unconfirmed_since is not null from entities").fetchall()
    return {external_id: (active, unconfirmed) for external_id, active, unconfirmed in found}


def test_what_is_not_seen_from_outside_is_unconfirmed_and_not_deleted(database, sql, job):
    run_once(database, job, resources(3), scope=ABOVE, outside=True)
    totals = run_once(database, job, resources(2), scope=ABOVE, outside=True)
    assert state(sql) == {"arn:ec2_instance:0": (True, False), "arn:ec2_instance:1": (True, False), "arn:ec2_instance:2": (True, True)}
    assert (totals.deleted, totals.held_back) == (0, 0)


def test_seen_again_it_is_confirmed(database, sql, job):
    for count in (3, 0, 2):
        run_once(database, job, resources(count), scope=ABOVE, outside=True)
    assert [unconfirmed for _, (_, unconfirmed) in sorted(state(sql).items())] == [False, False, True]


def test_the_mark_keeps_its_first_time(database, sql, job):
    for count in (1, 0):
        run_once(database, job, resources(count), scope=ABOVE, outside=True)
    [(first,)] = sql.execute("select unconfirmed_since from entities").fetchall()
    run_once(database, job, [], scope=ABOVE, outside=True)
    assert sql.execute("select unconfirmed_since from entities").fetchone() == (first,)


def test_a_reading_at_the_owner_deletes_what_is_gone_and_confirms_the_rest(database, sql, job):
    for count in (3, 0):
        run_once(database, job, resources(count), scope=ABOVE, outside=True)
    run_once(database, job, resources(2), scope=ABOVE)
    assert state(sql) == {"arn:ec2_instance:0": (True, False), "arn:ec2_instance:1": (True, False), "arn:ec2_instance:2": (False, False)}


def test_an_unchanged_reading_from_outside_writes_no_entity(database, sql, job):
    run_once(database, job, resources(3), scope=ABOVE, outside=True)
    before = sql.execute("select xmin::text from entities order by id").fetchall()
    totals = run_once(database, job, resources(3), scope=ABOVE, outside=True)
    assert totals.unchanged == 3
    assert sql.execute("select xmin::text from entities order by id").fetchall() == before


def test_the_api_shows_since_when(database, sql, job):
    for count in (1, 0):
        run_once(database, job, resources(count), scope=ABOVE, outside=True)
    with connect(database) as connection:
        [found], _ = entity_list.page(connection, entity_list.selection({}), entity_list.FIELDS, 1, 10)
    assert found["unconfirmed_since"] is not None
