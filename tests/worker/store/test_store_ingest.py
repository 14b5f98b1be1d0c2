"""Ingest: identity by the vendor's id, unchanged means unwritten, one bad record does not cost its batch."""

from __future__ import annotations

import msgspec
import pytest
from store_runs import SCOPE, Link, Run, add_job, raws, resources, run_once

from providers.errors import Outcome
from providers.records import Resource, Scope
from worker.run import wire
from worker.run.inventory import InventoryError
from worker.run.outcome import Status, Verdict
from worker.store import claims
from worker.store.connection import connect
from worker.store.tombstones import release


@pytest.fixture
def job(sql):
    return add_job(sql)


def row_versions(sql):
    return sql.execute("select id, xmin::text from entities order by id").fetchall()


def test_a_first_run_stores_everything(database, sql, job):
    totals = run_once(database, job, resources(2500))
    assert (totals.created, totals.updated, totals.unchanged, totals.resources) == (2500, 0, 0, 2500)
    row = sql.execute(
        "select name, entity_type, sub_type, provider, account, region, attributes, tags from entities where external_id = 'arn:ec2_instance:7'"
    ).fetchone()
    assert row == ("name 7", "compute", "ec2_instance", "aws", "111", "us-east-1", {"n": 7, "state": "running"}, {"team": "a"})
    history = sql.execute(
        "select status, entities_discovered, entities_created, completed_at >= started_at from discovery_history"
    ).fetchall()
    assert history == [("completed", 2500, 2500, True)]


def test_an_identical_second_run_writes_no_entity_row(database, sql, job):
    run_once(database, job, resources(1000))
    before = row_versions(sql)
    totals = run_once(database, job, list(reversed(resources(1000))))
    assert (totals.created, totals.updated, totals.unchanged) == (0, 0, 1000)
    assert row_versions(sql) == before


def test_only_what_changed_is_written_with_its_history(database, sql, job):
    run_once(database, job, resources(100))
    changed = resources(100)
    changed[3] = Resource("arn:ec2_instance:3", "compute", "ec2_instance", "new name", {"n": 3, "state": "stopped"}, {})
    totals = run_once(database, job, changed)
    assert (totals.created, totals.updated, totals.unchanged) == (0, 1, 99)
    [(operation, changes)] = sql.execute("select operation, changes from entity_changes").fetchall()
    assert operation == "updated"
    assert changes == {"name": ["name 3", "new name"], "attributes.state": ["running", "stopped"], "tags.team": ["a", None]}


def test_same_names_are_not_the_same_things(database, sql, job):
    found = [Resource(f"i-{n}", "compute", "ec2_instance", "same name", {}) for n in range(5)]
    assert run_once(database, job, found).created == 5


def test_a_record_twice_in_one_run_is_one_row(database, sql, job):
    totals = run_once(database, job, resources(10) + resources(10))
    assert sql.execute("select count(*) from entities").fetchone() == (10,)
    assert totals.created == 10


def test_two_scopes_of_one_run(database, sql, job):
    run = Run(database, job)
    run.scope(resources(10))
    run.scope(resources(5, kind="vpc"), Scope("aws", "111", "us-east-1", "vpc"))
    run.finish()
    assert sql.execute("select resource_type, outcome, resources from run_scopes order by 1").fetchall() == [
        ("ec2_instance", "complete", 10),
        ("vpc", "complete", 5),
    ]


def nested(levels: int) -> dict:
    return {"a": nested(levels - 1)} if levels > 1 else {}


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param({"attributes": {"text": "a\0b"}}, id="nul_in_attributes"),
        pytest.param({"name": "a\0b"}, id="nul_in_name"),
        pytest.param({"external_id": "x" * 3000}, id="external_id_too_long"),
        pytest.param({"external_id": ""}, id="no_external_id"),
        pytest.param({"attributes": nested(501)}, id="nested_too_deeply"),
    ],
)
def test_e13_one_bad_record_is_refused_and_the_batch_lands(database, sql, job, bad):
    found = resources(50)
    found[20] = Resource(**{"external_id": "bad", "entity_type": "compute", "sub_type": "ec2_instance", "name": "bad", **bad})
    totals = run_once(database, job, found)
    assert (totals.created, totals.rejected) == (49, 1)
    [(message,)] = sql.execute("select message from run_scopes").fetchall()
    assert "1 resource was refused" in message
    assert sql.execute("select entities_rejected from discovery_history").fetchone() == (1,)


