"""The database is unreachable, stuck, loses commits or lags: group E of the fault catalogue, with whole workers and PostgreSQL."""

from __future__ import annotations

import signal
import threading
import time

import psycopg
import pytest
from database_states import database_is, lease_is_over
from peers.tcp_proxy import Proxy, behind, target_of
from psycopg.types.json import Jsonb
from waiting import until
from workbench import Workbench

from worker.store import migrate

TERMINATE = """
select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'elder-worker/% run %' and datname = current_database()
"""
NOTICED = 15.0
"""Seconds within which a half-open connection has to be noticed."""


@pytest.fixture
def far(workbench, proxied):
    """(bench, proxy): workers reach the database through the proxy, the test looks at it directly."""
    proxy, url = proxied
    workbench.direct, workbench.url = workbench.url, url
    return workbench, proxy


def content(workbench):
    """All that a run leaves behind, as one can compare it."""
    return workbench.rows("select external_id, name, attributes, is_active from entities order by external_id")


def test_e01_every_backend_is_terminated_again_and_again(workbench):
    """Whichever statement is interrupted, no batch is stored by half, no row twice, and every run ends once."""
    workbench.worker(lease_ttl=6)
    jobs = [workbench.job(regions=[f"{number}-{region}" for region in range(40)], resources=100, pause=0.0005) for number in range(2)]
    hits, stop = [], threading.Event()

    def terminate():
        with psycopg.connect(workbench.url, autocommit=True) as admin:
            while not stop.wait(0.15):
                hits.append(admin.execute(TERMINATE).rowcount)

    thread = threading.Thread(target=terminate)
    thread.start()
    try:
        until(lambda: sum(hits) >= 5, "five of them were hit")
    finally:
        stop.set()
        thread.join()

    for job in jobs:  # a run that was hit too often ends with an error, and its job is due again later
        last = workbench.ended(job)
        if last["status"] != "completed":
            assert last["error_kind"] in ("database", "lost"), last
            if last["error_kind"] == "database":  # what is lost is due again by itself
                workbench.queue(job)
            assert workbench.ended(job, 2)["status"] == "completed"
    assert workbench.entities() == 8000
    assert workbench.one("select count(*) from discovery_history where status = 'running'") == 0


def test_e03_a_half_open_connection_is_noticed(far):
    workbench, proxy = far
    worker = workbench.worker()
    database_is(worker, "up")
    began = time.monotonic()
    proxy.deaf = True
    database_is(worker, "down")
    noticed = time.monotonic() - began
    beat = worker.state()["beat"]

    assert noticed < NOTICED + 5, "a loaded machine may add a little"
    assert time.monotonic() - beat < 5, "the loop turns all the while"
    assert worker.process.poll() is None
    proxy.resume()
    database_is(worker, "up")
    job = workbench.job(resources=10)
    assert workbench.ended(job)["status"] == "completed"


def test_e04_the_database_is_away_while_a_job_runs(far):
    """Without a grace, an outage longer than the lease ends the job before another worker may claim it; it runs again afterwards."""
    workbench, proxy = far
    worker = workbench.worker(lease_ttl=3, outage_grace=0)
    job = workbench.job(behaviour="sleep", resources=500)
    workbench.await_fault("sleep")
    proxy.stop()
    until(lambda: worker.state() and not worker.state()["jobs"], "the job is ended when its lease is")
    database_is(worker, "down")
    assert worker.process.poll() is None
    workbench.sql.execute("update discovery_jobs set config = config || %s", [Jsonb({"behaviour": "well"})])
    proxy.resume()
    run = until(lambda: next((run for run in workbench.runs(job) if run["status"] == "completed"), None), "it ran again")

    assert [one["error_kind"] for one in workbench.runs(job)] == ["lost", ""]
    assert (run["attempt"], workbench.entities()) == (2, 500)


