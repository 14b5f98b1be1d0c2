"""Syncs that people ask for, as a writer takes them up: at once, after the one that runs, again after a refusal, and by one writer only."""

from __future__ import annotations

import socket
import types

import pytest
from scraped_writer import ScrapedWriter
from waiting import until

from providers.errors import Outcome
from providers.records import Scope
from providers.sink import ScopeReport
from worker.run import wire
from worker.sync.client import ApiError
from worker.sync.messages import ConnectorState, SyncsRequested
from worker.writer import requests
from worker.writer.mailbox import Mailbox
from worker.writer.requests import SyncRequests

LDAP = {"LDAP_ENABLED": "true", "LDAP_SERVER": "ldaps://directory.example", "LDAP_BASE_DN": "dc=x", "SYNC_ON_STARTUP": "false"}
PEOPLE = Scope("ldap", "dc=x", "", "user")
HOST = socket.gethostname()


def whole(sink) -> None:
    """A job that reads one empty scope."""
    sink.begin(PEOPLE)
    sink.end(ScopeReport(PEOPLE, Outcome.COMPLETE, 0))
    sink.complete()


@pytest.fixture
def start_writer(database, site, monkeypatch):
    """Starts writers with the connector ldap, which deliver to the API and ask it often."""
    monkeypatch.setattr(requests, "ASK_SECONDS", 0.05)
    writers = []

    def start(**environ: str) -> ScrapedWriter:
        writers.append(ScrapedWriter(database, **{**LDAP, "ELDER_API_URL": site, **environ}))
        writers[-1].offer(connector=1)
        return writers[-1]

    yield start
    for writer in writers:
        writer.close()


@pytest.fixture
def shown(elder):
    """The connector as the API shows it once that holds."""

    def until_holds(holds, what: str):
        return until(lambda: (found := elder.get("connectors/ldap")) and holds(found) and found, what)

    return until_holds


def ready(elder) -> None:
    """Waits until the API knows a worker with the connector."""
    until(lambda: [one for one in elder.get("connectors")["connectors"] if one["workers"] and one["next_sync_at"]], "a worker has it")


def test_a_sync_begins_when_it_is_asked_for_and_its_end_serves_the_request(elder, start_writer, shown):
    writer = start_writer()
    ready(elder)
    number = elder.post("connectors/ldap/sync", status=202)["request"]["number"]
    [start] = writer.started()
    syncing = shown(lambda one: one["syncing"], "it says that it syncs")
    assert (syncing["syncing"], syncing["request"]["state"], syncing["request"]["worker"]) == ([HOST], "taken", HOST)
    writer.play(start, whole)
    done = shown(lambda one: one["request"]["state"] == "served", "the request is served")
    assert (done["request"]["served"], done["request"]["sync_id"], done["latest"]["status"]) == (number, done["latest"]["id"], "completed")
    shown(lambda one: one["next_sync_at"], "the next sync is by the interval again")
    assert writer.starts == []


def test_a_request_during_a_sync_is_served_by_another_sync_after_it(elder, start_writer, shown):
    writer = start_writer(SYNC_ON_STARTUP="true")
    [start] = writer.started()
    shown_at_first = until(lambda: elder.get("connectors")["connectors"], "the API knows it")
    assert shown_at_first[0]["status"] == "never"
    shown(lambda one: one["syncing"], "it says that it syncs")
    elder.post("connectors/ldap/sync", status=202)
    assert elder.get("connectors/ldap")["waiting_for"] == f"the sync that runs on {HOST} ends first"
    writer.play(start, whole)
    [again] = writer.started()
    assert elder.get("connectors/ldap")["request"]["state"] == "taken", "the first sync has served nobody"
    elder.post("connectors/ldap/sync", status=202)
    writer.play(again, whole)
    [third] = writer.started()
    writer.play(third, whole)
    shown(lambda one: one["request"]["served"] == 2, "both are served")
    assert elder.get("connectors/ldap/history")["total"] == 3
    assert writer.starts == []


def test_a_request_whose_process_is_refused_or_fails_is_not_lost(elder, start_writer, shown):
    writer = start_writer()
    ready(elder)
    elder.post("connectors/ldap/sync", status=202)
    [start] = writer.started()
    writer.refuse(start, "no memory is left")
    [connector] = writer.writer._connectors._schedule
    until(lambda: connector.next_at is not None, "the start is postponed")
    assert elder.get("connectors/ldap")["request"]["state"] == "taken"
    connector.next_at = 0.0
    [again] = writer.started()
    writer.play(again, lambda sink: sink.failed(wire.Failed("credentials", "the directory refuses the password")))
    done = shown(lambda one: one["request"]["state"] == "served", "it was tried, and has failed")
    assert (done["latest"]["status"], done["latest"]["error"]) == ("error", "the directory refuses the password")


def test_one_of_two_writers_syncs(elder, start_writer, shown):
    writers = [start_writer(), start_writer()]
    until(lambda: len(connected(elder)) == 2, "both are known")
    elder.post("connectors/ldap/sync", status=202)
    [(writer, start)] = until(lambda: [(one, start) for one in writers for start in began(one)], "one has begun")
    writer.play(start, whole)
    shown(lambda one: one["request"]["state"] == "served", "the request is served")
    assert [began(one) for one in writers] == [[], []]
    assert elder.get("connectors/ldap/history")["total"] == 1


def connected(elder) -> list[str]:
    with elder.app.extensions["elder"].pool.reading() as connection:
        return connection.execute("select worker from elder_worker.connector_workers where next_sync_at is not null").fetchall()


def began(writer: ScrapedWriter) -> list:
    writer._receive()
    found, writer.starts = writer.starts, []
    return found


# --- how the API is asked


class FakeApi:
    """An API that gives prepared answers, or raises them."""

    def __init__(self, *answers) -> None:
        self.answers, self.told = list(answers), []

    def report(self, told):
        self.told.append(told)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_an_api_that_is_away_is_logged_once_and_one_that_refuses_is_asked_seldom(log_lines):
    taken = []
    connectors = types.SimpleNamespace(states=(ConnectorState("ldap"),), request=lambda *given: taken.append(given))
    mailbox = Mailbox()
    asking = SyncRequests(None, "0b6a3c1e-52a1-4b0f-9d4e-7a1c2f3e4d5b", "w1", mailbox, connectors)
    away, old = ApiError("no answer", final=False), ApiError("404: an older one", final=True)
    api = FakeApi(away, away, old, SyncsRequested({"ldap": 7}))

    assert [asking._ask(api) for _ in range(4)] == [requests.ASK_SECONDS] * 2 + [requests.REFUSED_SECONDS, requests.ASK_SECONDS]
    mailbox.deliver()

    assert taken == [("ldap", 7)]
    assert [line["event"] for line in log_lines] == [
        "syncs that people ask for wait: no answer",
        "the Elder API says again which syncs people ask for",
    ]