@pytest.mark.parametrize("value", [nested(499), ["[{"] * 600, [{}] * 600], ids=["deep", "brackets_in_strings", "brackets_side_by_side"])
def test_e13_what_only_looks_too_deep_is_stored(database, sql, job, value):
    assert run_once(database, job, [Resource("odd", "compute", "ec2_instance", "n", {"value": value})]).created == 1
    assert sql.execute("select attributes->'value' from entities").fetchone() == (value,)


@pytest.mark.parametrize("value", ['é"\t\n\r', "\\N", "'; drop table entities; --", {"a": [None, True, {"b": "\\"}]}, 2**63 - 1])
def test_e13_odd_values_are_stored_as_they_are(database, sql, job, value):
    run_once(database, job, [Resource("odd", "compute", "ec2_instance", "n\t\\", {"value": value})])
    assert sql.execute("select name, attributes->'value' from entities").fetchone() == ("n\t\\", value)


def test_e13_numbers_beyond_64_bits_are_kept_exactly(database, sql, job):
    run = Run(database, job)
    run.inventory.begin(0, SCOPE)
    line = f'["odd","compute","ec2_instance","n",{{"value":{2**80}}},{{}},[],"","",""]'
    run.inventory.records(0, [msgspec.Raw(line.encode())])
    run.inventory.end(wire.ScopeEnd(index=0, outcome=Outcome.COMPLETE, resources=1))
    run.finish()
    assert sql.execute("select attributes->>'value' from entities").fetchone() == (str(2**80),)


def test_what_is_no_resource_is_counted_and_the_first_is_told(database, sql, job):
    run = Run(database, job)
    run.inventory.begin(0, SCOPE)
    run.inventory.records(0, [msgspec.Raw(b'{"no": %d}' % number) for number in range(30)] + raws(resources(3)))
    run.inventory.end(wire.ScopeEnd(index=0, outcome=Outcome.COMPLETE, resources=33))
    run.finish()

    assert (run.inventory.totals.rejected, run.inventory.totals.created) == (30, 3)
    [(message,)] = sql.execute("select message from run_scopes").fetchall()
    assert "30 resources were refused" in message
    assert '{"no": 0}: not a resource' in message


def test_a_job_that_rejects_without_a_reason_is_believed(database, sql, job):
    run_once(database, job, resources(3), rejected=2)

    [(message,)] = sql.execute("select message from run_scopes").fetchall()
    assert "2 resources were refused" in message
    assert "its reason was not told" in message


def test_a_refused_record_forbids_tombstones_in_its_scope(database, sql, job):
    run_once(database, job, resources(5))
    run_once(database, job, [*resources(3), Resource("", "compute", "ec2_instance", "no id")])
    assert sql.execute("select count(*) from entities where is_active").fetchone() == (5,)


def test_what_has_gone_is_marked_and_comes_back(database, sql, job):
    run_once(database, job, resources(30))
    assert run_once(database, job, resources(28)).deleted == 2
    assert sql.execute("select count(*) from entities where not is_active and deleted_at is not null").fetchone() == (2,)
    totals = run_once(database, job, resources(30))
    assert totals.updated == 2
    assert sql.execute("select count(*) from entities where is_active and deleted_at is null").fetchone() == (30,)
    assert sql.execute("select operation, count(*) from entity_changes group by 1 order by 1").fetchall() == [
        ("deleted", 2),
        ("restored", 2),
    ]


