"""Migrations that give rows another id: the next reading finds what is there."""

from __future__ import annotations

import pathlib

from store_runs import add_job, run_once

import worker.store
from providers.records import Link, Resource, Scope
from worker.store import migrate

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
