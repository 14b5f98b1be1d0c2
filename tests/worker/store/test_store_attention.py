"""The list and the counts of what needs attention: denied and stale scopes, deletions that are held back, jobs that keep failing."""

from __future__ import annotations

import datetime as dt
import uuid

import msgspec
from store_runs import SCOPE, Link, Run, add_job, resources, run_once

from providers import expiry
from providers.errors import Outcome
from providers.records import Absence, Identity
from worker.run.outcome import Status, Verdict
from worker.run.queue import Numbers
from worker.store import connectors, keys, tombstones
from worker.store.attention import attention
from worker.store.connection import connect
from worker.store.queue import PostgresQueue
from worker.sync.messages import SyncRun


def read(database: str, job: int, denied: int, status: Status = Status.PARTIAL) -> int:
    """A run of which one scope is complete and the others are denied."""
    run = Run(database, job)
    run.scope(resources(1))
    for number in range(denied):
        run.scope([], msgspec.structs.replace(SCOPE, region=f"region-{number}"), Outcome.DENIED, permission="ec2:DescribeInstances")
    run.finish(Verdict(status, "timeout" if status is Status.ERROR else ""))
    return run.claimed.run_id


def denied(database: str) -> list[tuple[int, str, int]]:
    with connect(database) as connection:
        return [(one["number"], one["name"], one["count"]) for one in attention(connection) if one["kind"] == "denied"]


def test_a_job_of_whose_last_run_scopes_were_denied_is_one_line(database, sql):
    one, two = add_job(sql, name="one"), add_job(sql, name="two")
    read(database, one, 3)
    newest = read(database, one, 2)
    other = read(database, two, 1)

    assert sorted(denied(database)) == [(newest, "one", 2), (other, "two", 1)]


def test_a_run_that_reads_all_ends_the_line_and_so_do_a_failed_one_and_the_job_that_is_switched_off(database, sql):
    job = add_job(sql)
    read(database, job, 1)
    sql.execute("update discovery_jobs set enabled = false")
    assert denied(database) == []
    sql.execute("update discovery_jobs set enabled = true")
    assert len(denied(database)) == 1
    read(database, job, 0, Status.ERROR)
    assert denied(database) == [], "the job is listed as failing"
    read(database, job, 1)
    assert len(denied(database)) == 1
    read(database, job, 0, Status.COMPLETED)
    assert denied(database) == []


def waiting(database: str) -> list[tuple[str, int, int]]:
    with connect(database) as connection:
        return [(one["kind"], one["number"], one["count"]) for one in attention(connection)]


def numbers(database: str) -> Numbers:
    queue = PostgresQueue(database, str(uuid.uuid4()), "worker", 30.0)
    try:
        return queue.numbers()
    finally:
        queue.close()


def test_links_that_are_held_back_are_listed_and_counted_as_entities_are(database, sql):
    """An access list that hides memberships takes away links alone: the run is complete, and nothing else tells a person."""
    job = add_job(sql)
    links = tuple(Link("has_member", f"user:{n}") for n in range(40))
    groups = [msgspec.structs.replace(one, links=links) for one in resources(3)]
    run_once(database, job, groups)
    assert (waiting(database), numbers(database).held_back) == ([], 0)

    run_once(database, job, [msgspec.structs.replace(one, links=()) for one in groups])
    (run,) = sql.execute("select max(id) from discovery_history").fetchone()
    assert (waiting(database), numbers(database).held_back) == ([("held", run, 120)], 120)

    with connect(database) as connection:
        tombstones.release(connection, run)
    assert (waiting(database), numbers(database).held_back) == ([], 0)


def test_a_job_fails_until_a_run_succeeds_also_while_it_is_tried_again(database, sql):
    """Else a job that fails each hour for days would never have failed for three hours."""
    job = add_job(sql)
    read(database, job, 0, Status.ERROR)
    again = Run(database, job)
    assert sql.execute("select status from discovery_jobs").fetchone() == ("running",)
    assert (waiting(database), numbers(database).failing_jobs) == ([("failing", job, 1)], 1)

    again.scope(resources(1))
    again.finish()
    assert (waiting(database), numbers(database).failing_jobs) == ([], 0)
    first = Run(database, job)
    assert numbers(database).failing_jobs == 0
    first.finish()


def test_a_job_is_denied_scopes_until_it_reads_them_also_while_it_reads(database, sql):
    """Else a job that is denied a scope each hour for days would never have been denied it for six hours."""
    job = add_job(sql)
    read(database, job, 3)
    assert numbers(database).denied_jobs == 1
    again = Run(database, job)
    again.scope(resources(1))
    assert numbers(database).denied_jobs == 1
    again.scope([], msgspec.structs.replace(SCOPE, region="region-0"), Outcome.DENIED)
    assert numbers(database).denied_jobs == 1
    again.finish(Verdict(Status.PARTIAL))
    assert numbers(database).denied_jobs == 1
    read(database, job, 1, Status.ERROR)
    assert (numbers(database).denied_jobs, numbers(database).failing_jobs) == (0, 1), "one alert for a job"
    read(database, job, 3)
    sql.execute("update discovery_jobs set enabled = false")
    assert numbers(database).denied_jobs == 0
    sql.execute("update discovery_jobs set enabled = true")
    assert numbers(database).denied_jobs == 1
    read(database, job, 0, Status.COMPLETED)
    assert numbers(database).denied_jobs == 0