@pytest.mark.parametrize("outcome", [o for o in Outcome if o is not Outcome.COMPLETE])
def test_f01_a_scope_that_was_not_read_in_full_deletes_nothing(database, sql, job, outcome):
    run_once(database, job, resources(5))
    run_once(database, job, [], outcome=outcome)
    assert sql.execute("select count(*) from entities where is_active").fetchone() == (5,)


def test_f02_an_empty_success_where_there_was_plenty_is_held_back_and_can_be_released(database, sql, job):
    run_once(database, job, resources(100))
    run = Run(database, job)
    run.scope([])
    verdict = run.finish()
    assert run.inventory.totals.held_back == 100
    assert verdict.error.endswith(f"released by `elder runs release {run.claimed.run_id}`")
    assert sql.execute("select count(*) from entities where is_active").fetchone() == (100,)
    with connect(database) as connection:
        assert release(connection, run.claimed.run_id) == (100, 0, 0)
        assert release(connection, run.claimed.run_id) == (0, 0, 0)
    assert sql.execute("select count(*) from entities where is_active").fetchone() == (0,)
    assert sql.execute("select deleted, held_back from run_scopes where run_id = %s", [run.claimed.run_id]).fetchone() == (100, 0)


def test_f03_a_drop_below_the_guard_goes_through(database, sql, job):
    run_once(database, job, resources(1000))
    assert run_once(database, job, resources(950)).deleted == 50


def test_what_was_held_back_and_is_seen_again_is_not_released(database, sql, job):
    run_once(database, job, resources(100))
    run = Run(database, job)
    run.scope([])
    run.finish()
    run_once(database, job, resources(100))
    with connect(database) as connection:
        assert release(connection, run.claimed.run_id) == (0, 0, 0)
    assert sql.execute("select count(*) from entities where is_active").fetchone() == (100,)


def test_a_scope_tombstones_only_what_it_covers(database, sql, job):
    other = Scope("aws", "111", "eu-west-1", "ec2_instance")
    run_once(database, job, resources(10))
    run_once(database, job, resources(5, kind="other"), scope=other)
    run_once(database, job, [], scope=other)
    assert sql.execute("select region, count(*) from entities where is_active group by 1").fetchall() == [("us-east-1", 10)]


def test_links_that_were_read_in_part_are_added_and_none_is_taken_away(database, sql, job):
    def user(*groups, parent="unit-1", partial=False):
        return Resource(
            "u", "user", "user", "u", links=tuple(Link("member_of", group) for group in groups), parent=parent, links_partial=partial
        )

    def linked():
        return sql.execute("select dependency_type, target_external_id from dependencies order by 1, 2").fetchall()

    run_once(database, job, [user("a", "b")])
    run_once(database, job, [user("b", "c", parent="unit-2", partial=True)])
    assert linked() == [("member_of", "a"), ("member_of", "b"), ("member_of", "c"), ("parent", "unit-2")]
    run_once(database, job, [user("b", "c", parent="unit-2")])
    assert linked() == [("member_of", "b"), ("member_of", "c"), ("parent", "unit-2")]


def test_case_k8s_6_a_parent_that_could_not_be_looked_up_is_kept(database, sql, job):
    def pod(parent, partial):
        return Resource("p", "workload", "k8s_pod", "p", parent=parent, links_partial=partial)

    run_once(database, job, [pod("namespace", partial=False)])
    run_once(database, job, [pod("", partial=True)])
    assert sql.execute("select dependency_type, target_external_id from dependencies").fetchall() == [("parent", "namespace")]


