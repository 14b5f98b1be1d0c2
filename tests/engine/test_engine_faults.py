"""Groups B, C and D of the fault catalogue with whole workers: what is in the database afterwards."""

from __future__ import annotations

import contextlib
import pathlib
import signal

import psycopg
import pytest
from peers.absent import missing
from psycopg.types.json import Jsonb
from waiting import until


def change(workbench, job, **config):
    workbench.sql.execute("update discovery_jobs set config = config || %s where id = %s", [Jsonb(config), job])


def states(worker):
    return [job["state"] for job in (worker.state() or {"jobs": []})["jobs"]]


@contextlib.contextmanager
def writes_blocked(workbench):
    """Blocks every writer of entities."""
    with psycopg.connect(workbench.url) as other:
        other.execute("lock table entities in share mode")
        yield


PHASES = {
    "claim": lambda workbench, worker: None,
    "spawn": lambda workbench, worker: until(
        lambda: workbench.one("select count(*) from discovery_history"), "it is claimed, and about to be spawned"
    ),
    "mid frame": lambda workbench, worker: workbench.await_fault("write_half_a_frame"),
    "commit": lambda workbench, worker: until(
        lambda: workbench.one("select count(*) from pg_locks where not granted"), "it waits to write"
    ),
    "kill": lambda workbench, worker: until(lambda: "terminating" in states(worker), "it is being killed"),
}
BEHAVIOUR = {"mid frame": "write_half_a_frame", "kill": "ignore_sigterm"}


@pytest.mark.parametrize("phase", PHASES)
def test_b05_sigterm_in_each_phase_of_the_loop(workbench, phase):
    """Nothing is lost, doubled or half done: the next worker completes everything, and every run ends once."""
    options = {"kill_grace": 4.0 if phase == "kill" else 1.0, "shutdown_grace": 1.0}
    worker = workbench.worker(options=options, discovery_job_timeout=12 if phase == "kill" else 600)
    until(worker.state, "it is up")
    with writes_blocked(workbench) if phase == "commit" else contextlib.nullcontext():
        job = workbench.job(regions=["a", "b"], resources=3000, behaviour=BEHAVIOUR.get(phase, "well"))
        PHASES[phase](workbench, worker)
        worker.process.send_signal(signal.SIGTERM)
    assert worker.wait() == 0
    assert workbench.one("select count(*) from elder_worker.claims where owner is not null") == 0

    before = len(workbench.runs(job))
    change(workbench, job, behaviour="well")
    workbench.queue(job)
    workbench.worker()
    assert workbench.ended(job, before + 1)["status"] == "completed"
    assert workbench.entities() == 6000
    assert workbench.one("select count(distinct external_id) from entities") == 6000
    assert workbench.one("select count(*) from discovery_history where status = 'running'") == 0
    assert workbench.one("select crashes from discovery_jobs") == 0


def test_b07_a_clock_that_jumps_an_hour_touches_no_lease(workbench, tmp_path, monkeypatch):
    """The worker's time of day goes an hour ahead, an hour back, and right again, by libfaketime; the database's does not. The run is one run."""
    library = next(iter(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), None)
    if library is None:
        missing("libfaketime is not installed")
    clock = tmp_path / "clock"
    clock.write_text("+0")
    faked = {
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    for name, value in {"LD_PRELOAD": str(library), **faked}.items():
        monkeypatch.setenv(name, value)
    worker = workbench.worker(lease_ttl=6, options={"confine_files": False})
    job = workbench.job(behaviour="sleep")
    workbench.await_fault("sleep")
    for jump in ("+3600", "-3600", "+0"):
        before = worker.state()["beat"]
        clock.write_text(jump)
        until(lambda before=before: worker.state()["beat"] > before + 3.0, "half a lease goes by")
    assert len(states(worker)) == 1
    workbench.sql.execute("update discovery_jobs set cancel_requested = true")
    workbench.sql.execute("select pg_notify('elder_worker', 'cancel')")

    run = workbench.ended(job)
    assert (run["status"], run["attempt"]) == ("cancelled", 1)
    assert 0 < (run["completed_at"] - run["started_at"]).total_seconds() < 1800
    assert len(workbench.runs(job)) == 1


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGUSR1], ids=["stopped", "stuck"])
def test_a_writer_that_does_nothing_any_more_is_ended_and_another_does_its_work(workbench, number):
    """A stuck writer renews no lease and claims nothing, although the supervisor's loop turns."""
    worker = workbench.worker(options={"writer_timeout": 3.0}, lease_ttl=5)
    job = workbench.job(resources=1, behaviour="sleep")
    workbench.await_fault("sleep")
    worker.signal(worker.state()["services"]["writer"]["pid"], number)
    until(lambda: worker.state()["services"]["writer"]["restarts"] == 1, "it is ended and started again")
    assert "writer has not reported for 3 s and is ended" in worker.log.read_text()
    assert ("in get_stuck" in worker.log.read_text()) is (number == signal.SIGUSR1), "where it stood"

    change(workbench, job, behaviour="well")
    assert workbench.ended(job)["error_kind"] == "lost"
    assert workbench.ended(job, 2)["status"] == "completed"


