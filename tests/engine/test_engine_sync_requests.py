"""Sync now with whole workers that have no database: one that is there, none that is there, one that is killed, and one that is stopped."""

from __future__ import annotations

import json
import signal
import socket
import urllib.request

import pytest
from driver import descendants
from peers.postgres import alive
from peers.service import get
from peers.slapd import BASE, PASSWORD, READER, few, running
from waiting import until

pytestmark = pytest.mark.peer("slapd")


@pytest.fixture
def directory(tmp_path, authority):
    """The settings of the connector of a directory with 60 users; it syncs when somebody asks for it."""
    folder = tmp_path / "slapd"
    folder.mkdir()
    with running(folder, authority, ldif=few(users=60)) as server:
        yield settings(server.port)


def settings(port: int) -> dict[str, str]:
    return {
        "LDAP_ENABLED": "true",
        "LDAP_SERVER": "localhost",
        "LDAP_PORT": str(port),
        "LDAP_USE_SSL": "false",
        "LDAP_BIND_DN": READER,
        "LDAP_BIND_PASSWORD": PASSWORD,
        "LDAP_BASE_DN": BASE,
        "LDAP_USER_FILTER": "(objectClass=inetOrgPerson)",
        "LDAP_SYNC_INTERVAL": "86400",
        "SYNC_ON_STARTUP": "false",
    }


@pytest.fixture
def silent():
    """The settings of the connector of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield {**settings(server.getsockname()[1]), "LDAP_SERVER": "127.0.0.1"}


@pytest.fixture
def ask(api):
    """Asks for a sync; returns what the API says."""

    def send() -> dict:
        with urllib.request.urlopen(urllib.request.Request(f"{api.url}/api/v1/connectors/ldap/sync", method="POST"), timeout=20) as answer:
            return json.load(answer)

    return send


@pytest.fixture
def shown(api):
    """The connector as the API shows it once that holds, while a worker lives."""

    def look(worker, holds, complaint: str) -> dict:
        return worker.wait(lambda: (found := get(f"{api.url}/api/v1/connectors/ldap")) and holds(found) and found, complaint)

    return look


def test_a_sync_that_is_asked_for_begins_long_before_its_time_and_once(start_worker, directory, ask, shown, sql):
    worker = start_worker(**directory)
    assert shown(worker, lambda one: one["next_sync_at"], "it has no next sync")["status"] == "never"
    for number in (1, 2):
        assert ask()["request"]["number"] == number
        done = shown(worker, lambda one, number=number: one["request"]["served"] == number, "the request is not served")
        assert (done["latest"]["status"], done["latest"]["id"]) == ("completed", done["request"]["sync_id"])
    rows = sql.execute(
        "select h.started_at, r.requested_at, taken_at - requested_at < interval '1 minute' from connector_history h "
        "join elder_worker.sync_requests r on r.sync_id = h.id"
    ).fetchall()
    assert [soon for *_, soon in rows] == [True]
    assert sql.execute("select count(*) from connector_history").fetchone() == (2,)
    assert worker.log.read_text().count("a sync is asked for") == 2


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "stopped"])
def test_what_a_worker_that_dies_had_is_served_by_another_one(start_worker, silent, directory, ask, shown, sql, how):
    dying = start_worker(**silent, SHUTDOWN_GRACE="2")
    shown(dying, lambda one: one["next_sync_at"], "it has no next sync")
    ask()
    shown(dying, lambda one: one["request"]["state"] == "taken" and one["syncing"], "it does not sync")
    family = descendants(dying.process.pid)
    dying.process.send_signal(how)
    dying.process.wait(60)
    until(lambda: not any(alive(one) for one in family), "nobody of it is left")
    if how is signal.SIGKILL:  # as if it was heard of half a minute ago
        sql.execute("update elder_worker.connector_workers set seen_at = now() - interval '1 minute'")
        sql.execute("update elder_worker.sync_requests set taken_at = now() - interval '1 minute'")
    waiting = ask()
    assert "no running worker has told that it has the connector ldap" in waiting["waiting_for"]

    other = start_worker(**directory)
    done = shown(other, lambda one: one["request"]["state"] == "served", "the request is not served")
    assert done["latest"]["status"] == "completed"
    assert sql.execute("select count(*) from connector_history where status = 'completed'").fetchone() == (1,)
