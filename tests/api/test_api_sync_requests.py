"""Sync now: a person asks for a sync of a connector by the API, the command or the page, and sees what becomes of it."""

from __future__ import annotations

import html
import json
import re
import threading

import pytest
from waiting import until

BROWSER = {"Accept": "text/html"}
WORKER = "0b6a3c1e-52a1-4b0f-9d4e-7a1c2f3e4d5b"
ALONE = "no running worker has told that it has the connector ldap switched on"


@pytest.fixture
def report(elder):
    """Tells how the connector ldap of a worker stands, and returns what it is to serve."""

    def tell(**state) -> dict[str, int]:
        told = {"name": "ldap", "next_in": 3030.0, "ready": True, **state}
        return elder.post("sync/connectors", {"worker": WORKER, "name": "w1", "connectors": [told]}, 200)["requests"]

    return tell


@pytest.fixture
def page(elder):
    """The text of a page, without its tags."""

    def get(path: str) -> str:
        answer = elder.call("GET", path, headers=BROWSER)
        assert answer.status_code == 200
        return html.unescape(re.sub("<[^>]*>", "", answer.get_data(as_text=True)))

    return get


@pytest.fixture
def end(elder):
    """Tells the end of a sync."""

    def tell(run: str = "ldap-1", status: str = "completed", **more) -> None:
        elder.post("sync/runs", {"owner": "connector:ldap", "run": run, "status": status, **more}, 200)

    return tell


def test_a_sync_that_is_asked_for_is_given_to_a_worker_and_shown_to_its_end(elder, database, report, end):
    end()
    report(ready=False)
    asked = elder.post("connectors/ldap/sync", status=202)
    assert (asked["message"], asked["waiting_for"]) == ("Sync requested", "a worker takes it up within seconds: w1")
    assert (asked["request"]["state"], asked["request"]["requested_by"]) == ("waiting", "local")
    again = elder.post("connectors/ldap/sync", status=202)
    assert (again["message"], again["request"]) == ("A sync was requested already: one serves both", asked["request"])

    assert report() == {"ldap": asked["request"]["number"]}
    [shown] = elder.get("connectors")["connectors"]
    assert (shown["request"]["state"], shown["request"]["worker"], shown["waiting_for"]) == ("taken", "w1", "")
    assert (shown["workers"], shown["syncing"]) == (["w1"], [])
    assert shown["next_sync_at"] is not None
    report(syncing=True, ready=False, next_in=None)
    assert elder.get("connectors/ldap")["syncing"] == ["w1"]
    assert elder.get("connectors/ldap")["next_sync_at"] is None

    end("ldap-2", request=asked["request"]["number"])
    served = elder.get("connectors/ldap")
    assert (served["request"]["state"], served["request"]["sync_id"]) == ("served", served["latest"]["id"])
    assert report() == {}


def test_a_request_that_no_worker_can_serve_says_so(elder, database, end):
    end()
    assert elder.post("connectors/ldap/sync", status=202)["waiting_for"] == ALONE
    shown = elder.get("connectors/ldap")
    assert (shown["waiting_for"], shown["workers"], shown["next_sync_at"]) == (ALONE, [], None)


def test_who_asked_is_in_the_audit_log(elder, database, end):
    end()
    elder.post("connectors/ldap/sync", status=202)
    [line] = elder.get("audit?action=sync%20requested")["audit"]
    assert (line["actor"], line["object"], line["after"]) == ("local", "connector:ldap", {"request": 1})


def test_a_connector_that_a_worker_has_is_shown_before_it_has_delivered(elder, database, report, page):
    assert elder.post("connectors/ldap/sync", status=404)["error"] == "no connector 'ldap' has delivered here yet"
    report()
    [shown] = elder.get("connectors")["connectors"]
    assert (shown["name"], shown["status"], shown["started_at"]) == ("ldap", "never", None)
    assert elder.get("connectors/ldap")["latest"] is None
    assert "never" in page("/connectors")
    assert "It has not delivered yet" in page("/connectors/ldap")
    assert elder.post("connectors/ldap/sync", status=202)["success"]
    elder.get("connectors/okta", 404)


@pytest.mark.parametrize("worker", [{"worker": "w1", "name": "w1", "connectors": []}, {"worker": WORKER, "name": "w1"}])
def test_a_report_that_makes_no_sense_is_refused(elder, database, worker):
    elder.post("sync/connectors", worker, 400)


def press(elder) -> None:
    answer = elder.call("POST", "/connectors/ldap/sync", headers=BROWSER)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/connectors/ldap")


def test_the_page_has_the_next_sync_and_the_request(elder, database, report, end, page):
    end()
    assert "no running worker has told that it has this connector" in page("/connectors/ldap")
    assert "no worker" in page("/connectors")
    press(elder)
    shown = page("/connectors/ldap")
    assert "Nobody can sync it:" in shown
    assert f"{ALONE}. The request of local, made just now, waits for one." in shown
    assert "Sync now" not in shown
    assert "when a worker has it" in page("/connectors")

    report(ready=False)
    assert "by local: a worker takes it up within seconds: w1." in page("/connectors/ldap")
    report()
    assert "by local: w1 has taken it up." in page("/connectors/ldap")
    report(syncing=True, ready=False, next_in=None)
    assert "syncs now on w1" in page("/connectors/ldap")
    assert "syncing now" in page("/connectors")

    report(served=1, error="the Elder API was away")
    shown = page("/connectors/ldap")
    assert "The sync that local requested failed: the Elder API was away" in shown
    assert "next sync in 50 min on w1" in shown
    assert "Sync now" in shown
    end("ldap-2")
    assert "requested failed" not in page("/connectors/ldap")


# --- the command


def test_the_command_asks_and_says_what_it_waits_for(elder, database, elder_command, report, end):
    end()
    assert elder_command("connectors", "sync", "ldap").stdout == f"connector ldap: Sync requested; {ALONE}\n"
    report(ready=False)
    asked = json.loads(elder_command("-o", "json", "connectors", "sync", "ldap").stdout)
    assert (asked["request"]["number"], asked["waiting_for"]) == (1, "a worker takes it up within seconds: w1")
    listed = json.loads(elder_command("-o", "json", "connectors", "list").stdout)[0]
    assert (listed["request"]["state"], listed["next_sync_at"] is not None) == ("waiting", True)
    head, row = elder_command("connectors", "list").stdout.splitlines()
    assert ("next_sync" in head, "a worker takes it up within seconds: w1" in row) == (True, True)
    assert "has delivered here yet" in elder_command("connectors", "sync", "okta", code=6).stderr


@pytest.mark.parametrize(
    ("status", "code", "sentence"),
    [("completed", 0, "sync 2 of ldap completed"), ("error", 1, "sync 2 of ldap error"), ("", 1, "is not in its history: no API")],
)
def test_the_command_waits_for_the_end_of_the_sync(elder, database, elder_command, report, end, status, code, sentence):
    """A worker takes the request up once it is there, and tells the end of the sync, or that it could not tell the history."""
    end()

    def serve() -> None:
        number = until(report, "the command has asked for a sync")["ldap"]
        if status:
            end("ldap-2", status, request=number)
        else:
            report(served=number, error="no API")

    worker = threading.Thread(target=serve)
    worker.start()
    said = elder_command("connectors", "sync", "ldap", "--wait", code=code)
    worker.join()
    assert sentence in said.stdout + said.stderr
    assert said.stderr.startswith("connector ldap: Sync requested; ")
