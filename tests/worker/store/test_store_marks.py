"""Batch marks: a batch that came before costs one hash, and whatever has touched the scope since makes every batch be searched again."""

from __future__ import annotations

import random

import pytest
from store_runs import SCOPE, Run, add_job, resources, run_once

from providers.errors import Outcome
from providers.records import Resource, Scope
from worker.run.outcome import Status, Verdict
from worker.store import guard, lifecycle, marks, open_scope, scopes, tombstones
from worker.store.connection import connect
from worker.store.purge import purge

WEST = Scope("aws", "111", "us-west-2", "ec2_instance")


@pytest.fixture
def job(sql):
    return add_job(sql)


def read(database, job, found, scope=SCOPE, outcome=Outcome.COMPLETE, *, share=0.1, **more) -> Run:
    """A run that reads one scope in batches of 500."""
    run = Run(database, job, guard=share)
    run.scope(found, scope, outcome, **more)
    run.finish()
    return run


def rows(sql):
    return sql.execute("select id, xmin::text from entities order by id").fetchall()


def active(sql) -> int:
    return sql.execute("select count(*) from entities where is_active").fetchone()[0]


def marked(sql) -> bool:
    return sql.execute("select marks_run is not null from elder_worker.scopes where region = 'us-east-1'").fetchone()[0]


def forbid_search(monkeypatch):
    def searched(*_):
        raise AssertionError("the scope's fingerprints were loaded")

    monkeypatch.setattr(scopes, "fingerprints", searched)


def test_an_identical_reading_recognises_every_batch_and_loads_nothing(database, sql, job, monkeypatch):
    read(database, job, resources(1200))
    before = rows(sql)
    forbid_search(monkeypatch)
    for _ in range(2):
        run = read(database, job, resources(1200))
        assert run.repeated == 1200
        assert (run.inventory.totals.resources, run.inventory.totals.unchanged, run.inventory.totals.deleted) == (1200, 1200, 0)
    assert rows(sql) == before
    assert sql.execute("select outcome, resources from run_scopes order by run_id desc limit 1").fetchone() == ("complete", 1200)
    assert sql.execute("select entities from elder_worker.scopes").fetchone() == (1200,)


def test_one_changed_batch_leaves_the_others_recognised(database, sql, job):
    read(database, job, resources(1500))
    changed = resources(1500)
    changed[700] = Resource("arn:ec2_instance:700", "compute", "ec2_instance", "new name", {"n": 700}, {})
    run = read(database, job, changed)
    assert (run.repeated, run.inventory.totals.updated, run.inventory.totals.unchanged) == (1000, 1, 1499)
    assert active(sql) == 1500
    assert read(database, job, changed).repeated == 1500


def test_batches_in_another_order_are_recognised(database, job):
    found = resources(1500)
    read(database, job, found)
    assert read(database, job, found[1000:] + found[:1000]).repeated == 1500


def test_what_a_reading_no_longer_brings_is_gone_though_its_batches_are_known(database, sql, job):
    found = resources(1500)
    read(database, job, found)
    run = read(database, job, found[:1000], share=1.0)
    assert (run.repeated, run.inventory.totals.deleted, active(sql)) == (1000, 500, 1000)
    run = read(database, job, found[:1000])
    assert (run.repeated, run.inventory.totals.deleted) == (1000, 0)
    assert read(database, job, found).inventory.totals.updated == 500, "what comes back is restored"
    assert active(sql) == 1500


def test_what_the_guard_holds_back_is_held_back_again(database, sql, job):
    found = resources(1500)
    read(database, job, found)
    for _ in range(3):
        run = read(database, job, found[:1000])
        assert (run.inventory.totals.held_back, run.inventory.totals.deleted, active(sql)) == (500, 0, 1500)


def test_a_reading_that_is_not_complete_takes_nothing_away(database, sql, job):
    found = resources(1500)
    read(database, job, found)
    run = read(database, job, found[:500], outcome=Outcome.ERROR)
    assert (run.repeated, run.inventory.totals.deleted, active(sql)) == (500, 0, 1500)
    assert not marked(sql)
    assert read(database, job, found).inventory.totals.unchanged == 1500


@pytest.mark.parametrize("end", [{"rejected": 1}, {"outcome": Outcome.THROTTLED}])
def test_a_reading_with_gaps_leaves_no_marks(database, sql, job, end):
    read(database, job, resources(600), **end)
    assert not marked(sql)


def test_a_refused_resource_is_refused_again(database, sql, job):
    found = resources(600)
    found[20] = Resource("x" * 3000, "compute", "ec2_instance", "bad")
    for _ in range(2):
        assert read(database, job, found).inventory.totals.rejected == 1
        assert not marked(sql)


def test_a_resource_twice_leaves_no_marks(database, sql, job):
    read(database, job, [*resources(600), *resources(10)])
    assert not marked(sql)


