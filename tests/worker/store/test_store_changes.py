"""The change feed: every entity that a run created, updated, deleted or restored is in it, and in no other run's."""

from __future__ import annotations

import msgspec
import pytest
from store_runs import SCOPE, Run, add_job, resources, run_once

from providers.records import Resource, Scope
from worker.store import changes, entities, run_writes
from worker.store.connection import connect
from worker.store.entity_list import Place


@pytest.fixture
def job(sql):
    return add_job(sql)


def feed(database, size: int = 1000, number: int = 1, **filters):
    with connect(database) as connection:
        return changes.page(connection, number, size, filters)


def operations(database, run: int) -> dict[str, set[str]]:
    found, total = feed(database, run_id=run)
    assert len(found) == total
    by_operation: dict[str, set[str]] = {}
    for one in found:
        by_operation.setdefault(one["operation"], set()).add(one["external_id"])
    assert sum(map(len, by_operation.values())) == total, "each once"
    return by_operation


def runs(sql) -> list[int]:
    return [run for (run,) in sql.execute("select id from discovery_history order by id")]


def test_case_eng_14_a_run_shows_the_entities_that_it_created(database, sql, job):
    run_once(database, job, resources(3))

    [run] = runs(sql)
    assert operations(database, run) == {"created": {"arn:ec2_instance:0", "arn:ec2_instance:1", "arn:ec2_instance:2"}}
    assert feed(database, operation="created", run_id=run)[1] == 3
    assert feed(database, operation="updated", run_id=run) == ([], 0)
    assert feed(database, run_id=run + 1) == ([], 0)


def test_case_eng_14_created_updated_deleted_and_restored_are_each_their_runs(database, sql, job):
    run_once(database, job, resources(3))
    changed = [msgspec.structs.replace(one, name="new") for one in resources(2)]
    run_once(database, job, changed + resources(5)[3:])
    run_once(database, job, changed + resources(5)[2:])

    first, second, third = (operations(database, run) for run in runs(sql))
    assert first == {"created": {f"arn:ec2_instance:{n}" for n in range(3)}}
    assert second == {
        "created": {"arn:ec2_instance:3", "arn:ec2_instance:4"},
        "updated": {"arn:ec2_instance:0", "arn:ec2_instance:1"},
        "deleted": {"arn:ec2_instance:2"},
    }
    assert third == {"restored": {"arn:ec2_instance:2"}}


def test_case_eng_14_runs_at_the_same_time_have_each_their_own(database, sql, job):
    """Their ids lie between each other's."""
    other = Scope("aws", "222", "us-east-1", "vpc")
    both = [Run(database, job), Run(database, add_job(sql))]
    for batch in range(5):
        for run, scope, kind in zip(both, (SCOPE, other), ("ec2_instance", "vpc"), strict=True):
            run.open([Resource(f"{kind}:{batch}:{n}", "compute", kind, "x", {}) for n in range(20)], scope)
            run.inventory.flush()
    for run in both:
        run.finish()

    for run, kind in zip(both, ("ec2_instance", "vpc"), strict=True):
        found = operations(database, run.claimed.run_id)
        assert found == {"created": {f"{kind}:{batch}:{n}" for batch in range(5) for n in range(20)}}


def test_case_eng_14_what_a_merge_creates_is_recorded_too(database, sql, job):
    """Twice in one batch: such a batch cannot be copied."""
    run_once(database, job, resources(10) + resources(10))

    assert len(operations(database, runs(sql)[0])["created"]) == 10


def test_pages_have_each_change_once_the_latest_first(database, sql, job):
    for count in (30, 50, 45):
        run_once(database, job, [msgspec.structs.replace(one, name=f"{count}") for one in resources(count)])

    pages = [feed(database, size=20, number=number)[0] for number in range(1, 9)]
    found = [one for page in pages for one in page]
    _, total = feed(database)
    assert len(found) == total == 30 + (20 + 30) + (45 + 5)
    assert len({one["id"] for one in found}) == total
    assert [one["changed_at"] for one in found] == sorted((one["changed_at"] for one in found), reverse=True)


