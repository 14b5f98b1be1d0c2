"""Scopes belong to their job: what others see is a sighting, what a plan left out is abandoned, and another identity ends the run."""

from __future__ import annotations

import pytest
from store_runs import SCOPE, Run, add_job, claim, resources, run_once

from providers.errors import Outcome
from providers.records import Identity, Scope
from worker.run.inventory import InventoryError
from worker.run.outcome import Status, Verdict
from worker.store import claims, scopes, tombstones
from worker.store.connection import connect

WEST = Scope("aws", "111", "us-west-2", "ec2_instance")


@pytest.fixture
def jobs(sql):
    return add_job(sql), add_job(sql)


def versions(sql):
    return sql.execute("select external_id, xmin::text from entities order by 1").fetchall()


def owners(sql) -> dict[str, str]:
    return dict(sql.execute("select e.external_id, s.owner from entities e join elder_worker.scopes s on s.id = e.scope_id").fetchall())


def active(sql) -> int:
    return sql.execute("select count(*) from entities where is_active").fetchone()[0]


def test_two_jobs_that_see_the_same_write_it_once(database, sql, jobs):
    one, other = jobs
    run_once(database, one, resources(30))
    before = versions(sql)
    first = run_once(database, other, resources(30))
    again = run_once(database, other, resources(30))
    back = run_once(database, one, resources(30))
    assert (first.created, first.updated) == (0, 0)
    assert (again.unchanged, back.unchanged) == (30, 30), "what was sighted costs no more than what is owned"
    assert versions(sql) == before
    assert set(owners(sql).values()) == {f"job:{one}"}


def test_what_its_owner_no_longer_sees_goes_to_the_job_that_does(database, sql, jobs):
    one, other = jobs
    run_once(database, one, resources(30))
    run_once(database, other, resources(30))
    totals = run_once(database, one, resources(25))
    assert totals.deleted == 0
    assert active(sql) == 30
    assert owners(sql)["arn:ec2_instance:29"] == f"job:{other}"
    assert run_once(database, other, resources(30)).updated == 0, "the same state is not a change"
    assert run_once(database, other, resources(25)).deleted == 5, "nobody sees it any more"


def test_what_a_second_job_no_longer_sees_is_its_owners_still(database, sql, jobs):
    one, other = jobs
    run_once(database, one, resources(30))
    run_once(database, other, resources(30))
    assert run_once(database, other, resources(25)).deleted == 0
    assert active(sql) == 30
    assert sql.execute("select count(*) from elder_worker.sightings").fetchone()[0] == 25


def test_a_job_cannot_tombstone_what_another_job_owns(database, sql, jobs):
    one, other = jobs
    run_once(database, one, resources(30))
    assert run_once(database, other, []).deleted == 0
    assert active(sql) == 30


@pytest.mark.parametrize(
    "column", ["state = 'abandoned'", "last_complete_at = now() - interval '8 days', created_at = now() - interval '9 days'"]
)
def test_an_owner_that_is_abandoned_or_stale_yields(database, sql, jobs, column):
    one, other = jobs
    run_once(database, one, resources(5))
    sql.execute(f"update elder_worker.scopes set {column}")
    run_once(database, other, resources(5))
    assert set(owners(sql).values()) == {f"job:{other}"}


def test_a_scope_that_the_whole_plan_left_out_is_abandoned_and_keeps_its_entities(database, sql, jobs):
    run = Run(database, jobs[0])
    run.scope(resources(3))
    run.scope([], WEST)
    run.finish()
    later = Run(database, jobs[0])
    later.scope([], WEST)
    later.finish()
    states = dict(sql.execute("select region, state from elder_worker.scopes").fetchall())
    assert states == {"us-east-1": "abandoned", "us-west-2": "current"}
    assert active(sql) == 3


@pytest.mark.parametrize("region", ["", "us-east-1"])
def test_what_is_below_a_scope_that_could_not_be_listed_is_not_abandoned(database, sql, jobs, region):
    run_once(database, jobs[0], resources(3))
    run = Run(database, jobs[0])
    run.scope([], Scope("aws", "111", region, "*"), outcome=Outcome.DENIED)
    run.finish(Verdict(Status.PARTIAL))
    assert sql.execute("select state from elder_worker.scopes where resource_type <> '*'").fetchone() == ("current",)


def test_a_run_that_did_not_end_by_itself_abandons_nothing(database, sql, jobs):
    run_once(database, jobs[0], resources(3))
    run = Run(database, jobs[0])
    run.scope([], WEST)
    run.finish(Verdict(Status.ERROR, "timeout", "too long"))
    assert sql.execute("select state from elder_worker.scopes where region = 'us-east-1'").fetchone() == ("current",)


