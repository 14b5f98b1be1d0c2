"""The guard counts all that can be lost: links and attributes too, by scope, by account, and over a day. What it holds back stays stored."""

from __future__ import annotations

import msgspec
import pytest
from store_runs import SCOPE, Link, Run, add_job, run_once

from providers.errors import Outcome
from providers.records import Resource, Scope
from worker.store import held, tombstones
from worker.store.connection import connect

MEMBERS = 40


def groups(count: int = 30, members: int = MEMBERS, **changes) -> list[Resource]:
    """Groups with members and an attribute; `changes` replace fields of each."""
    return [
        msgspec.structs.replace(
            Resource(
                f"group:{n}",
                "group",
                "ec2_instance",
                f"group {n}",
                {"mail": f"g{n}@x", "n": n},
                links=tuple(Link("has_member", f"user:{m}") for m in range(members)),
            ),
            **changes,
        )
        for n in range(count)
    ]


@pytest.fixture
def job(sql):
    return add_job(sql)


def links(sql) -> int:
    return sql.execute("select count(*) from dependencies").fetchone()[0]


def with_attribute(sql, key: str = "mail") -> int:
    return sql.execute("select count(*) from entities where attributes ? %s", [key]).fetchone()[0]


def held_of(database, run: int) -> list[dict]:
    with connect(database) as connection:
        return held.page(connection, 1, 10_000, run=run)[0]


def released(database, run: int) -> tombstones.Released:
    with connect(database) as connection:
        found = tombstones.release(connection, run)
    assert found is not None
    return found


def last_run(sql) -> int:
    return sql.execute("select max(id) from discovery_history").fetchone()[0]


class TestLinks:
    def test_case_dir_3_links_that_vanish_at_once_are_held_back_listed_and_released(self, database, sql, job):
        run_once(database, job, groups())
        run = Run(database, job)
        run.scope(groups(links=()))
        verdict = run.finish()

        assert links(sql) == 30 * MEMBERS
        assert (run.inventory.totals.held_links, run.inventory.totals.deleted) == (30 * MEMBERS, 0)
        assert verdict.error.startswith("1200 links were missing")
        listed = held_of(database, run.claimed.run_id)
        assert len(listed) == 1200
        assert {(one["kind"], one["name"], one["run_id"]) for one in listed} == {("link", "has_member", run.claimed.run_id)}
        assert listed[0]["target"].startswith("user:")
        assert listed[0]["held_at"] is not None
        assert sql.execute("select held_links, held_back from run_scopes where run_id = %s", [run.claimed.run_id]).fetchone() == (1200, 0)

        assert released(database, run.claimed.run_id) == (0, 1200, 0)
        assert links(sql) == 0
        assert held_of(database, run.claimed.run_id) == []

    def test_few_links_go_at_the_end_of_the_scope_and_not_before(self, database, sql, job):
        run_once(database, job, groups(1))
        run = Run(database, job)
        index = run.open(groups(1, members=MEMBERS - 3))
        run.inventory.flush()
        assert links(sql) == MEMBERS, "they wait"

        run.close(index, 1)
        run.finish()
        assert links(sql) == MEMBERS - 3

    def test_additions_are_stored_as_they_come(self, database, sql, job):
        run_once(database, job, groups(1, members=10))
        run = Run(database, job)
        run.open(groups(1, members=MEMBERS))
        run.inventory.flush()

        assert links(sql) == MEMBERS
        run.finish()

    def test_a_link_that_comes_back_is_held_no_more(self, database, sql, job):
        run_once(database, job, groups())
        run_once(database, job, groups(links=()))
        run_once(database, job, groups())

        assert held_of(database, last_run(sql)) == []
        assert sql.execute("select count(*) from elder_worker.losses").fetchone() == (0,)
        assert links(sql) == 1200

    def test_what_is_held_stays_held_while_nothing_changes_and_the_last_run_has_it(self, database, sql, job):
        run_once(database, job, groups())
        run_once(database, job, groups(links=()))
        first = {one["held_at"] for one in held_of(database, last_run(sql))}
        run_once(database, job, groups(links=()))

        again = held_of(database, last_run(sql))
        assert (len(again), {one["held_at"] for one in again}) == (1200, first)
        assert links(sql) == 1200

    def test_a_type_that_vanishes_is_held_beside_one_that_loses_little(self, database, sql, job):
        both = [msgspec.structs.replace(one, links=(*one.links, Link("owned_by", "user:0"))) for one in groups()]
        run_once(database, job, both)
        few = [msgspec.structs.replace(one, links=(Link("owned_by", "user:0"),) if n else ()) for n, one in enumerate(both)]
        totals = run_once(database, job, few)

        assert totals.held_links == 1200
        assert sql.execute("select count(*) from dependencies where dependency_type = 'owned_by'").fetchone() == (29,)

    def test_replaced_links_are_no_loss(self, database, sql, job):
        run_once(database, job, [msgspec.structs.replace(one, links=(Link("in_subnet", "a"),)) for one in groups(100)])
        totals = run_once(database, job, [msgspec.structs.replace(one, links=(Link("in_subnet", "b"),)) for one in groups(100)])

        assert totals.held_links == 0
        assert sql.execute("select distinct target_external_id from dependencies").fetchall() == [("b",)]

    def test_an_entity_has_one_parent(self, database, sql, job):
        for parent in ("a", "b"):
            run = Run(database, job)
            run.open(groups(50, links=(), parent=parent))
            run.inventory.flush()
            run.finish()
            assert sql.execute("select distinct target_external_id from dependencies").fetchall() == [(parent,)]

    def test_a_scope_that_is_not_read_in_full_lets_little_go_and_holds_much(self, database, sql, job):
        run_once(database, job, groups())
        run = Run(database, job)
        run.scope(groups(links=()), outcome=Outcome.DENIED)
        run.finish()

        assert (links(sql), run.inventory.totals.held_links) == (1200, 1200)

    def test_a_run_that_ended_before_its_scope_leaves_the_decision_to_the_next_one(self, database, sql, job):
        run_once(database, job, groups())
        run = Run(database, job)
        run.open(groups(links=()))
        run.inventory.flush()
        run.finish()
        assert links(sql) == 1200

        totals = run_once(database, job, groups(links=()))
        assert (totals.held_links, links(sql)) == (1200, 1200)


