"""Connectors have a history and a ledger like jobs, and a sync that was read in part never looks like success."""

from __future__ import annotations

import pytest
from test_api_pages import HOSTILE, page

from worker.store import connectors

SCOPE = ["ldap", "dc=example", "", "ldap_user", ""]
__all__ = ["page"]

GROUPS = ["ldap", "dc=example", "", "ldap_group", ""]


def sync(elder, run: str, status: str = "completed", scopes=((SCOPE, "complete"),), **more):
    elder.post("sync/runs", {"owner": "connector:ldap", "run": run, "status": "running"}, 200)
    for scope, outcome in scopes:
        body = {
            "owner": "connector:ldap",
            "run": run,
            "scope": scope,
            "outcome": outcome,
            "resources": 0,
            "message": more.get("message", ""),
            **more.get("closed", {}),
        }
        elder.post("sync/scopes", body, 200)
    elder.post("sync/runs", {"owner": "connector:ldap", "run": run, "status": status, **more.get("end", {})}, 200)


def test_a_connector_has_a_history_with_the_ledger_of_each_sync(elder, database):
    sync(elder, "ldap-1", end={"resources": 12, "created": 12, "identity": {"name": "cn=reader", "account": "dc=example", "details": {}}})
    sync(
        elder,
        "ldap-2",
        "partial",
        ((SCOPE, "complete"), (GROUPS, "denied")),
        message="size limit exceeded",
        end={"error": "1 scope was not read"},
    )

    found = elder.get("connectors/ldap/history")
    assert (found["connector"], found["total"]) == ("ldap", 2)
    first, second = found["results"]
    assert (first["status"], first["entities_created"], first["identity"]["name"]) == ("completed", 12, "cn=reader")
    assert (second["status"], second["error"], second["outcomes"]) == ("partial", "1 scope was not read", {"complete": 1, "denied": 1})
    assert (second["scopes"][0]["outcome"], second["scopes"][0]["message"]) == ("denied", "size limit exceeded"), (
        "incomplete scopes come first"
    )

    [connector] = elder.get("connectors")["connectors"]
    assert (connector["name"], connector["status"], connector["scopes"], connector["incomplete_scopes"]) == ("ldap", "partial", 2, 1)
    assert connector["last_complete_at"] is not None
    assert elder.get("connectors/ldap")["latest"]["run"] == "ldap-2"
    assert elder.get("connectors/okta", 404)
    assert elder.get("connectors/okta/history", 404)


def test_one_sync_has_its_whole_ledger(elder, database):
    sync(elder, "1", "partial", scopes=((SCOPE, "denied"),))
    sync(elder, "2")
    first, second = (one["id"] for one in elder.get("connectors/ldap/history")["results"])
    one, newest = (elder.get(f"connectors/ldap/syncs/{number}") for number in (first, second))
    assert (one["id"], one["run"], [scope["outcome"] for scope in one["scopes"]]) == (first, "1", ["denied"])
    assert newest == elder.get("connectors/ldap")["latest"]
    assert elder.get("connectors/ldap/syncs/4711", 404)["error"] == "connector 'ldap' has no sync 4711"
    elder.get(f"connectors/okta/syncs/{first}", 404)


def test_case_dir_4_the_reason_of_a_scope_is_stored_and_served(elder, database):
    sync(elder, "ldap-1", "partial", ((SCOPE, "error"),), message="the directory gave 1,000 entries and no more (sizeLimitExceeded)")
    [scope] = elder.get("scopes?owner=connector:ldap")["scopes"]
    assert (scope["last_outcome"], scope["message"]) == ("error", "the directory gave 1,000 entries and no more (sizeLimitExceeded)")
    assert scope["last_complete_at"] is None
    assert elder.get("connectors/ldap")["latest"]["scopes"][0]["message"].endswith("(sizeLimitExceeded)")


def test_the_moment_that_a_scope_is_of_is_in_the_ledger_of_the_sync(elder, database):
    sync(elder, "ldap-1")
    assert elder.get("connectors/ldap")["latest"]["scopes"][0]["as_of"] is None
    sync(elder, "ldap-2", closed={"as_of": "2024-01-02T03:04:05+01:00"})
    assert elder.get("connectors/ldap")["latest"]["scopes"][0]["as_of"] == "2024-01-02T02:04:05Z"


