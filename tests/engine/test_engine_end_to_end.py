"""A job in the database, a whole worker, and what is in the database afterwards."""

from __future__ import annotations

from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg.types.json import Jsonb
from waiting import slowness, until


def test_a_job_runs_and_its_results_are_stored(workbench):
    workbench.worker()
    job = workbench.job(regions=["a", "b"], resources=100)
    run = workbench.ended(job)

    assert (run["status"], run["entities_discovered"], run["entities_created"]) == ("completed", 200, 200)
    assert workbench.entities() == 200
    assert run["identity"]["account"] == "hostile-1"
    assert {row["outcome"] for row in workbench.scopes(run).values()} == {"complete"}
    assert workbench.one("select status from discovery_jobs") == "completed"
    assert workbench.one("select count(*) from dependencies where target_id is not null") == 198


def test_a_second_identical_run_writes_no_entity(workbench):
    workbench.worker()
    job = workbench.job(resources=2000)
    workbench.ended(job)
    before = workbench.rows("select id, xmin::text, ctid::text from entities order by id")
    workbench.queue(job)
    run = workbench.ended(job, 2)

    assert (run["status"], run["entities_discovered"], run["entities_created"], run["entities_updated"]) == ("completed", 2000, 0, 0)
    assert workbench.rows("select id, xmin::text, ctid::text from entities order by id") == before


def test_a_denied_region_makes_the_run_partial_and_leaves_its_entities_alone(workbench):
    workbench.worker()
    job = workbench.job(regions=["a", "b"], resources=100)
    workbench.ended(job)
    workbench.sql.execute(
        "update discovery_jobs set config = config || %s", [Jsonb({"behaviour": "deny", "misbehave_in": "b", "resources": 10})]
    )
    workbench.sql.execute("update discovery_jobs set config = jsonb_set(config, '{regions}', '[\"b\"]')")
    workbench.queue(job)
    run = workbench.ended(job, 2)

    assert (run["status"], run["entities_deleted"]) == ("partial", 0)
    scope = workbench.scopes(run)["b"]
    assert (scope["outcome"], scope["permission"]) == ("denied", "hostile:ListThings")
    assert workbench.entities() == 200


def test_what_is_gone_is_tombstoned_but_not_too_much_at_once(workbench):
    workbench.worker()
    job = workbench.job(resources=300)
    workbench.ended(job)
    workbench.sql.execute("update discovery_jobs set config = config || %s", [Jsonb({"resources": 290})])
    workbench.queue(job)

    assert workbench.ended(job, 2)["entities_deleted"] == 10
    assert (workbench.entities(), workbench.entities(active=False)) == (290, 10)

    workbench.sql.execute("update discovery_jobs set config = config || %s", [Jsonb({"behaviour": "empty"})])
    workbench.queue(job)
    run = workbench.ended(job, 3)
    assert (run["entities_deleted"], workbench.scopes(run)["r1"]["held_back"]) == (0, 290)
    assert workbench.entities() == 290


ENDS = {
    "sleep": "timeout",
    "ignore_sigterm": "timeout",
    "grandchild": "timeout",
    "stop": "timeout",
    "hog_memory": "memory",
    "hog_in_children": "memory",
    "write_garbage": "protocol",
    "exit_0": "protocol",
    "kill_itself": "crashed",
}


def test_a_job_that_misbehaves_is_dead_its_run_recorded_what_it_found_kept_and_the_next_one_starts(workbench):
    """Every kind of misbehaviour, four jobs at a time."""
    workbench.worker(discovery_job_timeout=15 * slowness(), discovery_max_concurrent=4)  # a hog has to grow before that
    jobs = {
        behaviour: workbench.job(behaviour=behaviour, account=behaviour, regions=[f"{behaviour}-a", f"{behaviour}-b"], resources=600)
        for behaviour in ENDS
    }
    good = workbench.job(resources=10)

    for behaviour, kind in ENDS.items():
        run = workbench.ended(jobs[behaviour])
        assert (behaviour, run["status"], run["error_kind"]) == (behaviour, "error", kind)
        assert run["error"]
        assert run["entities_discovered"] >= 1100, behaviour
        scopes = workbench.scopes(run)
        assert scopes[f"{behaviour}-a"]["outcome"] == "complete"
        assert scopes[f"{behaviour}-b"]["outcome"] in ("timeout", "error"), (behaviour, run)
        assert workbench.one("select count(*) from entities where account = %s", behaviour) == run["entities_discovered"]
    assert workbench.ended(good)["status"] == "completed"


@pytest.mark.parametrize(
    ("config", "kind", "sentence"),
    [
        ({"behavior": "well"}, "config", "did you mean `behaviour`"),
        ({"behaviour": "refuse_credentials"}, "credentials", "is wrong"),
        ({"provider": "hostil"}, "config", "did you mean 'hostile'"),
    ],
)
def test_a_job_that_cannot_run_says_why_and_is_not_tried_again(workbench, config, kind, sentence):
    workbench.worker()
    job = workbench.job(**config)
    run = workbench.ended(job)

    assert (run["status"], run["error_kind"]) == ("error", kind)
    assert sentence in run["error"]
    assert workbench.one("select next_run_at from discovery_jobs where id = %s", job) is None


