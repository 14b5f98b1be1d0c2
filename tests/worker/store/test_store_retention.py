"""History is deleted in batches: that of a deleted job, and what is older than it is kept. Each job's latest runs stay."""

from __future__ import annotations

import time

import pytest
from store_runs import add_job, resources, run_once

from worker.store import retention
from worker.store.connection import connect

YEAR_OF_FIVE_MINUTES = 105_120


@pytest.fixture
def job(sql):
    return add_job(sql)


def add_runs(sql, job: int, count: int, *, status: str = "completed", days: float = 0, lines: int = 1) -> None:
    sql.execute(
        "with runs as (insert into discovery_history (job_id, status, started_at, completed_at) "
        "select %s, %s, now() - make_interval(secs => %s), now() - make_interval(secs => %s) from generate_series(1, %s) returning id) "
        "insert into run_scopes (run_id, scope_id, provider, account, region, resource_type, outcome) "
        "select id, n, 'aws', '1', 'r', 't', 'complete' from runs, generate_series(1, %s) n",
        [job, status, days * 86400, days * 86400, count, lines],
    )


def clean(database, days: int = 90) -> tuple[int, float]:
    """Cleans until nothing is left; (how many batches, seconds of the longest)."""
    batches, longest, more = 0, 0.0, True
    with connect(database) as connection:
        while more:
            began = time.monotonic()
            more = retention.clean(connection, retention.Kept(history=days)).more
            batches, longest = batches + 1, max(longest, time.monotonic() - began)
    return batches, longest


def statuses(sql, job: int) -> list[str]:
    return [status for (status,) in sql.execute("select status from discovery_history where job_id = %s order by id", [job])]


def test_case_eng_8_a_job_with_a_year_of_runs_is_deleted_at_once_and_its_history_in_the_background(elder, database, sql, job):
    run_once(database, job, resources(5))
    other = add_job(sql)
    add_runs(sql, job, YEAR_OF_FIVE_MINUTES)
    add_runs(sql, other, 3)
    run = sql.execute("select max(id) from discovery_history where job_id = %s", [job]).fetchone()[0]
    sql.execute("analyze")

    began = time.monotonic()
    elder.delete(f"discovery/jobs/{job}")
    took = time.monotonic() - began

    assert took < 1.0
    assert elder.get(f"discovery/jobs/{job}", 404)["error"] == f"there is no job {job}"
    assert [one["id"] for one in elder.get("discovery/jobs")["jobs"]] == [other]
    elder.get(f"runs/{run}", 404)
    elder.get(f"discovery/jobs/{job}/history", 404)
    elder.post(f"discovery/jobs/{job}/queue", status=404)
    assert sql.execute("select config from discovery_jobs where id = %s", [job]).fetchone() == ({},), "its secrets went at once"

    batches, longest = clean(database)
    assert batches > YEAR_OF_FIVE_MINUTES / retention.RUNS
    assert longest < 10.0
    assert sql.execute("select count(*) from discovery_jobs where id = %s", [job]).fetchone() == (0,)
    assert sql.execute("select count(*), count(distinct run_id) from run_scopes").fetchone() == (3, 3)
    assert (statuses(sql, job), len(statuses(sql, other))) == ([], 3)
    assert elder.get("entities")["total"] == 5, "what it found stays"
    assert sql.execute("select state from elder_worker.scopes").fetchall() == [("abandoned",)]


def test_case_eng_8_a_running_job_is_not_deleted(elder, database, sql, job):
    add_runs(sql, job, 1)
    sql.execute(
        "insert into elder_worker.claims (job_id, owner, expires_at) values (%s, gen_random_uuid(), now() + interval '1 hour')", [job]
    )

    assert "is running" in elder.delete(f"discovery/jobs/{job}", 409)["error"]
    clean(database)
    assert len(statuses(sql, job)) == 1


def test_the_latest_run_and_the_latest_complete_one_are_kept_however_old(database, sql, job):
    add_runs(sql, job, 5, days=400)
    add_runs(sql, job, 3, status="partial", days=300)
    add_runs(sql, job, 4, status="error", days=200)
    clean(database)

    assert statuses(sql, job) == ["completed", "error"]


def test_what_is_young_enough_is_kept(database, sql, job):
    add_runs(sql, job, 5, days=91)
    add_runs(sql, job, 5, days=89)
    clean(database)
    assert len(statuses(sql, job)) == 5

    clean(database, days=0)
    assert len(statuses(sql, job)) == 5, "for ever"


def test_large_ledgers_are_deleted_in_pieces(database, sql, job, monkeypatch):
    monkeypatch.setattr(retention, "LINES", 100)
    add_runs(sql, job, 3, days=400, lines=150)
    add_runs(sql, job, 1)
    sql.execute("update discovery_history set ledger_chain = 0")  # all lines are their own
    batches, _ = clean(database)

    assert batches >= 5
    assert (statuses(sql, job), sql.execute("select count(*) from run_scopes").fetchone()) == (["completed"], (1,))


def test_a_run_that_goes_on_is_kept(database, sql, job):
    add_runs(sql, job, 1, days=400)
    sql.execute("update discovery_history set status = 'running', completed_at = null, started_at = now() - interval '400 days'")
    add_runs(sql, job, 1, days=399)
    clean(database)

    assert statuses(sql, job) == ["running", "completed"]