def test_another_seed_knows_no_batch(database, sql, job):
    read(database, job, resources(600))
    sql.execute("update elder_worker.hash_seed set secret = sha256(secret)")
    run = read(database, job, resources(600))
    assert (run.repeated, run.inventory.totals.unchanged) == (0, 600)
    assert read(database, job, resources(600)).repeated == 600
    assert sql.execute("select sum(resources) from elder_worker.batch_marks").fetchone() == (600,)


def test_each_database_has_its_own_secret(database, sql):
    [(secret,)] = sql.execute("select secret from elder_worker.hash_seed").fetchall()
    assert len(secret) == 32
    assert len(set(secret)) > 8


def test_more_batches_than_are_kept_are_read_by_search(database, sql, job, monkeypatch):
    monkeypatch.setattr(marks, "MARKS_AT_MOST", 2)
    for _ in range(2):
        run = read(database, job, resources(1200))
        assert (run.repeated, active(sql)) == (0, 1200)
    assert not marked(sql)


# --- what voids the marks


def delete_row(database, sql, job):
    sql.execute("delete from entities where external_id = 'arn:ec2_instance:7'")


def delete_all(database, sql, job):
    sql.execute("truncate entities cascade")


def mark_deleted(database, sql, job):
    sql.execute("update entities set is_active = false, deleted_at = now() where external_id = 'arn:ec2_instance:7'")


def change_content(database, sql, job):
    sql.execute("update entities set content = 0 where external_id = 'arn:ec2_instance:7'")


def restore(database, sql, job):
    """An entity that the scope has no longer comes back behind its back."""
    sql.execute("update entities set is_active = true where not is_active")


def move_away(database, sql, job):
    other = sql.execute(
        "insert into elder_worker.scopes (owner, provider, account, region, resource_type, coverage) values ('job:99', 'aws', '1', '', '', '') returning id"
    ).fetchone()[0]
    sql.execute("update entities set scope_id = %s where external_id = 'arn:ec2_instance:7'", [other])


def retire(database, sql, job):
    with connect(database) as connection:
        lifecycle.abandon_owner(connection, f"job:{job}")
        assert lifecycle.retire(connection, lifecycle.Filters(state="abandoned")).entities


def release(database, sql, job):
    run = read(database, job, resources(500))
    assert run.inventory.totals.held_back == 100
    with connect(database) as connection:
        assert tombstones.release(connection, run.claimed.run_id).entities == 100


def purge_secrets(database, sql, job):
    """An update stored past the masking, and the purge that takes it out again."""
    sql.execute("""update entities set attributes = '{"UserData": "password=x"}' where external_id = 'arn:ec2_instance:7'""")
    with connect(database) as connection, connection.transaction():
        purge(connection)


def read_by_an_older_release(database, sql, job):
    sql.execute("update elder_worker.scopes set last_run = last_run + 1000")


def read_incompletely(database, sql, job):
    read(database, job, resources(3), outcome=Outcome.ERROR)


def crash(database, sql, job):
    run = Run(database, job)
    run.open(resources(200))
    run.inventory.flush()
    run.finish(Verdict(Status.ERROR, "internal", "killed"))


VOIDING = [
    delete_row,
    delete_all,
    mark_deleted,
    change_content,
    restore,
    move_away,
    retire,
    release,
    purge_secrets,
    read_by_an_older_release,
    read_incompletely,
    crash,
]


@pytest.mark.parametrize("touch", VOIDING, ids=lambda touch: touch.__name__)
def test_marks_are_void_after(database, sql, job, touch):
    if touch is restore:
        read(database, job, resources(620))
        read(database, job, resources(600), share=1.0)
    found = resources(600)
    read(database, job, found)
    assert read(database, job, found).repeated == 600
    touch(database, sql, job)
    run = read(database, job, found, share=1.0)
    assert run.repeated == 0
    stored = sql.execute("select external_id from entities e join elder_worker.scopes s on s.id = e.scope_id where e.is_active").fetchall()
    assert sorted(stored) == sorted((one.external_id,) for one in found)
    assert sql.execute("select count(*) from entities where is_active and content = 0").fetchone() == (0,)


def test_what_its_owner_lost_to_this_scope_voids_its_marks(database, sql):
    """The sighting becomes an entity of the scope's own, of a state that it has not seen."""
    one, other = add_job(sql), add_job(sql)
    read(database, one, resources(600))
    read(database, other, resources(600))
    assert read(database, other, resources(600)).repeated == 600
    assert read(database, one, resources(590)).inventory.totals.deleted == 0
    run = read(database, other, resources(600))
    assert (run.repeated, run.inventory.totals.unchanged, active(sql)) == (0, 600, 600)
    assert read(database, one, resources(590)).repeated == 590, "its own reading leaves its own marks"


def test_what_is_touched_while_a_scope_is_read_leaves_no_marks(database, sql, job):
    found = resources(600)
    read(database, job, found)
    run = Run(database, job)
    index = run.open(found)
    delete_row(database, sql, job)
    run.close(index, 600)
    run.finish()
    assert not marked(sql)
    assert read(database, job, found).inventory.totals.created == 1


# --- random histories: with marks, the inventory is what it is without