def test_an_abandoned_scope_that_is_planned_again_is_current(database, sql, jobs):
    run_once(database, jobs[0], resources(3))
    run_once(database, jobs[0], [], scope=WEST)
    run_once(database, jobs[0], resources(3))
    assert dict(sql.execute("select region, state from elder_worker.scopes").fetchall()) == {
        "us-east-1": "current",
        "us-west-2": "abandoned",
    }


def test_a_changed_filter_takes_over_what_it_still_sees(database, sql, jobs):
    """A scope of another coverage sees first, and owns what it saw once the plan has left the old one out."""
    run_once(database, jobs[0], resources(5))
    run_once(database, jobs[0], resources(4), scope=Scope("aws", "111", "us-east-1", "ec2_instance", "tag=a"))
    held = sql.execute(
        "select s.coverage, count(*) from entities e join elder_worker.scopes s on s.id = e.scope_id where e.is_active group by 1 order by 1"
    ).fetchall()
    assert held == [("", 1), ("tag=a", 4)]


# --- identity


def identified(database, job, account: str) -> Run:
    run = Run(database, job)
    run.inventory.identity(Identity("me", account))
    return run


def test_the_first_run_with_a_complete_scope_pins_the_job(database, sql, jobs):
    run = identified(database, jobs[0], "111")
    run.scope([], outcome=Outcome.DENIED)
    run.finish(Verdict(Status.PARTIAL))
    assert sql.execute("select identity from discovery_jobs where id = %s", [jobs[0]]).fetchone() == (None,)
    run = identified(database, jobs[0], "111")
    run.scope([])
    run.finish()
    assert sql.execute("select identity from discovery_jobs where id = %s", [jobs[0]]).fetchone() == ("111",)


def test_case_sec_3_another_identity_ends_the_run_and_is_accepted_by_a_person(database, sql, jobs):
    run = identified(database, jobs[0], "111")
    run.scope(resources(3))
    run.finish()
    with pytest.raises(InventoryError, match=r"has read 111 so far.*leads to 222.*accept-identity") as refused:
        identified(database, jobs[0], "222")
    assert refused.value.error_kind == "config"
    sql.execute("update elder_worker.claims set owner = null")
    sql.execute("update discovery_history set status = 'error'")
    with connect(database) as connection:
        assert claims.accept_identity(connection, jobs[0]) == "111"
        assert claims.accept_identity(connection, 999) is None
    run = identified(database, jobs[0], "222")
    run.scope([], Scope("aws", "222", "us-east-1", "ec2_instance"))
    run.finish()
    assert sql.execute("select identity from discovery_jobs where id = %s", [jobs[0]]).fetchone() == ("222",)
    assert active(sql) == 3, "the other account's entities are not tombstoned by it"


def test_case_sec_3_an_identity_that_another_job_has_found_elsewhere_ends_the_run_and_is_accepted_by_a_person(database, sql, jobs):
    """Whoever writes the config of a job may lead it to a server that only says that it is the cluster of another job."""

    def found_at(job: int, place: str) -> None:
        run = Run(database, job)
        try:
            run.inventory.identity(Identity("me", "uid", {}, place))
            run.scope([], Scope("aws", "uid", "", "ec2_instance"))
        except InventoryError as error:
            run.finish(Verdict(Status.ERROR, error.error_kind, str(error)))
            raise
        run.finish()

    found_at(jobs[0], "https://one (ca-1)")
    found_at(jobs[0], "https://renamed (ca-1)")
    with pytest.raises(InventoryError, match=rf"^job {jobs[0]} \(.*\) has read uid at https://renamed \(ca-1\) so far.*accept") as refused:
        found_at(jobs[1], "https://one (ca-1)")
    assert refused.value.error_kind == "config"
    assert sql.execute("select count(*) from elder_worker.scopes where owner = %s", [f"job:{jobs[1]}"]).fetchone() == (0,)
    with connect(database) as connection:
        assert claims.accept_identity(connection, jobs[1]) == ""
    found_at(jobs[1], "https://one (ca-1)")
    pinned = sql.execute("select identity, identity_place, identity_accepted from discovery_jobs order by id").fetchall()
    assert pinned == [("uid", "https://renamed (ca-1)", False), ("uid", "https://one (ca-1)", False)]
    third = add_job(sql)
    found_at(third, "https://one (ca-1)")


def test_case_sec_3_a_scope_of_another_provider_is_not_stored(database, sql, jobs):
    run = Run(database, jobs[0])
    with pytest.raises(InventoryError, match="provider aws reported a scope of okta") as refused:
        run.open([], Scope("okta", "example.okta.com", "", "okta_user"))
    assert refused.value.error_kind == "protocol"


# --- attempts


def test_what_was_not_reached_stands_in_the_ledger_and_comes_first(database, sql, jobs):
    run = Run(database, jobs[0])
    run.scope([])
    run.inventory.not_reached([WEST])
    run.finish(Verdict(Status.ERROR, "timeout", "too long"))
    lines = sql.execute("select region, outcome, message from run_scopes order by region").fetchall()
    assert lines[1][:2] == ("us-west-2", "not_reached")
    assert "next run" in lines[1][2]
    with connect(database) as connection:
        assert scopes.attempted(connection, f"job:{jobs[0]}") == (SCOPE,)