def test_a_person_cancels_a_running_job(workbench):
    workbench.worker()
    job = workbench.job(behaviour="sleep")
    workbench.await_fault("sleep")
    workbench.sql.execute("update discovery_jobs set cancel_requested = true where id = %s", [job])
    workbench.sql.execute("select pg_notify('elder_worker', 'cancel')")

    assert workbench.ended(job)["status"] == "cancelled"


def test_a_worker_that_stops_gives_its_job_back(workbench):
    worker = workbench.worker(options={"shutdown_grace": 0.2})
    job = workbench.job(behaviour="sleep")
    workbench.await_fault("sleep")

    assert worker.stop() == 0
    assert workbench.runs(job) == []
    assert workbench.one("select status from discovery_jobs") == "pending"
    assert workbench.one("select crashes + failures from discovery_jobs") == 0


def test_e09_kill_9_of_the_supervisor_and_another_worker_finishes(workbench):
    worker = workbench.worker(lease_ttl=3)
    job = workbench.job(behaviour="ignore_sigterm", resources=500)
    workbench.await_fault("ignore_sigterm")
    worker.kill()
    until(lambda: not worker.processes(), "no process of the worker is left")
    workbench.sql.execute("update discovery_jobs set config = config || %s", [Jsonb({"behaviour": "well"})])
    workbench.worker()
    run = workbench.ended(job, 2)

    assert [one["error_kind"] for one in workbench.runs(job)] == ["lost", ""]
    assert (run["status"], run["attempt"], workbench.entities()) == ("completed", 2, 500)


def test_a_late_writer_is_refused(workbench):
    """Its lease is taken away while its job runs: the job is ended, and what it finds from then on is not stored."""
    workbench.worker(lease_ttl=3)
    job = workbench.job(behaviour="sleep")
    workbench.await_fault("sleep")
    workbench.sql.execute(
        "update elder_worker.claims set token = token + 1, owner = gen_random_uuid(), expires_at = now() + interval '1 hour'"
    )
    worker = workbench.workers[0]
    until(lambda: worker.state() and not worker.state()["jobs"], "the job is ended")

    assert workbench.one("select status from discovery_history where job_id = %s", job) == "running", "its end is the new owner's to write"
    workbench.sql.execute("update elder_worker.claims set owner = null, expires_at = null")


def test_a_database_that_is_down_at_the_start(workbench, postgres_server):
    """The worker reports the outage, waits, and starts when the database is up."""
    name = urlsplit(workbench.url).path.strip("/")
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as admin:
        admin.execute(f"alter database {name} allow_connections false")
        worker = workbench.worker()
        until(lambda: worker.report().get("database", {}).get("error"), "the worker says that the database is away")
        assert worker.report()["database"]["state"] == "down"
        assert worker.process.poll() is None
        admin.execute(f"alter database {name} allow_connections true")
    job = workbench.job(resources=10)

    assert workbench.ended(job)["status"] == "completed"
    until(lambda: worker.report()["database"]["state"] == "up", "the worker says that it is back")


def test_once_runs_what_is_due_and_leaves(workbench):
    good, bad = workbench.job(resources=10), workbench.job(behaviour="exit_7")

    assert workbench.worker(once=True).wait() == 1
    assert [workbench.runs(job)[-1]["status"] for job in (good, bad)] == ["completed", "error"]

    workbench.queue(good)
    assert workbench.worker(once=True, job=good).wait() == 0
    assert [len(workbench.runs(job)) for job in (good, bad)] == [2, 1]
    assert workbench.worker(once=True, job=999).wait() == 1


def test_a_connectivity_test_is_answered(workbench):
    workbench.worker()
    for config in ({}, {"behaviour": "refuse_credentials"}):
        workbench.sql.execute("insert into elder_worker.tests (provider, config) values ('hostile', %s)", [Jsonb(config)])
        workbench.sql.execute("select pg_notify('elder_worker', 'test')")
    until(lambda: workbench.one("select count(*) from elder_worker.tests where answer is null") == 0, "both are answered")
    good, bad = (row["answer"] for row in workbench.rows("select answer from elder_worker.tests order by requested_at"))

    assert (good["success"], good["identity"]["account"]) == (True, "hostile-1")
    assert (bad["success"], bad["error_kind"]) == (False, "credentials")


def test_a_connectivity_test_that_hangs_holds_up_no_other(workbench):
    workbench.worker()
    hanging, quick = (
        workbench.one(
            "insert into elder_worker.tests (provider, config) values ('hostile', %s) returning id", Jsonb({"behaviour": behaviour})
        )
        for behaviour in ("sleep_in_check", "well")
    )
    workbench.sql.execute("select pg_notify('elder_worker', 'test')")
    answer = "select answer from elder_worker.tests where id = %s"
    until(lambda: workbench.one(answer, quick) is not None, "the quick one is answered")

    assert workbench.one(answer, quick)["success"]
    assert workbench.one(answer, hanging) is None
    assert workbench.one("select owner from elder_worker.tests where id = %s", hanging) is not None