class TestAttributes:
    def test_case_dir_3_an_attribute_that_most_had_and_few_have_is_held_back(self, database, sql, job):
        run_once(database, job, groups(members=0))
        totals = run_once(database, job, groups(members=0, attributes={"n": 1}))

        assert (with_attribute(sql), totals.held_attributes) == (30, 30)
        assert {(one["kind"], one["name"]) for one in held_of(database, last_run(sql))} == {("attribute", "mail")}
        assert sql.execute("select count(*) from entity_changes where changes ? 'attributes.mail'").fetchone() == (0,)

        assert released(database, last_run(sql)) == (0, 0, 30)
        assert with_attribute(sql) == 0
        assert sql.execute("select changes from entity_changes where changes ? 'attributes.mail' limit 1").fetchone() == (
            {"attributes.mail": ["g0@x", None]},
        )

    @pytest.mark.parametrize("empty", [None, "", [], {}])
    def test_a_value_that_becomes_empty_is_lost(self, database, sql, job, empty):
        run_once(database, job, groups(members=0))
        totals = run_once(database, job, groups(members=0, attributes={"mail": empty, "n": 1}))

        assert totals.held_attributes == 30
        assert sql.execute("select count(*) from entities where attributes->>'mail' like '%@x'").fetchone() == (30,)
        released(database, last_run(sql))
        assert sql.execute("select distinct attributes->'mail' from entities").fetchall() == [(empty,)]

    def test_few_losses_are_applied_at_the_end_with_their_change(self, database, sql, job):
        run_once(database, job, groups(members=0))
        mixed = groups(members=0)
        mixed[:5] = [msgspec.structs.replace(one, attributes={"n": n}) for n, one in enumerate(mixed[:5])]
        totals = run_once(database, job, mixed)

        assert (with_attribute(sql), totals.held_attributes, totals.updated) == (25, 0, 5)
        assert sql.execute("select count(*) from entity_changes where changes->'attributes.mail'->>1 is null").fetchone() == (5,)

    def test_an_attribute_that_few_had_may_go(self, database, sql, job):
        some = [
            msgspec.structs.replace(one, attributes={**one.attributes, **({"ip": "1"} if n < 40 else {})})
            for n, one in enumerate(groups(100, 0))
        ]
        run_once(database, job, some)
        totals = run_once(database, job, groups(100, 0))

        assert (totals.held_attributes, with_attribute(sql, "ip")) == (0, 0)

    def test_another_version_of_the_catalogue_is_not_compared(self, database, sql, job):
        run_once(database, job, groups(), version="a")
        totals = run_once(database, job, groups(attributes={"n": 1}, links=()), version="b")

        assert (totals.held_attributes, totals.held_links, with_attribute(sql), links(sql)) == (0, 0, 0, 0)

    def test_what_is_held_stays_held_under_another_version(self, database, sql, job):
        run_once(database, job, groups(), version="a")
        run_once(database, job, groups(attributes={"n": 1}, links=()), version="a")
        totals = run_once(database, job, groups(attributes={"n": 2}, links=()), version="b")

        assert (totals.held_attributes, totals.held_links, with_attribute(sql), links(sql)) == (30, 1200, 30, 1200)


