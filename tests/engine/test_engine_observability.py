"""Each run is reported once: one metric, one log line, both equal to the database. Group H of the fault catalogue."""

from __future__ import annotations

import collections
import itertools
import json
import re
import signal
import uuid

import pytest
from psycopg.types.json import Jsonb
from waiting import until

from worker.store import claims
from worker.store.claimed import RETRY_SECONDS
from worker.store.connection import connect

ENDS = {
    "completed": ("well", {}, "exited"),
    "partial": ("deny", {}, "exited"),
    "error/config": ("refuse_config", {}, "exited"),
    "error/credentials": ("refuse_credentials", {"password": "hunter2hunter2"}, "exited"),
    "error/source": ("time_out_in_check", {}, "exited"),
    "error/internal": ("blurt_in_check", {"password": "hunter2hunter2"}, "exited"),
    "error/database": ("well", {"resources": 100_000, "pause": 0.01}, "writer"),
    "error/protocol": ("exit_0", {}, "exited"),
    "error/crashed": ("kill_itself", {}, "signalled"),
    "error/memory": ("hog_in_children", {}, "memory"),
    "error/idle": ("sleep", {}, "idle"),
    "cancelled": ("sleep", {}, "cancelled"),
}
"""Status and kind -> (what the source does, more of its config, the cause of its process's death)."""

KILLED = ("memory", "idle", "timeout", "cancelled", "writer")
"""The causes that are ours."""


REFUSE = """
create function refuse() returns trigger language plpgsql as $$ begin raise exception 'as the test wants'; end $$;
create trigger refuse before insert on entities for each row execute function refuse()
"""


def cut_off(proxy, account):
    """Cuts whatever a run sends of that account, as often as the writer tries it; its last words, that it failed, are let through."""
    tries = iter(range(1 + len(RETRY_SECONDS)))
    proxy.change = lambda data: None if account.encode() in data and next(tries, None) is not None else data
    return tries


def counted(worker):
    """Runs by status and kind, from the worker's metric."""
    found = collections.Counter()
    for name, _, labels, value in (worker.state() or {}).get("metrics", ()):
        if name == "discovery_jobs_total":
            found["/".join(filter(None, (labels["status"], labels["error_kind"])))] += int(value)
    return found


def stored(workbench):
    """Runs by status and kind, from the database."""
    rows = workbench.rows("select status, error_kind, count(*) from discovery_history where status <> 'running' group by 1, 2")
    return collections.Counter({"/".join(filter(None, (row["status"], row["error_kind"]))): row["count"] for row in rows})


def lines(worker, words):
    """Log lines that contain those words."""
    found = [json.loads(line) for line in worker.log.read_text(errors="replace").splitlines() if line.startswith("{")]
    return [line for line in found if words in line["event"]]


def ends(worker, job):
    """The lines that say how a run of that job ended."""
    return [one for one in lines(worker, "discovery ") if re.search(rf"for job_id: {job}(:|$)", one["event"])]


def told_once(worker, job, end, cause):
    """Asserts that there is one line with all its fields."""
    status, _, error_kind = end.partition("/")
    [line] = ends(worker, job)
    assert (line["status"], line.get("error_kind", ""), line["attempt"], line["cause"]) == (status, error_kind, 1, cause), (end, line)
    assert line["pid"] > 1
    assert line["seconds"] > 0
    if line["cause"] != "memory":  # the kernel may have been faster than we
        assert (line["kill_seconds"] is not None) == (line["cause"] in KILLED), end


def test_h03_every_terminal_state_is_told_once(workbench, proxied):
    proxy, workbench.url = proxied
    tries = cut_off(proxy, "error/database")
    worker = workbench.worker(
        discovery_max_concurrent=4,
        discovery_job_timeout=300,
        discovery_idle_timeout=15,
        discovery_job_memory_mb=200,
        outage_grace=0,
        log_format="json",
    )
    jobs = {end: workbench.job(behaviour=behaviour, account=end, **more) for end, (behaviour, more, _) in ENDS.items()}
    refused = workbench.job(provider="no-such-provider")
    gone = workbench.job(behaviour="well", account="gone")
    until(lambda: workbench.one("select status from discovery_history where job_id = %s", jobs["cancelled"]) == "running", "it runs")
    workbench.sql.execute("update discovery_jobs set cancel_requested = true where id = %s", [jobs["cancelled"]])
    workbench.sql.execute("select pg_notify('elder_worker', 'cancel')")
    for job in (*jobs.values(), refused, gone):
        workbench.ended(job)
        workbench.sql.execute(
            "update discovery_jobs set enabled = false where id = %s", [job]
        )  # not once more, however long the others take

    expected = collections.Counter({**dict.fromkeys(jobs, 1), "error/config": 2, "completed": 2})
    assert stored(workbench) == expected
    until(lambda: counted(worker) == expected, f"the metric says the same: {counted(worker)}")
    for end, job in jobs.items():
        told_once(worker, job, end, ENDS[end][2])
    assert next(tries, None) is None, "it was cut off as often as it tried"
    [line] = ends(worker, refused)
    assert (line["cause"], line["pid"], line["error_kind"]) == ("refused", None, "config")


def test_h03_a_run_that_took_too_long_is_told_once(workbench):
    """Uses its own worker: its short limit would be too short for the other tests on a loaded machine."""
    worker = workbench.worker(discovery_job_timeout=10, discovery_idle_timeout=9, log_format="json")
    job = workbench.job(resources=100_000, pause=0.01)
    workbench.ended(job)

    until(lambda: counted(worker) == stored(workbench) == {"error/timeout": 1}, "it is counted")
    told_once(worker, job, "error/timeout", "timeout")