def test_an_entity_begins_with_its_creation(database, sql, job):
    run_once(database, job, resources(3))
    run_once(database, job, [msgspec.structs.replace(one, name="new") for one in resources(3)])
    entity = sql.execute("select id from entities where external_id = 'arn:ec2_instance:1'").fetchone()[0]

    with connect(database) as connection:
        latest = changes.latest(connection, entity)
    assert [one["operation"] for one in latest] == ["updated", "created"]
    assert [one["run_id"] for one in latest] == runs(sql)[::-1]
    assert feed(database, entity_id=entity)[1] == 2


def test_after_another_version_of_the_catalogue_only_what_the_source_changed_is_a_change(database, sql):
    job = add_job(sql)
    mark = "***REDACTED***"
    before = {"state": "running", "moves": 1, "list": [{"a": 1, "t": 9}, {"a": 2}], "secret": "x", "dn": "CN=A\\, B,DC=c", "size": {"n": 1}}
    after = {"state": "running", "new": 1, "list": [{"a": 2}, {"a": 1}], "secret": mark, "dn": "cn=a\\2C b,dc=c", "size": {"n": 1, "m": 2}}
    one = Resource("i-1", "compute", "old_name", "one", before, {"team": "a"})
    two = Resource("i-2", "compute", "old_name", "two", before, {"team": "a"})
    changed = {**after, "state": "stopped", "size": {"n": 2}}
    run_once(database, job, [one, two], version="1")
    sql.execute("update discovery_jobs set next_run_at = now()")
    at = dict(sql.execute("select external_id, changed_at from entities").fetchall())
    totals = run_once(
        database,
        job,
        [
            msgspec.structs.replace(one, sub_type="new_name", attributes=after),
            msgspec.structs.replace(two, sub_type="new_name", attributes=changed, tags={"team": "b"}),
        ],
        version="2",
    )
    found = sql.execute("select changes from entity_changes where operation = 'updated'").fetchall()
    assert found == [
        ({"attributes.state": ["running", "stopped"], "attributes.size": [{"n": 1}, {"n": 2}], "tags.team": ["a", "b"]},),
    ]
    assert (totals.updated, totals.unchanged) == (1, 1)
    now = dict(sql.execute("select external_id, changed_at from entities").fetchall())
    assert (now["i-1"] == at["i-1"], now["i-2"] > at["i-2"]) == (True, True)
    assert sql.execute("select distinct sub_type, attributes ->> 'secret' from entities").fetchall() == [("new_name", mark)]


def test_many_changes_are_counted_to_a_bound_and_listed_all_the_same(database, sql, job):
    run_once(database, job, resources(5))
    run_once(database, job, [msgspec.structs.replace(one, name="new") for one in resources(5)])
    with connect(database) as connection:
        exact, counted = changes.page(connection, 1, 100, {"provider": "aws"})
        bounded, most = changes.page(connection, 1, 2, {"provider": "aws"}, 2)
    assert (len(exact), counted) == (10, 10)
    assert bounded == exact[:2]
    assert 2 < most < 10, "so that more than the bound is told from the bound"


@pytest.mark.parametrize("few", [0, 100], ids=["many", "few"])
def test_the_changes_of_a_job_are_its_own_however_many_it_has(database, sql, job, monkeypatch, few):
    monkeypatch.setattr(changes, "FEW", few)
    run_once(database, job, resources(3))
    run_once(database, job, [msgspec.structs.replace(one, name="new") for one in resources(3)])
    [other] = sql.execute("insert into discovery_jobs (name, provider, config) values ('other', 'aws', '{}') returning id").fetchone()
    [run] = sql.execute("insert into discovery_history (job_id, status) values (%s, 'completed') returning id", [other]).fetchone()
    [entity] = sql.execute("select min(id) from entities").fetchone()
    sql.execute("insert into entity_changes (entity_id, run_id, operation) values (%s, %s, 'deleted')", [entity, run])
    with connect(database) as connection:
        assert [row["operation"] for row in changes.page(connection, 1, 100, {"job_id": other})[0]] == ["deleted"]
        mine, counted = changes.page(connection, 1, 100, {"job_id": job})
        assert [row["operation"] for row in mine] == ["updated"] * 3 + ["created"] * 3
        assert counted == 6
        assert [row["id"] for row in changes.behind(connection, 100, {"job_id": job}, None)] == [row["id"] for row in mine]
        assert changes.page(connection, 1, 100, {"job_id": 0}) == ([], 0)