def test_links_wait_for_their_target_and_follow_changes(database, sql, job):
    subnet = Resource("subnet-1", "subnet", "subnet", "s")
    vm = Resource("vm-1", "compute", "ec2_instance", "v", links=(Link("in_subnet", "subnet-1"), Link("in_vpc", "vpc-1")), parent="subnet-1")
    run_once(database, job, [vm])
    assert sql.execute("select count(*) from dependencies where target_id is null").fetchone() == (3,)
    run_once(database, job, [subnet], scope=Scope("aws", "111", "us-east-1", "subnet"))
    found = sql.execute(
        "select d.dependency_type, t.external_id from dependencies d left join entities t on t.id = d.target_id order by 1"
    ).fetchall()
    assert found == [("in_subnet", "subnet-1"), ("in_vpc", None), ("parent", "subnet-1")]
    assert sql.execute(
        "select p.external_id from entities e join entities p on p.id = e.parent_id where e.external_id = 'vm-1'"
    ).fetchone() == ("subnet-1",)
    run_once(database, job, [Resource("vm-1", "compute", "ec2_instance", "v", links=(Link("in_vpc", "vpc-1"),))])
    assert sql.execute("select dependency_type from dependencies").fetchall() == [("in_vpc",)]


def test_what_arrived_before_the_end_is_kept_and_counted(database, sql, job):
    run = Run(database, job)
    run.open(resources(40))
    run.inventory.flush()
    run.finish(Verdict(Status.ERROR, "timeout", "too long"))
    assert sql.execute("select status, error_kind, error, entities_discovered, entities_created from discovery_history").fetchall() == [
        ("error", "timeout", "too long", 40, 40)
    ]
    assert sql.execute("select count(*) from entities where is_active").fetchone() == (40,)


def test_e07_a_late_writer_is_refused_and_writes_nothing(database, sql, job):
    run = Run(database, job)
    index = run.open(resources(10))
    sql.execute("update elder_worker.claims set expires_at = now() - interval '1 s'")
    with connect(database) as connection:
        assert len(claims.sweep(connection)) == 1
    with pytest.raises(InventoryError) as caught:
        run.inventory.flush()
    assert caught.value.error_kind == "lost"
    with pytest.raises(InventoryError):
        run.finish()
    assert index == 0
    assert sql.execute("select count(*) from entities").fetchone() == (0,)
    assert sql.execute("select status, error_kind from discovery_history").fetchall() == [("error", "lost")]


def test_a_job_without_an_organization_goes_where_it_is_told(database, sql):
    sql.execute("insert into organizations (id, name) values (1, 'default')")
    run_once(database, add_job(sql, organization=None), resources(3))
    assert sql.execute("select distinct organization_id from entities").fetchall() == [(1,)]


def test_f10_the_order_of_the_answers_makes_no_difference(database, sql):
    """The cut into batches makes no difference either."""
    found = [*resources(400), *resources(50, kind="other")]
    checksum = (
        "select md5(string_agg(concat_ws('|', external_id, name, sub_type, attributes, tags, content, region), ',' order by external_id)) "
        "from entities where organization_id = %s"
    )
    sums = set()
    for organization, step in ((11, 1), (12, -1), (13, 7)):
        sql.execute("insert into organizations (id, name) values (%s, 'one')", [organization])
        run = Run(database, add_job(sql, organization=organization))
        shuffled = [one for start in range(abs(step)) for one in found[start :: abs(step)]][:: 1 if step > 0 else -1]
        index = run.open(shuffled[:30])
        run.inventory.flush()
        run.inventory.records(index, raws(shuffled[30:]))
        run.inventory.end(wire.ScopeEnd(index=index, outcome=Outcome.COMPLETE, resources=len(found)))
        run.finish()
        sums.add(sql.execute(checksum, [organization]).fetchone())
    assert len(sums) == 1
    assert sql.execute("select count(*) from entities").fetchone() == (3 * 450,)


def test_what_an_incomplete_scope_has_shown_is_held_no_more(database, sql, job):
    """A person may release what was held; not what was seen again, though the reading came to no end."""
    run_once(database, job, resources(100))
    run = Run(database, job)
    run.scope([])
    run.finish()
    run_once(database, job, resources(40), outcome=Outcome.THROTTLED)
    with connect(database) as connection:
        assert release(connection, run.claimed.run_id) == (60, 0, 0)
    assert sql.execute("select count(*) from entities where is_active").fetchone() == (40,)