def state(sql, organization):
    return sql.execute(
        "select e.external_id, s.region, e.is_active, e.name, e.attributes, e.content from entities e"
        " join elder_worker.scopes s on s.id = e.scope_id where e.organization_id = %s order by 1",
        [organization],
    ).fetchall()


def history(sql, organization):
    return sql.execute(
        "select e.external_id, c.operation, c.changes from entity_changes c join entities e on e.id = c.entity_id"
        " where e.organization_id = %s order by 1, c.id",
        [organization],
    ).fetchall()


class Step:
    """One random step, which is the same for the inventory with marks and the one without."""

    def __init__(self, chance: random.Random, listings: dict[Scope, list[Resource]]) -> None:
        self.kind = chance.choices(
            ("same", "changed", "shuffled", "fewer", "more", "twice", "incomplete", "crash", "release", "delete", "end", "spoil", "retire"),
            (24, 4, 1, 3, 3, 1, 1, 1, 2, 1, 1, 1, 1),
        )[0]
        self.scope = chance.choice(list(listings))
        self.one = f"i-{chance.randrange(40)}"
        self.share = chance.choice((0.1, 1.0))
        found = listings[self.scope]
        if self.kind == "changed" and found:
            at = chance.randrange(len(found))
            found[at] = _resource(found[at].external_id, chance.randrange(5))
        elif self.kind == "shuffled":
            chance.shuffle(found)
        elif self.kind == "fewer":
            at = chance.randrange(len(found) + 1)
            del found[at : at + 6]
        elif self.kind == "more":
            known = {one.external_id for one in found}
            found += [_resource(name, 0) for name in (f"i-{n}" for n in chance.sample(range(40), 6)) if name not in known]
        self.found = [*found, *found[:2]] if self.kind == "twice" else list(found)

    def take(self, database, sql, job, organization, last) -> int:
        """Takes the step for one job; returns its last run."""
        if self.kind in {"release", "delete", "end", "spoil", "retire"}:
            self._touch(database, sql, job, organization, last)
            return last
        run = Run(database, job, guard=self.share)
        run.batch = 4
        if self.kind == "crash":
            run.open(self.found[:9], self.scope)
            run.inventory.flush()
            run.finish(Verdict(Status.ERROR, "internal", "killed"))
        else:
            found = self.found[: len(self.found) // 2] if self.kind == "incomplete" else self.found
            run.scope(found, self.scope, Outcome.ERROR if self.kind == "incomplete" else Outcome.COMPLETE)
            run.finish(Verdict(Status.PARTIAL))
        self.repeated = run.repeated
        return run.claimed.run_id

    def _touch(self, database, sql, job, organization, last):
        values = [organization, self.one]
        if self.kind == "delete":
            sql.execute("delete from entities where organization_id = %s and external_id = %s", values)
        elif self.kind == "end":
            sql.execute("update entities set is_active = false where organization_id = %s and external_id = %s", values)
        elif self.kind == "spoil":
            sql.execute("update entities set content = 0, name = 'spoilt' where organization_id = %s and external_id = %s", values)
        else:
            with connect(database) as connection:
                if self.kind == "release":
                    tombstones.release(connection, last)
                else:
                    lifecycle.abandon_owner(connection, f"job:{job}")
                    lifecycle.retire(connection, lifecycle.Filters(owner=f"job:{job}"))


def _resource(name, version):
    return Resource(name, "compute", "ec2_instance", name, {"version": version})


@pytest.mark.parametrize("seed", range(8))
def test_any_history_ends_as_it_does_without_marks(database, sql, monkeypatch, seed):
    monkeypatch.setattr(guard, "FREE", 2)
    monkeypatch.setattr(marks, "MARKED_FROM", 1)
    monkeypatch.setattr(open_scope, "STRANGE_AT_MOST", 50_000 if seed % 2 else 3)
    sql.execute("insert into organizations (id, name) values (2, 'two')")
    with_marks, without = add_job(sql), add_job(sql, 2)
    sql.execute("update discovery_jobs set organization_id = 2 where id = %s", [without])
    chance = random.Random(seed)
    listings = {SCOPE: [_resource(f"i-{n}", 0) for n in range(30)], WEST: [_resource(f"i-{n}", 0) for n in range(20, 40)]}
    last, plain, repeated, kinds = 0, 0, 0, []
    for _ in range(50):
        step = Step(chance, listings)
        kinds.append((step.kind, step.scope.region))
        step.repeated = 0
        last = step.take(database, sql, with_marks, 1, last)
        repeated += step.repeated
        with monkeypatch.context() as patch:
            patch.setattr(marks, "MARKS_AT_MOST", -1)
            plain = step.take(database, sql, without, 2, plain)
        assert state(sql, 1) == state(sql, 2), kinds
        assert history(sql, 1) == history(sql, 2), kinds
    assert repeated > 0, "a history without a repeated batch proves nothing"


def test_the_totals_are_those_of_a_reading_without_marks(database, job, monkeypatch):
    found = resources(1200)
    run_once(database, job, found)
    quick = run_once(database, job, found)
    monkeypatch.setattr(marks, "MARKS_AT_MOST", -1)
    assert run_once(database, job, found) == quick
