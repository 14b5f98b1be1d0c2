"""PgBouncer with its defaults between the database and everybody: workers, the API, connectors, migrations. In transaction and session mode."""

from __future__ import annotations

import select
import subprocess
import sys
import urllib.request
import uuid

import psycopg
import pytest
from peers.elder import KEY
from peers.pgbouncer import start
from peers.service import Part, environment, get
from peers.slapd import BASE, PASSWORD, READER, USERS
from waiting import until
from workbench import Workbench

from worker.store import migrate, notifications
from worker.store.connection import SESSION, connect, transaction
from worker.store.queue import PostgresQueue


@pytest.fixture
def bench(pooled, tmp_path):
    """A workbench whose workers reach the database through the pooler; the test looks at it directly."""
    one = Workbench(pooled.direct, tmp_path)
    one.url = pooled.url()
    yield one
    for worker in one.workers:
        if worker.process.poll() is None:
            worker.stop()
        until(lambda worker=worker: not worker.processes(), "processes are left")
        print(worker.log.read_text(errors="replace")[-5000:])
    one.sql.close()


@pytest.fixture
def queue(transaction_pooled):
    """Makes queues through a pooler in transaction mode."""
    made = []

    def make(**options) -> PostgresQueue:
        made.append(PostgresQueue(transaction_pooled.url(), str(uuid.uuid4()), "test", 30.0, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_case_eng_6_two_workers_run_jobs_through_pgbouncer(bench):
    """First runs, unchanged ones, changed ones with links between batches, and what is gone, all of them twice at a time."""
    for _ in range(2):
        bench.worker(discovery_max_concurrent=1)
    jobs = [bench.job(regions=[f"{n}-a", f"{n}-b"], resources=300, pause=0.002) for n in range(4)]
    until(lambda: bench.one("select count(distinct owner) from elder_worker.claims where owner is not null") == 2, "each has a job")
    assert [bench.ended(job)["status"] for job in jobs] == ["completed"] * 4
    assert bench.entities() == 2400

    for generation, (resources, told) in enumerate([(300, (0, 40, 0)), (295, (0, 40, 10))], 1):
        for job in jobs:
            change = '{"generation": %d, "changed": 20, "resources": %d, "pause": 0}'
            bench.sql.execute(
                "update discovery_jobs set config = config || %s::jsonb where id = %s", [change % (generation, resources), job]
            )
            bench.queue(job)
        runs = [bench.ended(job, generation + 1) for job in jobs]
        assert [run["status"] for run in runs] == ["completed"] * 4
        numbers = [(run["entities_created"], run["entities_updated"], run["entities_deleted"]) for run in runs]
        assert numbers == [told] * 4
    assert bench.entities() == 2360
    assert all("prepared statement" not in worker.log.read_text() for worker in bench.workers)


def test_case_eng_6_a_run_is_cancelled_through_pgbouncer(bench):
    bench.worker()
    job = bench.job(regions=["a", "b"], resources=5000, pause=0.01)
    until(lambda: bench.entities() > 0, "it stores")
    bench.sql.execute("update discovery_jobs set cancel_requested = true where id = %s", [job])
    assert bench.ended(job)["status"] == "cancelled"


def test_case_eng_6_the_server_behind_pgbouncer_restarts(proxied, database, tmp_path):
    """Every session of the server ends, four times in the middle of a run, while clients stay connected to the pooler."""
    proxy, url = proxied
    pooler = start(url, tmp_path / "pgbouncer", "transaction", "server_login_retry = 1")
    bench = Workbench(database, tmp_path)
    bench.url = pooler.url()
    try:
        worker = bench.worker()
        job = bench.job(regions=[f"r{n}" for n in range(20)], resources=50, pause=0.003)
        for count in (100, 300, 500, 700):
            until(lambda count=count: bench.entities() >= count, f"{count} entities")
            proxy.cut()
        run = bench.ended(job)
        assert (run["status"], run["attempt"], bench.entities()) == ("completed", 1, 1000)
        assert worker.stop() == 0
        until(lambda: not worker.processes(), "processes are left")
        print(worker.log.read_text(errors="replace")[-5000:])
    finally:
        for one in bench.workers:
            if one.process.poll() is None:
                one.stop()
        bench.sql.close()
        pooler.close()


def test_case_eng_6_a_new_database_is_migrated_through_pgbouncer(empty_database, tmp_path):
    for mode in ("transaction", "session"):
        pooler = start(empty_database, tmp_path / mode, mode)
        try:
            for _ in range(2):
                done = subprocess.run(
                    [sys.executable, "-m", "worker.cli", "migrate"],
                    env=environment({"DATABASE_URL": pooler.url()}),
                    capture_output=True,
                    text=True,
                    timeout=60,
                )
                assert (done.returncode, done.stdout.split()[-1:]) == (0, [migrate.version()]), done.stderr
        finally:
            pooler.close()
        with psycopg.connect(empty_database, autocommit=True) as connection:
            assert connection.execute("select count(*) from elder_worker.migrations").fetchone() == (len(migrate.migrations()),)
            connection.execute("drop schema public, elder_worker cascade; create schema public")


def test_case_eng_6_the_api_and_a_connector_work_through_pgbouncer(pooled, slapd, tmp_path):
    """Two syncs of a directory, the second one unchanged, through the API, and its pages and lists."""
    settings = {"DATABASE_URL": pooled.url(), "ELDER_SECRET_KEYS": KEY}
    parts = [Part(tmp_path / "api.log", "api", settings, "ELDER_API_PORT")]
    try:
        api = parts[0]
        api.wait(lambda: get(f"{api.url}/healthz"), "the API does not answer")
        for number in (1, 2):
            directory = {
                "LDAP_ENABLED": "true",
                "LDAP_SERVER": "localhost",
                "LDAP_PORT": str(slapd.port),
                "LDAP_USE_SSL": "false",
                "LDAP_BASE_DN": BASE,
                "LDAP_BIND_DN": READER,
                "LDAP_BIND_PASSWORD": PASSWORD,
            }
            log = tmp_path / f"worker-{number}.log"
            parts.append(Part(log, "run", {"ELDER_API_URL": api.url, **directory}, "HEALTH_CHECK_PORT"))
            parts[-1].wait(lambda: parts[-1].connector("ldap")["status"] in ("completed", "partial", "error"), "the sync ends")
            assert parts[-1].connector("ldap")["status"] == "completed", parts[-1].connector("ldap")
            parts.pop().stop()
        total = get(f"{api.url}/api/v1/entities?sub_type=ldap_user&per_page=1")["total"]
        assert total >= USERS
        last = get(f"{api.url}/api/v1/connectors/ldap/history")["results"][-1]
        assert (last["status"], last["entities_created"], last["entities_updated"], last["entities_deleted"]) == ("completed", 0, 0, 0)
        for path in ("/", "/changes", "/connectors/ldap", "/api/v1/scopes", "/api/v1/changes"):
            with urllib.request.urlopen(f"{api.url}{path}", timeout=20) as answer:
                assert answer.status == 200
    finally:
        for part in parts:
            part.stop()


def test_case_eng_6_limits_hold_in_transactions_and_nothing_outlives_them(transaction_pooled):
    """Two clients share one session of the server in turn."""
    with connect(transaction_pooled.url()) as one, connect(transaction_pooled.url()) as other:
        assert one.pooled
        assert other.pooled
        for connection in (one, other) * 10:
            with transaction(connection):
                for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
                    found = connection.execute("select setting from pg_settings where name = %s", [name]).fetchone()[0]
                    assert int(found) == SESSION[name], name
                with transaction(connection):
                    assert connection.execute("show timezone").fetchone() == ("UTC",)
            assert connection.execute("show timezone").fetchone() == ("UTC",)
            assert connection.execute("show statement_timeout").fetchone() == ("0",)
            assert connection.execute("select count(*) from pg_prepared_statements").fetchone() == (0,)
            assert connection.execute("select count(*) from pg_listening_channels()").fetchone() == (0,)


def test_case_eng_6_a_server_without_a_pooler_is_recognised(database):
    with connect(database) as connection:
        assert not connection.pooled
        assert connection.execute("show statement_timeout").fetchone() == ("2min",)


def test_case_eng_6_a_pooler_that_drops_the_options_silently_is_recognised(database, tmp_path):
    pooler = start(database, tmp_path, "transaction", "ignore_startup_parameters = options")
    try:
        with connect(pooler.url()) as connection:
            assert connection.pooled
            with transaction(connection):
                assert connection.execute("show statement_timeout").fetchone() == ("2min",)
    finally:
        pooler.close()


def test_case_eng_6_without_notifications_the_queue_is_looked_at_in_between(queue, monkeypatch):
    one = queue()
    assert not one.notified()
    monkeypatch.setattr(notifications, "LOOK", 0.0)
    assert one.notified()


def test_case_eng_6_database_listen_url_notifies_at_once(queue, transaction_pooled, database):
    one = queue(listen_url=database)
    assert not one.notified()
    with connect(transaction_pooled.url()) as sender:
        sender.execute("select pg_notify('elder_worker', 'job')")
    assert select.select([one], [], [], 20)[0]
    assert one.notified()
    assert not one.notified()


def test_case_eng_6_a_database_listen_url_that_fails_is_told_and_tried_again(queue, database, sql, monkeypatch):
    one = queue(listen_url=database)
    sql.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name like '% listens'")
    assert select.select([one], [], [], 20)[0]
    monkeypatch.setattr(notifications, "RETRY", 0.0)
    until(one.notified, "the loss is noticed, as what came meanwhile may have been missed")
    one.renew([])
    until(lambda: not one.notified(), "it listens again")
    sql.execute("select pg_notify('elder_worker', 'job')")
    assert select.select([one], [], [], 20)[0]
    assert one.notified()


def test_case_eng_6_a_database_listen_url_that_is_wrong_ends_nothing(queue):
    one = queue(listen_url="postgresql://nobody:canary-password@127.0.0.1:1/elder")
    one.renew([])
    one.sweep()
    assert not one.notified()