class TestManySmallLosses:
    def scope(self, n: int) -> Scope:
        return Scope("aws", "111", f"region-{n}", "ec2_instance")

    def small(self, scope: int, count: int) -> list[Resource]:
        return [Resource(f"i:{scope}:{n}", "compute", "ec2_instance", f"i {n}", {"n": n}) for n in range(count)]

    def test_many_small_scopes_do_not_pass_under_the_guard(self, database, sql, job):
        for counts in ([15] * 20, [0] * 20):
            run = Run(database, job)
            for n, count in enumerate(counts):
                run.scope(self.small(n, count), self.scope(n))
            run.finish()

        active = sql.execute("select count(*) from entities where is_active").fetchone()[0]
        assert (active, run.inventory.totals.held_back) == (270, 270), "the first 30 of 300 are a tenth"

    def test_repeated_runs_do_not_pass_under_the_guard(self, database, sql, job):
        for count in range(1000, 700, -20):
            run_once(database, job, self.small(0, count))

        active = sql.execute("select count(*) from entities where is_active").fetchone()[0]
        assert active == 900, "a tenth of 1,000 within a day"

    def test_what_comes_and_goes_is_no_loss_on_balance(self, database, sql, job):
        for generation in range(20):
            found = [Resource(f"pod:{n}", "compute", "ec2_instance", "pod", {}) for n in range(generation * 15, generation * 15 + 200)]
            totals = run_once(database, job, found)

        assert totals.held_back == 0
        assert sql.execute("select count(*) from entities where is_active").fetchone() == (200,)

    def test_a_day_later_it_is_compared_anew(self, database, sql, job):
        run_once(database, job, self.small(0, 1000))
        run_once(database, job, self.small(0, 910))
        assert run_once(database, job, self.small(0, 830)).held_back == 80
        sql.execute("update elder_worker.applied_losses set applied_at = applied_at - interval '25 hours'")

        assert run_once(database, job, self.small(0, 830)).held_back == 0

    def test_a_release_begins_the_day_anew(self, database, sql, job):
        run_once(database, job, self.small(0, 1000))
        run_once(database, job, self.small(0, 910))
        run_once(database, job, self.small(0, 800))
        assert released(database, last_run(sql)) == (110, 0, 0)

        assert run_once(database, job, self.small(0, 780)).held_back == 0

    def test_links_of_many_small_scopes(self, database, sql, job):
        for members in (5, 0):
            run = Run(database, job)
            for n in range(30):
                run.scope([msgspec.structs.replace(groups(1, members)[0], external_id=f"g:{n}")], self.scope(n))
            run.finish()

        assert links(sql) == 150 - 20, "20 are free"

    def test_another_account_has_a_day_of_its_own(self, database, sql, job):
        for count in (100, 91):
            run_once(database, job, self.small(0, count))
        other = Scope("aws", "222", "region-0", "ec2_instance")
        for count in (100, 91):
            totals = run_once(database, job, self.small(1, count), scope=other)

        assert totals.held_back == 0


def test_entities_that_are_held_keep_since_when(database, sql, job):
    run_once(database, job, groups(100, 0))
    run_once(database, job, groups(50, 0))
    since = {one["held_at"] for one in held_of(database, last_run(sql))}
    run_once(database, job, groups(40, 0))

    listed = held_of(database, last_run(sql))
    assert (len(listed), sum(one["held_at"] in since for one in listed)) == (60, 50)
    assert SCOPE.resource_type == listed[0]["sub_type"]
