"""The scopes that a sync of a connector reads now, in the API, on its pages and by the command: each until it has ended."""

from __future__ import annotations

import pytest
from peers.browser import DESK, PHONE, inspect
from playwright.sync_api import expect

SYNC = {"owner": "connector:ldap", "run": "1"}


def named(kind: str) -> dict[str, object]:
    return {**SYNC, "scope": ["ldap", "dc=x", "", kind]}


def begin(elder, kind: str) -> None:
    assert elder.post("sync/scopes/begin", named(kind), 200) == {"fingerprints": "", "count": 0}


def end(elder, kind: str, outcome: str = "complete") -> None:
    elder.post("sync/scopes", {**named(kind), "outcome": outcome, "resources": 0}, 200)


def finish(elder, status: str, run: str = "1") -> None:
    elder.post("sync/runs", {**SYNC, "run": run, "status": status}, 200)


def reading(elder) -> list[str]:
    """The types that the newest sync reads, which is the same by both of its addresses."""
    latest = elder.get("connectors/ldap")["latest"]
    assert elder.get(f"connectors/ldap/syncs/{latest['id']}")["reading"] == latest["reading"]
    return [one["resource_type"] for one in latest["reading"]]


@pytest.fixture
def sync(elder) -> None:
    """A sync that has read one scope and reads two others."""
    finish(elder, "running")
    for kind in ("ldap_group", "ldap_user", "ldap_device"):
        begin(elder, kind)
    end(elder, "ldap_group")


def test_the_api_lists_the_scopes_that_are_begun_and_have_not_ended(elder, sync):
    assert reading(elder) == ["ldap_user", "ldap_device"]
    begin(elder, "ldap_user")
    assert reading(elder) == ["ldap_device", "ldap_user"], "what is told twice is there once"
    end(elder, "ldap_device", "denied")
    [one] = elder.get("connectors/ldap")["latest"]["reading"]
    assert (one["account"], one["region"], one["resource_type"], one["coverage"]) == ("dc=x", "", "ldap_user", "")
    finish(elder, "error")
    assert reading(elder) == [], "a scope that was cut off is not being read"


def test_a_later_sync_does_not_read_what_an_earlier_one_left(elder, sync):
    finish(elder, "running", run="2")
    assert reading(elder) == []
    assert "reading" not in elder.get("connectors/ldap/history")["results"][0]


def test_a_scope_that_was_begun_and_not_ended_is_not_abandoned_by_the_next_whole_plan(elder, sync, sql):
    finish(elder, "error")
    for kind in ("ldap_group", "ldap_user"):
        elder.post("sync/scopes/begin", {**named(kind), "run": "2"}, 200)
        elder.post("sync/scopes", {**named(kind), "run": "2", "outcome": "complete", "resources": 0}, 200)
    finish(elder, "completed", run="2")
    states = dict(sql.execute("select resource_type, state from elder_worker.scopes").fetchall())
    assert states == {"ldap_group": "current", "ldap_user": "current", "ldap_device": "abandoned"}, "it is not in that plan"


def test_the_beginning_tells_what_is_stored_already(elder, sync):
    users = {**named("ldap_user"), "organizations": [["dc=x", "LDAP: x"]]}
    elder.post("sync/batch", {**users, "resources": [["uid=ann", "user", "ldap_user", "Ann", {}, {}, [], "dc=x"]]}, 200)
    known = elder.post("sync/scopes/begin", named("ldap_user"), 200)
    assert known["count"] == 1
    assert known == elder.get("sync/fingerprints?owner=connector:ldap&provider=ldap&account=dc%3Dx&resource_type=ldap_user")


@pytest.mark.peer("chromium")
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("of_the_connector", [True, False], ids=["connector", "sync"])
def test_the_page_names_them_and_follows(visit, elder, sync, theme, viewport, of_the_connector):
    number = elder.get("connectors/ldap")["latest"]["id"]
    page = visit("/connectors/ldap" + ("" if of_the_connector else f"/syncs/{number}"), color_scheme=theme, viewport=viewport)
    now = page.locator("p.list", has_text="Read now:")
    expect(now).to_contain_text("ldap user")
    inspect(page, f"{'connector' if of_the_connector else 'sync'}-reading")
    end(elder, "ldap_user")
    expect(now).not_to_contain_text("ldap user")
    expect(now).to_contain_text("ldap device")
    end(elder, "ldap_device")
    expect(now).to_have_count(0)


def test_the_command_shows_them(elder_command, elder, sync):
    number = elder.get("connectors/ldap")["latest"]["id"]
    for arguments in (("ldap",), ("ldap", "--sync", str(number))):
        shown = elder_command("connectors", "get", *arguments).stdout.partition("\nread now\n")[2]
        assert [line.split()[:2] for line in shown.splitlines()[1:3]] == [["dc=x", "ldap_user"], ["dc=x", "ldap_device"]]
    finish(elder, "completed")
    assert "read now" not in elder_command("connectors", "get", "ldap").stdout