def test_a_scope_that_a_whole_sync_left_out_is_abandoned(elder, database):
    sync(elder, "ldap-1", scopes=((SCOPE, "complete"), (GROUPS, "complete")))
    sync(elder, "ldap-2", "error", end={"error_kind": "timeout", "error": "too long"})
    assert elder.get("scopes?state=abandoned")["total"] == 0, "a sync that did not end by itself proves nothing"
    sync(elder, "ldap-3")
    [left_out] = elder.get("scopes?state=abandoned")["scopes"]
    assert left_out["resource_type"] == "ldap_group"
    assert elder.get("connectors/ldap")["abandoned_scopes"] == 1


def test_what_was_not_reached_has_a_line_and_is_no_attempt(elder, database):
    sync(elder, "ldap-1", "error", ((SCOPE, "complete"), (GROUPS, "not_reached")))
    assert elder.get("connectors/ldap")["latest"]["outcomes"] == {"complete": 1, "not_reached": 1}
    [unread] = elder.get("scopes?never_complete=true")["scopes"]
    assert (unread["resource_type"], unread["last_attempt_at"]) == ("ldap_group", None)


def test_a_sync_that_never_told_its_end_is_ended_by_the_next(elder, database):
    elder.post("sync/runs", {"owner": "connector:ldap", "run": "ldap-1", "status": "running"}, 200)
    sync(elder, "ldap-2")
    first, _ = elder.get("connectors/ldap/history")["results"]
    assert (first["status"], first["error_kind"]) == ("error", "lost")


def test_the_end_of_a_sync_may_be_told_twice(elder, database):
    for _ in range(2):
        sync(elder, "ldap-1", end={"resources": 3})
    found = elder.get("connectors/ldap/history")
    assert (found["total"], found["results"][0]["entities_discovered"], found["results"][0]["outcomes"]) == (1, 3, {"complete": 1})


@pytest.mark.parametrize(
    "body", [{"owner": "job:1", "run": "r", "status": "completed"}, {"owner": "connector:ldap", "run": "r", "status": "fine"}]
)
def test_what_makes_no_sense_is_refused(elder, database, body):
    assert elder.post("sync/runs", body, 400)


def test_old_syncs_are_pruned_but_the_latest_complete_one(elder_on, database, monkeypatch):
    def runs() -> list[str]:
        return [one["run"] for one in elder.get("connectors/ldap/history")["results"]]

    elder = elder_on(database, CONNECTOR_SYNCS_KEPT="0")
    sync(elder, "ldap-1")
    for number in range(2, 6):
        sync(elder, f"ldap-{number}", "error")
    assert len(runs()) == 5, "all are kept"

    monkeypatch.setattr(connectors, "PRUNED", 2)
    elder = elder_on(database, CONNECTOR_SYNCS_KEPT="2")
    sync(elder, "ldap-6", "error")
    assert runs() == ["ldap-1", "ldap-4", "ldap-5", "ldap-6"]
    sync(elder, "ldap-7", "error")
    assert runs() == ["ldap-1", "ldap-6", "ldap-7"]


def test_each_sync_of_a_connector_has_a_page_with_its_ledger_and_log(page, elder, database):
    groups = ["ldap", "dc=example", "", "ldap_group", ""]
    log = {"lines": [["2026-01-31T03:00:00.250Z", "info", "sdk", "read by page"]]}
    for number in range(22):
        about = {"owner": "connector:ldap", "run": str(number)}
        ended = {"outcome": "denied" if number == 0 else "complete", "resources": 0, "permission": f"read {HOSTILE}"}
        elder.post("sync/scopes", {**about, "scope": groups, **ended}, 200)
        elder.post("sync/runs", {**about, "status": "partial", "log": log}, 200)
    ids = [one["id"] for one in elder.get("connectors/ldap/history")["results"]]

    newest = page("/connectors/ldap")
    shown = [f"/connectors/ldap/syncs/{number}" for number in reversed(ids[2:])]
    assert [link for link in newest.values("a", "href") if "/syncs/" in link] == shown
    older = page(next(link for link in newest.values("a", "href") if "before" in link).partition("#")[0])
    links = [link for link in older.values("a", "href") if link.startswith("/connectors")]
    assert [link for link in links if "/syncs/" in link] == [f"/connectors/ldap/syncs/{number}" for number in reversed(ids[:2])]
    assert not any("before" in link for link in links), "there is nothing older"

    first = page(f"/connectors/ldap/syncs/{ids[0]}")
    assert "Not read in full" in first.text
    assert "read by page" in first.text
    assert "the newest sync" not in first.text
    last = page(f"/connectors/ldap/syncs/{ids[-1]}").text
    assert "the newest sync" in last
    assert "Not read in full" not in last
    page("/connectors/ldap/syncs/4711", 404)
    page(f"/connectors/okta/syncs/{ids[0]}", 404)
    page("/connectors/ldap?before=x", 400)
