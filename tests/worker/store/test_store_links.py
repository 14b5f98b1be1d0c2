"""Links whose targets are stored later than they are."""

from __future__ import annotations

import msgspec
import pytest
from store_runs import Link, Run, add_job, resources

from providers.records import Scope
from worker.run.inventory import InventoryError
from worker.run.outcome import Status, Verdict
from worker.store import claims, links, retention
from worker.store.connection import connect

VOLUMES = Scope("aws", "111", "us-east-1", "ebs_volume")
MACHINE = msgspec.structs.replace(resources(1)[0], links=(Link("uses", "arn:ebs_volume:0"),))
UNRESOLVED = "select count(*) from dependencies where target_id is null"
LEFT = "select count(*) from discovery_history where links_unresolved"


def read(database, job: int) -> Run:
    """A run that has stored the source of a link before its target, and has not ended."""
    run = Run(database, job)
    run.scope([MACHINE])
    run.scope(resources(1, kind="ebs_volume"), VOLUMES)
    return run


def die(database, sql, run: Run) -> None:
    """The run's worker dies after the rows are stored, and the run is swept."""
    ended = "update elder_worker.claims set expires_at = now() - interval '1 second' where job_id = %s"
    sql.execute(ended, [run.claimed.job_id])
    with connect(database) as connection:
        claims.sweep(connection)
    with pytest.raises(InventoryError, match="lost"):
        run.finish()


def follow(database, job: int) -> None:
    """A run that finds nothing new."""
    run = read(database, job)
    run.finish()
    assert (run.inventory.totals.created, run.inventory.totals.updated) == (0, 0)


def test_links_that_a_lost_run_left_are_resolved_by_the_next_one_though_nothing_has_changed(database, sql):
    job = add_job(sql)
    die(database, sql, read(database, job))
    assert sql.execute(UNRESOLVED).fetchone() == (1,)
    follow(database, job)
    assert sql.execute(UNRESOLVED).fetchone() == (0,)


def test_they_are_resolved_by_a_later_run_when_the_next_one_has_read_nothing(database, sql):
    """A run without an organization, which is that of what it finds, knows of none before it finds something."""
    job = add_job(sql)
    sql.execute("update discovery_jobs set organization_id = null")
    die(database, sql, read(database, job))
    Run(database, job).finish(Verdict(Status.ERROR, "credentials", "refused"))
    assert (sql.execute(UNRESOLVED).fetchone(), sql.execute(LEFT).fetchone()) == ((1,), (1,))
    follow(database, job)
    assert (sql.execute(UNRESOLVED).fetchone(), sql.execute(LEFT).fetchone()) == ((0,), (0,))


def test_links_of_a_cancelled_run_whose_worker_is_gone_are_resolved_by_the_next_one(database, sql):
    job = add_job(sql)
    run = read(database, job)
    sql.execute("update discovery_jobs set cancel_requested = true")
    die(database, sql, run)
    assert sql.execute("select status from discovery_history").fetchall() == [("cancelled",)]
    follow(database, job)
    assert sql.execute(UNRESOLVED).fetchone() == (0,)


def test_another_job_of_the_organization_resolves_them(database, sql):
    """The lost run's own job may be switched off, parked, or wait for a person."""
    job, other = add_job(sql), add_job(sql, name="other")
    Run(database, other).finish()
    die(database, sql, read(database, job))
    run = Run(database, other)
    run.finish()
    assert run.inventory.totals.created == 0
    assert (sql.execute(UNRESOLVED).fetchone(), sql.execute(LEFT).fetchone()) == ((0,), (0,))


def test_links_that_are_resolved_are_not_looked_for_again(database, sql, monkeypatch):
    job = add_job(sql)
    die(database, sql, read(database, job))
    follow(database, job)
    monkeypatch.setattr(links, "resolve", lambda *_: pytest.fail("nothing is left to resolve"))
    follow(database, job)


def test_a_run_whose_links_nobody_has_resolved_is_kept_however_old(database, sql):
    job = add_job(sql)
    die(database, sql, read(database, job))
    old = "insert into discovery_history (job_id, status, completed_at) select %s, 'completed', now() - interval '1 year' from generate_series(1, 3)"
    sql.execute(old, [job])
    sql.execute("update discovery_history set completed_at = now() - interval '1 year'")
    with connect(database) as connection:
        retention.clean(connection, retention.Kept(history=90))
        assert sql.execute("select status, links_unresolved from discovery_history order by id").fetchall() == [
            ("error", True),
            ("completed", False),
        ]
        follow(database, job)
        retention.clean(connection, retention.Kept(history=90))
    assert sql.execute("select count(*) from discovery_history where status = 'error'").fetchone() == (0,)