def test_a_page_behind_the_last_has_no_changes_and_the_number_of_all(database, sql, job):
    run_once(database, job, resources(5))
    with connect(database) as connection:
        assert changes.page(connection, 9, 100, {}) == ([], 5)


def by_place(database, size: int, **filters) -> list[int]:
    """Ids of all changes, read so many at a time, each from the place of the last one on."""
    found, place = [], None
    with connect(database) as connection:
        while rows := changes.behind(connection, size, filters, place):
            assert len(rows) <= size
            found += [row["id"] for row in rows]
            place = Place(rows[-1]["changed_at"], rows[-1]["id"])
            if len(rows) < size:  # the end, as the API tells it
                assert not changes.behind(connection, size, filters, place)
    return found


@pytest.fixture
def history(database, sql, job, monkeypatch):
    """Changes of several runs of two types: many ranges of created entities at one moment, changes at that moment, and entities that are gone."""
    monkeypatch.setattr(run_writes, "BATCH_ROWS", 7)
    other = Scope("aws", "222", "us-east-1", "vpc")
    vpcs = [Resource(f"vpc:{n}", "network", "vpc", "x", {}) for n in range(20)]
    for step in range(4):
        run = Run(database, job)
        run.open([msgspec.structs.replace(one, name=f"step {step}") for one in resources(30)[step : 10 + 7 * step]], SCOPE)
        run.open(vpcs[: 5 * step + 5], other)
        run.finish()
    sql.execute("update elder_worker.created set created_at = (select max(created_at) from elder_worker.created) where first_id > 5")
    sql.execute(
        "update entities e set first_seen_at = c.created_at from elder_worker.created c where e.id between c.first_id and c.last_id"
    )
    sql.execute("update entity_changes set changed_at = (select max(created_at) from elder_worker.created) where id % 3 = 0")
    sql.execute("delete from entity_changes where entity_id in (select id from entities where id % 4 = 1)")
    sql.execute("delete from dependencies")
    sql.execute("delete from entities where id % 4 = 1")  # as retention does: ranges say more than there is


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"sub_type": "vpc"},
        {"operation": "created"},
        {"operation": "updated"},
        {"provider": "aws"},
        {"operation": "created", "sub_type": "vpc"},
    ],
)
@pytest.mark.parametrize("size", [1, 2, 7, 50])
def test_from_place_to_place_each_change_comes_once(database, history, filters, size):
    everything = [row["id"] for row in feed(database, **filters)[0]]
    assert len(everything) > 5
    assert len({*everything}) == len(everything)
    assert by_place(database, size, **filters) == everything


def test_pages_by_number_go_on_past_entities_that_are_removed(database, history):
    everything = [row["id"] for row in feed(database)[0]]
    paged = [row["id"] for number in range(1, 30) for row in feed(database, 7, number)[0]]
    assert paged == everything


def test_changes_within_a_day_are_counted_by_type_the_latest_of_them(database, sql, job):
    run_once(database, job, resources(4))
    sql.execute("update elder_worker.created set created_at = now() - interval '2 days'")
    sql.execute("update elder_worker.entity_counts set first_seen_at = now() - interval '2 days'")
    changed = [msgspec.structs.replace(one, name="new") for one in resources(2)]
    run_once(database, job, changed + resources(5)[3:])  # two updated, the third deleted, the fifth created
    run_once(database, job, changed + resources(5)[2:])  # the third restored
    old = msgspec.structs.replace(SCOPE, resource_type="vpc")
    run = Run(database, job)
    run.scope(changed + resources(5)[2:])
    run.scope(resources(2, kind="vpc"), old)
    run.finish()

    with connect(database) as connection:
        counted, limit = changes.by_type(connection, entities.summary(connection))
        few, reached = changes.by_type(connection, [], 2)
    shown = {one["sub_type"]: [one[name] for name in changes.OPERATIONS] for one in counted}
    assert shown == {"ec2_instance": [1, 2, 1, 1], "vpc": [2, 0, 0, 0]}
    assert [one["sub_type"] for one in counted] == ["ec2_instance", "vpc"], "the type with the most first"
    assert (limit, reached) == (None, 2)
    assert [[one[name] for name in changes.OPERATIONS] for one in few] == [[0, 0, 1, 1]], "the latest two"
    sql.execute("update entity_changes set changed_at = now() - interval '25 hours'")
    with connect(database) as connection:
        assert changes.by_type(connection, []) == ([], None)
