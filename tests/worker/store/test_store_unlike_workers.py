"""Workers that are unlike: each claims only what it can run, and a job that nobody can run says so."""

from __future__ import annotations

import uuid

import pytest
from store_runs import add_job

from worker.run.queue import Abilities
from worker.store import jobs, probes
from worker.store.connection import connect
from worker.store.queue import PostgresQueue


@pytest.fixture
def worker(database):
    """Makes a worker's connected queue; closed at the end."""
    made = []

    def make(*providers: str, queues: tuple[str, ...] = ("default",)) -> PostgresQueue:
        abilities = Abilities(providers, queues) if providers else None
        made.append(PostgresQueue(database, str(uuid.uuid4()), f"w{len(made)}", 30.0, abilities=abilities))
        made[-1].renew([])
        return made[-1]

    yield make
    for one in made:
        one.close()


def shown(database, job: int) -> str:
    with connect(database) as connection:
        return jobs.get(connection, job)["waiting_for"]


def test_case_eng_7_a_worker_claims_only_providers_that_it_can_run(database, sql, worker):
    for _ in range(4):
        add_job(sql, provider="aws")
    mine = add_job(sql, provider="kubernetes")
    without = worker("kubernetes", "gcp")
    assert [one.job_id for one in without.claim(10, None)] == [mine]
    assert without.claim(10, None) == []
    assert len(worker("aws").claim(10, None)) == 4, "the jobs were left to the worker that can run them"


def test_a_worker_claims_only_jobs_of_its_queues(database, sql, worker):
    default, zone = add_job(sql), add_job(sql, queue="dmz")
    assert [one.job_id for one in worker("aws", queues=("dmz",)).claim(10, None)] == [zone]
    assert [one.job_id for one in worker("aws", queues=("default", "other")).claim(10, None)] == [default]


def test_a_job_that_nobody_can_run_stays_pending_and_says_why(database, sql, worker):
    job = add_job(sql, queue="dmz")
    sentence = "no running worker has the provider aws installed and switched on and serves the queue dmz"
    assert shown(database, job) == sentence
    worker("aws")
    assert shown(database, job) == sentence
    worker("aws", queues=("dmz",))
    assert shown(database, job) == ""


def test_a_worker_of_the_release_before_claims_any(database, sql, worker):
    job = add_job(sql, queue="default")
    old = worker()
    assert shown(database, job) == ""
    assert [one.job_id for one in old.claim(10, None)] == [job]


def test_a_named_job_is_claimed_by_whoever_is_told_to(database, sql, worker):
    """``run --once --job``: the worker then refuses it with the reason."""
    job = add_job(sql, provider="aws")
    assert [one.job_id for one in worker("kubernetes").claim(1, job)] == [job]


def test_a_connectivity_test_is_answered_by_a_worker_that_can(database, sql, worker):
    with connect(database) as connection:
        unable, able = worker("kubernetes"), worker("aws")
        probes.ask(connection, "aws", {})
        assert unable.claim_tests(3) == []
        assert [one.provider for one in able.claim_tests(3)] == ["aws"]
        assert probes.workers(connection, 60.0, "aws") == 1
        assert probes.workers(connection, 60.0, "azure") == 0