def test_b13_two_workers_on_one_database(workbench):
    """Two workers use all their slots, run each job once, and neither starves."""
    workers = [workbench.worker(discovery_max_concurrent=2), workbench.worker(discovery_max_concurrent=2)]
    endless = [workbench.job(behaviour="sleep", account=f"endless-{number}") for number in range(5)]
    until(lambda: workbench.one("select count(*) from discovery_history where status = 'running'") == 4, "all four slots are taken")
    until(lambda: [len(states(worker)) for worker in workers] == [2, 2], "two on each")
    workbench.sql.execute("update discovery_jobs set cancel_requested = true, enabled = id <> %s", [endless[-1]])
    workbench.sql.execute("select pg_notify('elder_worker', 'cancel')")
    until(lambda: workbench.one("select count(*) from discovery_history where status = 'cancelled'") == 4, "they are cancelled")

    quick = [workbench.job(resources=20, account=f"quick-{number}", pause=0.02) for number in range(12)]
    for job in quick:
        assert workbench.ended(job)["status"] == "completed"
    assert workbench.rows("select job_id from discovery_history where job_id = any(%s) group by 1 having count(*) <> 1", quick) == []


def test_c11_a_number_that_comes_twice_or_too_early(workbench):
    """The violation ends the run; what arrived in order before is stored once."""
    workbench.worker()
    for behaviour in ("repeat_records", "skip_records"):
        job = workbench.job(behaviour=behaviour, account=behaviour, regions=[f"{behaviour}-a", f"{behaviour}-b"], resources=700)
        run = workbench.ended(job)
        assert (run["status"], run["error_kind"]) == ("error", "protocol")
        assert "RECORDS number" in run["error"]
        assert workbench.one("select count(*) from entities where account = %s", behaviour) == run["entities_discovered"]
        assert workbench.one("select count(distinct external_id) from entities where account = %s", behaviour) == run["entities_discovered"]
        assert workbench.scopes(run)[f"{behaviour}-a"]["outcome"] == "complete"


def test_d07_a_flood_of_one_provider_does_not_hold_up_the_others(workbench):
    """Eight jobs of one provider are due, then one of another: it has the next slot that is free, not the ninth."""
    workbench.sql.execute(
        "insert into discovery_jobs (name, provider, config, organization_id, next_run_at) select 'flood', 'hostile', %s, %s, now() - interval '1 hour' from generate_series(1, 8)",
        [Jsonb({"resources": 20}), workbench.organization],
    )
    other = workbench.job(provider="kubernetes", server="https://127.0.0.1:1", token="x")
    workbench.worker(discovery_max_concurrent=1)
    until(lambda: workbench.one("select count(*) from discovery_history where status <> 'running'") >= 9, "all have run", cap=200)
    order = [row["job_id"] for row in workbench.rows("select job_id from discovery_history order by started_at, id")]
    assert order.index(other) <= 1
