"""DATABASE_READ_URL against a real streaming standby: it may lag, go away, or be promoted; no job is run twice or missed because of it."""

from __future__ import annotations

import contextlib
import uuid

import psycopg
import pytest
from psycopg.types.json import Jsonb
from waiting import until

from worker.store import queue as queue_module
from worker.store.queue import PostgresQueue


@pytest.fixture
def pair(primary_and_standby, monkeypatch):
    """(SQL on the primary, SQL on the standby, the standby, a maker of queues that read from it)."""
    primary, standby = primary_and_standby
    monkeypatch.setattr(queue_module, "PRIMARY_EVERY", 3600.0)
    with (
        psycopg.connect(primary.url(), autocommit=True) as here,
        psycopg.connect(standby.url(), autocommit=True) as there,
        contextlib.ExitStack() as queues,
    ):
        here.execute("insert into organizations (id, name) values (1, 'one')")

        def queue() -> PostgresQueue:
            one = PostgresQueue(primary.url(), str(uuid.uuid4()), "test", 30.0, read_url=standby.url())
            queues.callback(one.close)
            assert one.claim(10, None) == []  # the first look is the primary's
            return one

        yield here, there, standby, queue


def add_job(sql) -> int:
    """Adds a due job without a notification."""
    query = "insert into discovery_jobs (name, provider, config, organization_id) values ('job', 'aws', %s, 1) returning id"
    return sql.execute(query, [Jsonb({})]).fetchone()[0]


def caught_up(here, there) -> None:
    """Waits until the standby has all that the primary has."""
    position = here.execute("select pg_current_wal_insert_lsn()").fetchone()[0]
    until(lambda: there.execute("select pg_last_wal_replay_lsn() >= %s", [position]).fetchone()[0], "the standby catches up")


def test_what_the_standby_knows_is_claimed_on_the_primary(pair):
    here, there, _, queue = pair
    one = queue()
    job = add_job(here)
    caught_up(here, there)

    assert [claimed.job_id for claimed in one.claim(10, None)] == [job]
    assert here.execute("select count(*) from elder_worker.claims where owner is not null").fetchone() == (1,)


def test_a_standby_that_lags_behind_makes_no_job_run_twice(pair):
    """It still shows the job as due when it has long been claimed, and run."""
    here, there, _, queue = pair
    one, other = queue(), queue()
    job = add_job(here)
    caught_up(here, there)
    there.execute("select pg_wal_replay_pause()")

    assert [claimed.job_id for claimed in one.claim(10, None)] == [job]
    for _ in range(5):
        assert other.claim(10, None) == []
    assert here.execute("select count(*) from discovery_history").fetchone() == (1,)


def test_a_standby_that_lags_behind_makes_no_job_be_missed(pair, monkeypatch):
    """It has never heard of the job. Who is notified does not believe it; who is not asks the primary now and then."""
    here, there, _, queue = pair
    one, other = queue(), queue()
    there.execute("select pg_wal_replay_pause()")
    first = add_job(here)
    assert one.claim(10, None) == [], "the standby is believed"

    here.execute("select pg_notify('elder_worker', 'job')")
    until(one.notified, "the notification arrives")
    assert [claimed.job_id for claimed in one.claim(10, None)] == [first]

    second = add_job(here)
    monkeypatch.setattr(other, "_primary_next", 0.0)  # the minute is over
    assert [claimed.job_id for claimed in other.claim(10, None)] == [second]


def test_a_standby_that_goes_away_is_done_without_and_found_again(pair):
    here, there, standby, queue = pair
    one = queue()
    first = add_job(here)
    caught_up(here, there)
    standby.stop()
    assert [claimed.job_id for claimed in one.claim(10, None)] == [first]

    standby.start()
    second = add_job(here)
    with psycopg.connect(standby.url(), autocommit=True) as again:
        caught_up(here, again)
    assert [claimed.job_id for claimed in one.claim(10, None)] == [second]


def test_a_standby_that_is_promoted_gets_no_claim_of_ours(pair):
    """A promoted standby is another database: the worker reads from it, and claims on the primary only."""
    here, there, _, queue = pair
    one = queue()
    job = add_job(here)
    caught_up(here, there)
    there.execute("select pg_promote()")
    until(lambda: not there.execute("select pg_is_in_recovery()").fetchone()[0], "it is promoted")

    assert [claimed.job_id for claimed in one.claim(10, None)] == [job]
    assert one.claim(10, None) == []
    assert there.execute("select count(*) from elder_worker.claims where owner is not null").fetchone() == (0,)
    assert there.execute("select count(*) from discovery_history").fetchone() == (0,)
