"""Migrations that give rows another id: the next reading finds what is there."""

from __future__ import annotations

import pathlib
from types import SimpleNamespace

import pytest
from store_runs import add_job, run_once

import worker.store
from providers.records import Link, Resource, Scope
from worker.store import migrate
from worker.store.connection import connect
from worker.store.errors import Conflict

MIGRATIONS = pathlib.Path(worker.store.__file__).parent / "migrations"
RECORDS = Scope("aws", "111", "", "route53_record")


def records(slash: str) -> list[Resource]:
    zone = f"arn:aws:route53:::{slash}hostedzone/Z1"
    return [
        Resource(f"{zone}/A/w{n}.example.org./", "dns", "route53_record", f"w{n}", {"TTL": 60}, links=(Link("uses", zone),), parent=zone)
        for n in range(12)
    ]


def test_hosted_zones_get_their_arn_and_are_neither_deleted_nor_doubled(database, sql):
    job = add_job(sql)
    run_once(database, job, records("/"), scope=RECORDS, version="before")
    sql.execute((MIGRATIONS / "0027_hosted_zones.sql").read_text())
    totals = run_once(database, job, records(""), scope=RECORDS, version="after")

    assert (totals.created, totals.deleted, totals.held_back) == (0, 0, 0)
    assert sql.execute("select count(*), count(*) filter (where is_active) from entities").fetchone() == (12, 12)
    assert sql.execute("select count(*) from entity_changes where operation <> 'created'").fetchone() == (0,)
    assert sql.execute("select distinct target_external_id from dependencies").fetchall() == [("arn:aws:route53:::hostedzone/Z1",)]


def test_each_migration_has_a_number_of_its_own():
    """The schema's version is the number of the last one. Two pairs are older than this rule."""
    numbers = [name[:4] for name in migrate.migrations() if name > "0016"]
    assert sorted(set(numbers)) == numbers


@pytest.fixture
def in_the_way(database, monkeypatch):
    """(a worker's connection that writes to a table which a new migration changes, one for `migrate` that waits 50 ms for a lock)."""
    known, added = migrate.migrations(), "-- works with: 0016\nalter table entities add column colour text;"
    monkeypatch.setattr(migrate, "migrations", lambda: {**known, "9998_colour": added})
    with connect(database) as worker, connect(database) as migrating:
        migrating.execute("set lock_timeout = '50ms'")
        with worker.transaction():
            worker.execute("lock table entities in row exclusive mode")
            yield worker, migrating


def test_a_migration_that_meets_a_lock_of_a_worker_is_tried_again(in_the_way, monkeypatch):
    worker, migrating = in_the_way
    told = []

    def release(sentence: str) -> None:
        told.append(sentence)
        worker.execute("commit")

    monkeypatch.setattr(migrate, "_log", SimpleNamespace(info=release))
    assert migrate.migrate_on(migrating) == "9998"
    assert [one.partition(":")[0] for one in told] == ["a worker or API was in the way of the migration, which is tried again"]
    assert migrating.execute("select colour from entities").fetchall() == []


def test_a_migration_that_meets_it_each_time_changes_nothing_and_says_so(in_the_way, monkeypatch):
    _, migrating = in_the_way
    told = []
    monkeypatch.setattr(migrate, "_log", SimpleNamespace(info=told.append))
    with pytest.raises(Conflict, match="lock"):
        migrate.migrate_on(migrating)
    assert len(told) == migrate.TRIES - 1
    assert migrating.execute("select max(name) from elder_worker.migrations").fetchone()[0] < "9998"