def test_e04_a_short_absence_costs_nothing(far):
    """An outage shorter than the lease interrupts nothing."""
    workbench, proxy = far
    workbench.worker(lease_ttl=30)
    job = workbench.job(resources=1000, regions=list("abcdefgh"), pause=0.0003)
    until(workbench.entities, "it is in the middle")
    proxy.cut()
    proxy.stop()
    proxy.resume()
    run = workbench.ended(job)

    assert (run["status"], run["entities_discovered"], workbench.entities()) == ("completed", 8000, 8000)
    assert len(workbench.runs(job)) == 1


@pytest.mark.parametrize("moment", ["in the middle", "before its end"])
def test_case_eng_3_an_outage_longer_than_the_lease_interrupts_nothing(far, moment):
    """The run waits for the database, and is not done again; a second worker that was cut off too takes nothing away from it."""
    workbench, proxy = far
    workers = [workbench.worker(lease_ttl=3, outage_grace=60) for _ in range(2)]
    for worker in workers:
        database_is(worker, "up")
    pace = {"pause": 0.0005} if moment == "in the middle" else {}
    job = workbench.job(resources=1000, regions=list("abcdefgh"), **pace)
    until(lambda: workbench.entities() >= 500, "it has begun")
    proxy.stop()
    for worker in workers:
        database_is(worker, "down")
    lease_is_over(workbench, job)
    proxy.resume()
    run = workbench.ended(job)

    assert (run["status"], run["entities_discovered"], workbench.entities()) == ("completed", 8000, 8000)
    assert len(workbench.runs(job)) == 1


def test_case_eng_3_an_outage_longer_than_the_grace_ends_the_run(far):
    workbench, proxy = far
    worker = workbench.worker(lease_ttl=3, outage_grace=2)
    job = workbench.job(behaviour="sleep", resources=500)
    workbench.await_fault("sleep")
    proxy.stop()
    until(lambda: worker.state() and not worker.state()["jobs"], "the job is ended when its grace is over")
    workbench.sql.execute("update discovery_jobs set config = config || %s", [Jsonb({"behaviour": "well"})])
    proxy.resume()
    until(lambda: next((run for run in workbench.runs(job) if run["status"] == "completed"), None), "it ran again")

    ended, again = (one["error_kind"] for one in workbench.runs(job))
    assert (ended in ("lost", "database"), again) == (True, ""), (
        "the renewal of the claim has given up first, or the write of progress and log"
    )
    assert workbench.entities() == 500


def test_case_eng_3_a_worker_that_alone_is_cut_off_loses_its_job_to_another(far):
    """The other worker sees a lease that has ended, and takes the job; what the first one writes later is refused."""
    workbench, proxy = far
    first = workbench.worker(lease_ttl=3, outage_grace=60)
    job = workbench.job(behaviour="sleep", resources=500)
    workbench.await_fault("sleep")
    proxy.stop()
    database_is(first, "down")
    workbench.sql.execute("update discovery_jobs set config = config || %s", [Jsonb({"behaviour": "well"})])
    workbench.url = workbench.direct
    workbench.worker(lease_ttl=3)
    until(lambda: next((run for run in workbench.runs(job) if run["status"] == "completed"), None), "another worker has done it")
    proxy.resume()
    until(lambda: first.state() and not first.state()["jobs"], "the first one ends its run")

    assert [one["error_kind"] for one in workbench.runs(job)] == ["lost", ""]
    assert workbench.entities() == 500


def test_e05_commits_that_a_fail_over_lost_are_made_again(workbench):
    """A replica that takes over may lack the last transactions, entities and all: the next run finds what is missing."""
    workbench.worker()
    job = workbench.job(resources=600)
    workbench.ended(job)
    before = content(workbench)
    workbench.sql.execute("delete from entities where id in (select id from entities order by id desc limit 200)")
    workbench.queue(job)
    run = workbench.ended(job, 2)

    assert (run["status"], run["entities_created"], run["entities_deleted"]) == ("completed", 200, 0)
    assert content(workbench) == before


