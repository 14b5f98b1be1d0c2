"""Requests for a sync at once: one worker serves each, none is lost by a worker's death, and none is served twice."""

from __future__ import annotations

import concurrent.futures
import uuid

import pytest

from worker.store import connectors, sync_requests
from worker.store.connection import connect
from worker.sync.messages import ConnectorState, SyncRun, WorkerConnectors


class Worker:
    """A worker with the connector ldap, as the store hears of it."""

    def __init__(self, connection, name: str) -> None:
        self.connection, self.name, self.id = connection, name, uuid.uuid4()

    def report(self, **state) -> dict[str, int]:
        """The requests that the worker is given after its report; it reports that it is ready to sync, unless the test says otherwise."""
        told = ConnectorState("ldap", **{"next_in": 600.0, "ready": True, **state})
        return sync_requests.report(self.connection, WorkerConnectors(self.id, self.name, [told]))

    def dies(self) -> None:
        """It was last heard of a minute ago, and took up then what it has."""
        ago = "now() - interval '1 minute'"
        self.connection.execute(f"update elder_worker.connector_workers set seen_at = {ago} where worker = %s", [self.id])
        self.connection.execute(f"update elder_worker.sync_requests set taken_at = {ago} where worker = %s", [self.id])


@pytest.fixture
def one(sql):
    return Worker(sql, "w1")


@pytest.fixture
def other(sql):
    return Worker(sql, "w2")


def state(sql):
    return sync_requests.states(sql, "ldap")["ldap"]


def end(sql, request: int, run: str = "ldap-1", status: str = "completed") -> None:
    connectors.put(sql, SyncRun("connector:ldap", run, status, request=request))


def test_one_worker_gets_it_and_it_is_done_when_its_sync_is_in_the_history(sql, one, other):
    assert sync_requests.request(sql, "ldap", "key:ci")
    assert one.report() == {"ldap": 1}
    assert other.report() == {}
    assert one.report(ready=False, syncing=True, next_in=None) == {"ldap": 1}, "an answer that was lost is given again"
    assert (state(sql)["request"]["state"], state(sql)["request"]["worker"], state(sql)["waiting_for"]) == ("taken", "w1", "")

    end(sql, 1)
    assert (one.report(), other.report()) == ({}, {})
    done = state(sql)["request"]
    assert (done["state"], done["served"], done["worker"]) == ("served", 1, None)
    assert connectors.history(sql, "ldap", 1)[0][0]["id"] == done["sync_id"]


def test_of_many_workers_that_ask_at_the_same_time_one_gets_it(database, sql):
    """Each is unknown to the transactions of the others when it asks for the first time."""
    for number in range(1, 6):
        assert sync_requests.request(sql, "ldap", "local")

        def ask(name: int) -> dict[str, int]:
            with connect(database) as connection:
                return Worker(connection, f"w{name}").report()

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            given = [one for one in pool.map(ask, range(8)) if one]
        assert given == [{"ldap": number}]
        end(sql, number, f"ldap-{number}")


def test_what_a_dead_worker_had_is_given_to_another_one_once(sql, one, other):
    sync_requests.request(sql, "ldap", "local")
    assert one.report() == {"ldap": 1}
    assert other.report() == {}, "the first one lives"
    one.dies()
    assert state(sql)["request"]["state"] == "waiting"
    assert other.report() == {"ldap": 1}
    assert one.report() == {}, "it lives after all, and has lost it"
    end(sql, 1)
    other.dies()
    assert (one.report(), other.report()) == ({}, {}), "a request that was served is not given to anybody"


def test_what_a_worker_that_stops_had_is_given_to_another_one_at_once(sql, one, other):
    sync_requests.request(sql, "ldap", "local")
    assert one.report() == {"ldap": 1}
    assert sync_requests.report(sql, WorkerConnectors(one.id, "w1", [])) == {}
    assert (state(sql)["request"]["state"], state(sql)["workers"]) == ("waiting", [])
    assert other.report() == {"ldap": 1}
    end(sql, 1)
    assert state(sql)["request"]["state"] == "served"


def test_a_worker_that_could_not_tell_the_end_of_its_sync_tells_it_later(sql, one, other):
    sync_requests.request(sql, "ldap", "local")
    assert one.report() == {"ldap": 1}
    assert one.report(served=1, error="the Elder API was away") == {}
    assert other.report() == {}
    done = state(sql)["request"]
    assert (done["state"], done["sync_id"], done["error"]) == ("served", None, "the Elder API was away")
    end(sql, 1)
    assert state(sql)["request"]["sync_id"] is None, "what is told first counts"


def test_requests_that_wait_are_one_and_one_made_during_its_sync_is_another(sql, one):
    assert sync_requests.request(sql, "ldap", "key:a")
    assert not sync_requests.request(sql, "ldap", "key:b")
    assert (state(sql)["request"]["number"], state(sql)["request"]["requested_by"]) == (1, "key:a")
    assert one.report() == {"ldap": 1}
    assert sync_requests.request(sql, "ldap", "key:b")
    assert one.report(ready=False, syncing=True) == {"ldap": 1}
    end(sql, 1)
    assert state(sql)["request"]["state"] == "waiting"
    assert one.report() == {"ldap": 2}


def test_a_request_waits_for_the_end_of_a_sync_on_another_worker_while_that_one_lives(sql, one, other):
    one.report(ready=False, syncing=True, next_in=None)
    sync_requests.request(sql, "ldap", "local")
    assert other.report() == {}
    assert state(sql)["waiting_for"] == "the sync that runs on w1 ends first"
    one.dies()
    assert other.report() == {"ldap": 1}


def test_a_request_that_nobody_can_serve_says_so_and_waits(sql, one):
    sync_requests.request(sql, "ldap", "local")
    assert state(sql)["waiting_for"] == "no running worker has told that it has the connector ldap switched on"
    assert (state(sql)["workers"], state(sql)["next_sync_at"]) == ([], None)
    assert one.report(ready=False) == {}
    assert state(sql)["waiting_for"] == "a worker takes it up within seconds: w1"
    one.dies()
    assert "no running worker" in state(sql)["waiting_for"]


def test_the_next_sync_is_that_of_the_worker_which_syncs_first(sql, one, other):
    one.report(next_in=600.0)
    other.report(next_in=60.0)
    [seconds] = sql.execute("select extract(epoch from %s - now())::int", [state(sql)["next_sync_at"]]).fetchone()
    assert 0 < seconds <= 60
    assert state(sql)["workers"] == ["w1", "w2"]
    other.dies()
    one.report(next_in=1e308)
    assert state(sql)["workers"] == ["w1"]


def test_what_a_worker_told_that_is_gone_for_a_day_is_forgotten(sql, one, other):
    one.report()
    sql.execute("update elder_worker.connector_workers set seen_at = now() - interval '25 hours'")
    other.report()
    assert sql.execute("select name from elder_worker.connector_workers").fetchall() == [("w2",)]


def test_the_end_of_a_sync_by_schedule_serves_nobody(sql, one):
    sync_requests.request(sql, "ldap", "local")
    end(sql, 0)
    assert state(sql)["request"]["state"] == "waiting"
    end(sql, 1, "ldap-2")
    assert state(sql)["request"]["state"] == "waiting", "nobody has taken it up"
    assert one.report() == {"ldap": 1}