@pytest.mark.parametrize(("behaviour", "cause"), [("sleep", "writer"), ("exit_7", "exited")])
def test_h03_what_the_database_refuses_is_told_once(workbench, behaviour, cause):
    """A statement error that comes back each time, in the middle of a run and at its end, does not keep the end from being stored."""
    workbench.sql.execute(REFUSE)
    worker = workbench.worker(log_format="json")
    job = workbench.job(behaviour=behaviour, resources=700)
    run = workbench.ended(job)

    assert (run["status"], run["error_kind"]) == ("error", "database")
    assert "as the test wants" in run["error"]
    until(lambda: counted(worker) == stored(workbench) == {"error/database": 1}, "it is counted")
    told_once(worker, job, "error/database", cause)


def test_h03_a_run_whose_worker_is_gone_is_told_once_too(workbench):
    job = workbench.job(resources=5)
    with connect(workbench.url) as connection:
        [claimed] = claims.claim(connection, str(uuid.uuid4()), "one that is gone", 0.1, 1, job)
    worker = workbench.worker(log_format="json")
    workbench.ended(job, 2)

    until(lambda: counted(worker) == {"error/lost": 1, "completed": 1}, "both are counted")
    [line] = lines(worker, f"discovery ended with error for job_id: {job}: its worker is gone, and it is due again")
    assert (line["run"], line["attempt"], line["cause"]) == (claimed.run_id, 1, "lost")


def test_h03_a_run_that_the_api_found_lost_while_no_worker_was_there_is_told_once_too(workbench):
    job = workbench.job(resources=5)
    with connect(workbench.url) as connection:
        [claimed] = claims.claim(connection, str(uuid.uuid4()), "one that is gone", 0.0, 1, job)
        claims.sweep_uncounted(connection)
    assert stored(workbench) == {"error/lost": 1}
    workers = [workbench.worker(log_format="json") for _ in range(2)]
    workbench.ended(job, 2)

    until(lambda: counted(workers[0]) + counted(workers[1]) == {"error/lost": 1, "completed": 1}, "both are counted, by one of them")
    [line] = [line for worker in workers for line in ends(worker, job) if line["cause"] == "lost"]
    assert (line["run"], line["attempt"]) == (claimed.run_id, 1)


def test_h04_the_counters_of_all_workers_together_are_the_database(workbench):
    """Over a kill -9 of the first: what it was running is counted by the one that finds it."""
    first = workbench.worker(lease_ttl=3, discovery_max_concurrent=2)
    samples = []
    for behaviour in ("well", "deny", "exit_7"):
        workbench.ended(workbench.job(behaviour=behaviour, account=behaviour))
        samples.append(counted(first))
    until(lambda: counted(first) == stored(workbench), "the first has told of all")
    assert all(after[end] >= number for before, after in itertools.pairwise(samples) for end, number in before.items())
    last = counted(first)
    stuck = workbench.job(behaviour="sleep", account="stuck")
    workbench.await_fault("sleep")
    first.kill()
    until(lambda: not first.processes(), "no process of the first is left")
    workbench.sql.execute("update discovery_jobs set config = config || %s where id = %s", [Jsonb({"behaviour": "well"}), stuck])

    second = workbench.worker()
    workbench.ended(stuck, 2)
    until(lambda: last + counted(second) == stored(workbench), "the difference is 0")
    assert counted(second) == {"error/lost": 1, "completed": 1}


def test_the_rows_that_were_written_are_counted(workbench):
    worker = workbench.worker()
    job = workbench.job(resources=50)
    workbench.ended(job)
    workbench.sql.execute("update discovery_jobs set config = config || %s", [Jsonb({"resources": 45, "generation": 1, "changed": 10})])
    workbench.queue(job)
    workbench.ended(job, 2)

    def written():
        return {labels["operation"]: int(value) for name, _, labels, value in worker.report()["metrics"] if name == "writer_rows_total"}

    until(lambda: written() == {"created": 50, "updated": 10, "deleted": 5}, f"created, updated and deleted are told: {written()}")


def test_e07_a_holder_that_slept_through_its_lease_writes_nothing_and_it_is_counted(workbench):
    """All of the first worker stops; a second one takes the job over and ends it; the first wakes up and goes on where it was."""
    first = workbench.worker(lease_ttl=3)
    job = workbench.job(resources=4000, pause=0.001)
    until(lambda: workbench.entities() > 0, "the first is in the middle")
    sleepers = first.processes()
    busy = "select count(*) from pg_stat_activity where application_name like 'elder-worker/%%' and state <> 'idle' and datname = current_database()"

    def asleep() -> bool:
        """Between two transactions: one that it sleeps in would keep its claim locked."""
        for pid in sleepers:
            first.signal(pid, signal.SIGSTOP)
        if not workbench.one(busy):
            return True
        for pid in sleepers:
            first.signal(pid, signal.SIGCONT)
        return False

    until(asleep, "it sleeps")
    workbench.sql.execute("update discovery_jobs set config = config || %s", [Jsonb({"pause": 0})])
    workbench.worker()
    run = workbench.ended(job, 2)
    assert (run["status"], run["attempt"], workbench.entities()) == ("completed", 2, 4000)
    before = workbench.rows("select id, xmin::text from entities order by id"), workbench.runs(job)
    for pid in sleepers:
        first.signal(pid, signal.SIGCONT)

    def refused():
        return sum(value for name, _, _, value in first.report().get("metrics", ()) if name == "writer_refused_writes_total")

    until(lambda: refused() >= 1, "what it still wanted to write was refused and counted")
    until(lambda: first.state() and not first.state()["jobs"], "its job is ended")
    assert (workbench.rows("select id, xmin::text from entities order by id"), workbench.runs(job)) == before