def test_attempts_are_told_the_oldest_first(database, sql, jobs):
    for scope in (SCOPE, WEST, SCOPE):
        run_once(database, jobs[0], [], scope=scope)
    [claimed] = claim(database, job=jobs[0])
    assert claimed.attempted == (WEST, SCOPE)


def cut_off(database, sql, job, begun: list[Scope], missed: list[Scope]) -> bool:
    """A run that timed out; True when the job is due again at once."""
    run = Run(database, job)
    for scope in begun:
        run.scope([], scope)
    run.inventory.not_reached(missed)
    run.finish(Verdict(Status.ERROR, "timeout", "too long"))
    return sql.execute("select coalesce(next_run_at <= now(), false) from discovery_jobs where id = %s", [job]).fetchone()[0]


def test_a_job_on_demand_that_was_cut_off_goes_on_until_each_scope_was_reached(database, sql, jobs):
    assert cut_off(database, sql, jobs[0], [SCOPE], [WEST])
    assert not cut_off(database, sql, jobs[0], [WEST], [SCOPE]), "both were attempted since the first run that was cut off"


def test_a_job_that_is_cut_off_before_its_first_scope_is_not_due_at_once(database, sql, jobs):
    assert not cut_off(database, sql, jobs[0], [], [SCOPE, WEST])


def test_a_scheduled_job_that_was_cut_off_keeps_its_schedule(database, sql):
    assert not cut_off(database, sql, add_job(sql, schedule_interval=3600), [SCOPE], [WEST])


def test_a_database_of_the_release_before_gives_each_scope_to_the_job_that_read_it_last(database, sql, jobs):
    """Migration 0010, on rows as the release before wrote them."""
    from worker.store.migrate import migrations

    run_once(database, jobs[0], resources(3))
    run_once(database, jobs[1], [], scope=WEST)
    sql.execute("update elder_worker.scopes set owner = 'organization:1'")
    body = migrations()["0010_scope_owners"]
    start = body.index("-- Each scope of an organization")
    sql.execute(body[start : body.index("-- What a scope has seen")])
    assert dict(sql.execute("select region, owner from elder_worker.scopes").fetchall()) == {
        "us-east-1": f"job:{jobs[0]}",
        "us-west-2": f"job:{jobs[1]}",
    }
    again = run_once(database, jobs[0], resources(3))
    assert (again.unchanged, again.created, again.deleted) == (3, 0, 0)


GONE = "the cluster does not serve this type any more"


def scope_rows(sql):
    return dict(sql.execute("select state, count(*) from elder_worker.scopes group by 1").fetchall())


def closed_as_gone(database, job, found: int = 0, **more) -> Run:
    run = Run(database, job)
    run.scope(resources(found), message=GONE, gone=True, **more)
    run.finish()
    return run


def test_case_k8s_5_what_is_gone_at_its_source_is_tombstoned_told_and_planned_no_more(database, sql, jobs):
    job, _ = jobs
    run_once(database, job, resources(3))
    run = closed_as_gone(database, job)
    assert (active(sql), run.inventory.totals.deleted) == (0, 3)
    line = sql.execute("select outcome, deleted, message from run_scopes where run_id = %s", [run.claimed.run_id]).fetchone()
    assert line == ("complete", 3, GONE)
    assert scope_rows(sql) == {"retired": 1}
    with connect(database) as connection:
        assert scopes.attempted(connection, scopes.job_owner(job)) == ()
    run_once(database, job, resources(2))
    assert (scope_rows(sql), active(sql)) == ({"current": 1}, 2), "a type that is served again is read as ever"


def test_case_k8s_5_many_at_once_wait_for_a_person_and_the_scope_with_them(database, sql, jobs):
    job, _ = jobs
    run_once(database, job, resources(40))
    run = closed_as_gone(database, job)
    assert (active(sql), run.inventory.totals.held_back, scope_rows(sql)) == (40, 40, {"current": 1})
    with connect(database) as connection:
        tombstones.release(connection, run.claimed.run_id)
    assert (active(sql), scope_rows(sql)) == (0, {"current": 1})
    closed_as_gone(database, job)
    assert scope_rows(sql) == {"retired": 1}


@pytest.mark.parametrize("more", [{"outcome": Outcome.DENIED}, {"rejected": 1}])
def test_case_k8s_5_a_scope_that_is_not_complete_is_not_gone(database, sql, jobs, more):
    job, _ = jobs
    run_once(database, job, resources(3))
    closed_as_gone(database, job, **more)
    assert (active(sql), scope_rows(sql)) == (3, {"current": 1})