def test_e05_a_fail_over_that_loses_the_last_commits(tmp_path, primary_and_standby):
    """The standby missed the end of a run, and takes over: there the run is swept, the job runs again, and all is as its source has it."""
    primary, standby = primary_and_standby
    proxy = Proxy(target_of(primary.url()))
    workbench = Workbench(primary.url(), tmp_path)
    try:
        workbench.url = behind(proxy.port, primary.url())
        worker = workbench.worker(lease_ttl=3)
        job = workbench.job(regions=["a", "b"], resources=300)
        workbench.ended(job)
        workbench.queue(job)
        until(lambda: len(workbench.rows("select from discovery_history")) == 2, "the second run has begun")
        workbench.ended(job, 2)
        position = workbench.one("select pg_current_wal_insert_lsn()")
        with psycopg.connect(standby.url(), autocommit=True) as there:
            until(lambda: there.execute("select pg_last_wal_replay_lsn() >= %s", [position]).fetchone()[0], "the standby has all of that")
        standby.stop(signal.SIGQUIT)
        change = {"resources": 310, "generation": 5, "changed": 50}
        workbench.sql.execute("update discovery_jobs set config = config || %s", [Jsonb(change)])
        workbench.queue(job)
        workbench.ended(job, 3)
        workbench.sql.close()
        primary.stop(signal.SIGQUIT)

        standby.start()
        workbench.sql = psycopg.connect(standby.url(), autocommit=True)
        workbench.one("select pg_promote()")
        assert (len(workbench.runs(job)), workbench.entities()) == (2, 600), "the third run never was"
        proxy.lead_to(target_of(standby.url()))
        proxy.cut()
        database_is(worker, "up")
        workbench.sql.execute("update discovery_jobs set config = config || %s", [Jsonb(change)])
        workbench.queue(job)
        run = workbench.ended(job, 3)

        assert (run["status"], run["entities_created"], run["entities_updated"], run["entities_deleted"]) == ("completed", 20, 100, 0)
        assert workbench.entities() == 620
        assert workbench.one("select count(*) from entities where (attributes->>'generation')::int = 5") == 100
        assert workbench.one("select count(*) from elder_worker.claims where owner is not null") == 0
    finally:
        for one in workbench.workers:
            one.stop()
            print(one.log.read_text(errors="replace")[-4000:])
        workbench.sql.close()
        proxy.close()


def test_e11_a_slow_database_is_waited_for(far):
    workbench, proxy = far
    workbench.worker()
    proxy.delay = 0.05
    job = workbench.job(regions=["a", "b"], resources=200)
    run = workbench.ended(job)
    proxy.delay = 0.0

    assert (run["status"], run["attempt"], workbench.entities()) == ("completed", 1, 400)


def test_e12_a_schema_of_a_newer_version_is_left_alone_until_it_is_known(workbench):
    workbench.sql.execute("insert into elder_worker.migrations (name, checksum) values ('9999_future', 'x')")
    worker = workbench.worker()
    job = workbench.job(resources=10)
    until(lambda: "9999_future" in worker.report().get("database", {}).get("error", ""), "the worker says why it does nothing")
    assert worker.report()["database"]["state"] == "down"
    assert workbench.rows("select from discovery_history") == []

    workbench.sql.execute("delete from elder_worker.migrations where name = '9999_future'")
    assert workbench.ended(job)["status"] == "completed"
    assert worker.state()["services"]["writer"]["restarts"] == 0


def test_e12_a_schema_of_the_version_before_is_brought_up_to_date(tmp_path, empty_database, monkeypatch):
    *before, last = migrate.migrations().items()
    with monkeypatch.context() as patch:
        patch.setattr(migrate, "migrations", lambda: dict(before))
        migrate.migrate(empty_database)
    workbench = Workbench(empty_database, tmp_path)
    worker = workbench.worker()
    try:
        job = workbench.job(resources=10)
        assert workbench.ended(job)["status"] == "completed"
        assert workbench.one("select max(name) from elder_worker.migrations") == last[0]
    finally:
        worker.stop()
        workbench.sql.close()
