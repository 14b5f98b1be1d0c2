"""Resources that were read in part: what could not be read keeps its last stored value, and is neither a change nor a loss."""

from __future__ import annotations

import msgspec
import pytest
from store_runs import Run, add_job, run_once

from providers.records import Link, Resource

BUCKET = "arn:aws:s3:::logs"
WHOLE = {"Policy": {"Statement": ["a"]}, "Versioning": "Enabled", "Size": 1}


def bucket(name: str = BUCKET, unreadable: tuple[str, ...] = (), **changes) -> Resource:
    attributes = {key: value for key, value in {**WHOLE, **changes}.items() if key not in unreadable}
    return Resource(name, "storage", "s3_bucket", name, attributes | ({"Unreadable": sorted(unreadable)} if unreadable else {}))


@pytest.fixture
def job(sql):
    return add_job(sql)


def stored(sql, name: str = BUCKET) -> dict:
    return sql.execute("select attributes from entities where external_id = %s", [name]).fetchone()[0]


def changes(sql) -> list:
    return [row[0] for row in sql.execute("select changes from entity_changes where operation = 'updated' order by id")]


def test_case_aws_7_what_cannot_be_read_keeps_its_last_value_and_is_no_change(database, sql, job):
    run_once(database, job, [bucket(), bucket("other")])
    changed_at = sql.execute("select changed_at from entities where external_id = %s", [BUCKET]).fetchone()

    totals = run_once(database, job, [bucket(unreadable=("Policy",)), bucket("other")])

    assert stored(sql) == {**WHOLE, "Unreadable": ["Policy"]}
    assert (totals.created, totals.updated, totals.unchanged, totals.deleted) == (0, 0, 2, 0)
    assert changes(sql) == []
    assert sql.execute("select changed_at from entities where external_id = %s", [BUCKET]).fetchone() == changed_at


def test_case_aws_7_a_row_read_in_part_is_written_once_and_not_at_every_run(database, sql, job):
    versions = []
    run_once(database, job, [bucket()])
    for _ in range(3):
        run_once(database, job, [bucket(unreadable=("Policy", "Versioning"))])
        versions.append(sql.execute("select xmin::text from entities").fetchall())

    assert versions[0] == versions[1] == versions[2]


def test_case_aws_7_it_comes_and_goes(database, sql, job):
    for unreadable in ((), ("Policy",), ("Policy", "Versioning"), ("Versioning",), ()):
        run_once(database, job, [bucket(unreadable=unreadable)])
        assert stored(sql) == {**WHOLE, **({"Unreadable": list(unreadable)} if unreadable else {})}

    assert changes(sql) == []


def test_case_aws_7_what_was_read_meanwhile_is_stored_and_what_changed_unseen_is_a_change_when_it_is_readable(database, sql, job):
    run_once(database, job, [bucket()])
    totals = run_once(database, job, [bucket(unreadable=("Policy",), Size=2)])
    assert (totals.updated, stored(sql)["Size"], stored(sql)["Policy"]) == (1, 2, WHOLE["Policy"])

    run_once(database, job, [bucket(Policy="new", Size=2)])

    assert changes(sql) == [{"attributes.Size": [1, 2]}, {"attributes.Policy": [WHOLE["Policy"], "new"]}]
    assert "Unreadable" not in stored(sql)


def test_case_aws_7_a_new_entity_lacks_them_until_they_are_read(database, sql, job):
    run_once(database, job, [bucket(unreadable=("Policy",))])
    assert stored(sql) == {"Versioning": "Enabled", "Size": 1, "Unreadable": ["Policy"]}

    run_once(database, job, [bucket()])
    assert changes(sql) == [{"attributes.Policy": [None, WHOLE["Policy"]]}]


def test_case_aws_7_a_key_that_is_listed_and_read_in_part_keeps_its_stored_value(database, sql, job):
    run_once(database, job, [bucket()])
    half = Resource(BUCKET, "storage", "s3_bucket", BUCKET, {**WHOLE, "Policy": "half of it", "Unreadable": ["Policy"]})
    run_once(database, job, [half])

    assert (stored(sql)["Policy"], changes(sql)) == (WHOLE["Policy"], [])


@pytest.mark.parametrize("odd", ["Policy", 7, {"Policy": 1}, None, [7, None], []])
def test_an_attribute_of_that_name_that_is_no_list_of_keys_is_an_attribute_like_others(database, sql, job, odd):
    run_once(database, job, [bucket()])
    run_once(database, job, [Resource(BUCKET, "storage", "s3_bucket", BUCKET, {"Size": 2, "Unreadable": odd})])

    assert stored(sql) == {"Size": 2, "Unreadable": odd}


def test_case_aws_7_links_and_the_other_resources_are_not_held_up(database, sql, job):
    linked = msgspec.structs.replace(bucket(), links=(Link("uses", "other"),))
    run_once(database, job, [linked, bucket("other"), bucket("third")])
    unlinked = bucket(unreadable=("Policy",))
    totals = run_once(database, job, [unlinked, bucket("other", Size=3)])

    assert (totals.updated, totals.deleted) == (1, 1)
    assert sql.execute("select count(*) from dependencies").fetchone() == (0,)


def test_case_aws_7_a_tombstoned_entity_that_comes_back_in_part_has_its_last_values(database, sql, job):
    run_once(database, job, [bucket(), bucket("other")])
    run_once(database, job, [bucket("other")])
    run = Run(database, job)
    run.scope([bucket(unreadable=("Policy",)), bucket("other")])
    run.finish()

    assert stored(sql) == {**WHOLE, "Unreadable": ["Policy"]}
    assert sql.execute("select operation, changes from entity_changes order by id desc limit 1").fetchone() == ("restored", {})


def test_case_aws_7_tags_that_cannot_be_read_stay_and_so_does_the_name_that_is_one(database, sql, job):
    named = msgspec.structs.replace(bucket(), name="shop", tags={"Name": "shop", "team": "a"})
    run_once(database, job, [named])
    partly = msgspec.structs.replace(bucket(unreadable=("tags",)), name="last part of the id")
    totals = run_once(database, job, [partly])

    assert sql.execute("select name, tags from entities").fetchone() == ("shop", {"Name": "shop", "team": "a"})
    assert (totals.updated, totals.unchanged, changes(sql)) == (0, 1, [])
