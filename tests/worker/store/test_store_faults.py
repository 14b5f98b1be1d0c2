"""Connections that break at the worst moment, and servers that say nothing: group E of the fault catalogue, in one process."""

from __future__ import annotations

import psycopg
import pytest
from store_runs import OWNER, Run, add_job, resources

from worker.run.queue import Unreachable
from worker.store import claimed, queue
from worker.store.connection import connect, transaction
from worker.store.errors import StoreError
from worker.store.queue import PostgresQueue


def run_cut_at(number, where, proxied, database, job, monkeypatch):
    """A run whose connection is cut at that commit; how many commits there were."""
    proxy, url = proxied
    monkeypatch.setattr(claimed, "RETRY_SECONDS", (0.0, 0.0, 0.0))
    run = Run(database, job, through=url)
    proxy.commits, proxy.on_commit = 0, lambda commit: where if commit == number else None
    run.scope(resources(300))
    assert run.finish().status == "completed"
    return proxy.commits


@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_e02_the_connection_is_cut_at_a_commit(proxied, database, sql, monkeypatch, number, where):
    """Done or not, nobody told us: doing it again gives the same. The commits of a run: load, scope, finish."""
    assert run_cut_at(number, where, proxied, database, add_job(sql), monkeypatch) >= 3

    [(status, kind, found)] = sql.execute("select status, error_kind, entities_discovered from discovery_history").fetchall()
    assert (status, kind, found) == ("completed", "", 300)
    assert sql.execute("select count(*), count(distinct external_id) from entities").fetchone() == (300, 300)
    assert sql.execute("select count(*) from elder_worker.claims where owner is not null").fetchone() == (0,)
    assert sql.execute("select count(*), sum(resources) from run_scopes").fetchone() == (1, 300)


def test_e03_a_server_that_says_nothing_is_given_up(proxied):
    proxy, url = proxied
    connection = connect(url, response_timeout=0.3)
    proxy.deaf = True
    with pytest.raises(psycopg.OperationalError, match=r"no answer from the server for 0\.3 s"):
        connection.execute("select 1")
    assert connection.closed


def test_e04_a_connection_whose_answer_was_never_read_is_closed(database):
    """A socket that ends between two polls is an error of psycopg's wait, which leaves the connection open and busy for ever."""
    connection = connect(database)

    def interrupted(connection):
        connection.pgconn.send_query(b"select pg_sleep(60)")
        yield psycopg.waiting.WAIT_W
        raise psycopg.OperationalError("connection socket closed")

    with pytest.raises(StoreError, match="connection socket closed"), transaction(connection):
        connection.wait(interrupted(connection))
    assert connection.closed


def test_e03_the_queue_says_so(proxied, monkeypatch):
    proxy, url = proxied
    monkeypatch.setattr(queue, "RESPONSE_TIMEOUT", 0.3)
    one = PostgresQueue(url, OWNER, "test", 30.0)
    proxy.deaf = True
    with pytest.raises(Unreachable, match="no answer from the server"):
        one.claim(1, None)
    one.close()


@pytest.mark.parametrize("url", ["canary/7f3a b9", "postgresql://u:canary@[broken/db", "canary"])
def test_a_url_that_cannot_be_read_is_not_quoted(url):
    """libpq quotes what it cannot parse, and a password may be in it."""
    with pytest.raises(StoreError) as refused:
        connect(url)

    assert "canary" not in str(refused.value)
    assert "cannot be read: it is postgresql://USER:PASSWORD@HOST:PORT/DATABASE" in str(refused.value)