def test_a_scope_of_which_one_resource_is_refused_for_ever_becomes_stale(database, sql):
    """Nothing is marked as gone while one is refused, so what the source has deleted would stay for ever, and only the ledger would tell."""
    job = add_job(sql)
    run_once(database, job, resources(3))
    sql.execute("update elder_worker.scopes set last_complete_at = now() - interval '8 days'")
    assert run_once(database, job, resources(2), rejected=1, rejection="it has no id").deleted == 0
    assert (waiting(database), numbers(database).stale_scopes) == ([("stale", None, 1)], 1)

    assert run_once(database, job, resources(2)).deleted == 1
    assert (waiting(database), numbers(database).stale_scopes) == ([], 0)


def ending(days: float) -> dict[str, str]:
    return {expiry.KEY: f"{dt.datetime.now(dt.UTC) + dt.timedelta(days=days, hours=1):%Y-%m-%dT%H:%M:%SZ}"}


def reads_as(database: str, job: int, details: dict[str, str], verdict: Verdict | None = None) -> None:
    run = Run(database, job)
    run.inventory.identity(Identity("app-1", "tenant", details))
    run.scope(resources(1))
    run.finish(verdict)


def ends(database: str) -> list[tuple[int | None, str, int]]:
    with connect(database) as connection:
        return sorted((one["number"] or 0, one["name"], one["count"]) for one in attention(connection) if one["kind"] == "credential")


def test_a_credential_that_ends_within_thirty_days_is_listed_until_the_job_has_a_new_one(database, sql):
    soon, late, silent = (add_job(sql, name=name) for name in ("soon", "late", "silent"))
    reads_as(database, soon, ending(12))
    reads_as(database, late, ending(31))
    reads_as(database, silent, {})
    assert (ends(database), numbers(database).ending_credentials) == ([(soon, "soon", 12)], 1)
    reads_as(database, soon, ending(-3), Verdict(Status.ERROR, "timeout"))
    assert ends(database) == [(soon, "soon", -3)], "also of a run that failed"
    Run(database, soon).finish(Verdict(Status.ERROR, "credentials"))
    assert ends(database) == [(soon, "soon", -3)], "a sign-in that fails says nothing of its end"
    sql.execute("update discovery_jobs set enabled = false")
    assert (ends(database), numbers(database).ending_credentials) == ([], 0)
    sql.execute("update discovery_jobs set enabled = true")
    reads_as(database, soon, {})
    assert ends(database) == []


def test_the_credential_of_a_connector_is_listed_by_its_newest_sync(database, sql):
    def sync(run: str, details: dict[str, str] | None, status: str = "completed") -> None:
        identity = None if details is None else {"name": "app-1", "account": "tenant", "details": details}
        with connect(database) as connection:
            connectors.put(connection, SyncRun("connector:entra", run, status, identity=identity))

    sync("1", ending(40))
    assert ends(database) == []
    sync("2", ending(5))
    assert (ends(database), numbers(database).ending_credentials) == ([(0, "entra", 5)], 1)
    sync("3", None, "error")
    assert ends(database) == [(0, "entra", 5)]
    sync("4", {expiry.KEY: "2026-99-01T00:00:00Z"})
    assert ends(database) == []


def test_keys_that_end_are_counted_as_they_are_listed(database, sql):
    for name, days in (("soon", 13), ("late", 15), ("revoked", 3)):
        keys.add(sql, name, "read", by="t", seconds=days * 86_400)
    keys.add(sql, "never", "read", by="t")
    sql.execute("update elder_worker.api_keys set revoked_at = now() where name = 'revoked'")
    [(soon,)] = sql.execute("select id from elder_worker.api_keys where name = 'soon'").fetchall()
    listed = [(kind, number) for kind, number, _ in waiting(database)]
    assert (listed, numbers(database).ending_keys) == ([("expiring", soon)], 1)
    for ended, counted in ((13, 1), (15, 0)):
        sql.execute("update elder_worker.api_keys set expires_at = now() - make_interval(days => %s) where name = 'soon'", [ended])
        assert numbers(database).ending_keys == counted == len(waiting(database))


def test_what_is_unconfirmed_is_counted_after_a_week_and_until_it_is_seen_again(database, sql):
    job = add_job(sql)
    for count in (2, 0):
        run_once(database, job, resources(count), absence=Absence.OUTSIDE)
    [(kind, _, count)] = waiting(database)
    assert (kind, count, numbers(database).unconfirmed) == ("unconfirmed", 2, 0)
    sql.execute("update entities set unconfirmed_since = unconfirmed_since - interval '8 days'")
    assert numbers(database).unconfirmed == 2
    run_once(database, job, resources(1), absence=Absence.OUTSIDE)
    assert numbers(database).unconfirmed == 1
