"""The log of a connector's sync: what its worker tells the API is kept within bounds, and shown."""

from __future__ import annotations

import msgspec
import pytest
from peers.browser import DESK, PHONE, inspect
from playwright.sync_api import expect

from worker.run.outcome import RunLog
from worker.sync.messages import SyncRun

LINES = [
    ("2026-01-31T03:00:00.250Z", "info", "providers.http.retry", "waiting 5 s for ldap.example.com: busy"),
    ("2026-01-31T03:00:05.000Z", "warning", "providers.ldap", "slow <b>answer</b>"),
]
AT = "2026-01-31T03:00:00.250Z"


def sync(elder, run, status="completed", log=None, code=200):
    body = msgspec.to_builtins(SyncRun("connector:ldap", run, status, log=log))
    return elder.post("sync/runs", body, code)


@pytest.fixture
def two_syncs(elder, database):
    """A sync with a log, and a newer one that has logged nothing."""
    sync(elder, "1", "running")
    sync(elder, "1", log=RunLog(LINES, 7, 1))
    sync(elder, "1", log=RunLog(LINES[:1]))  # what is sent twice is stored once
    sync(elder, "2")
    return [one["id"] for one in elder.get("connectors/ldap/history")["results"]]


def test_the_api_has_the_log_of_the_newest_sync_and_of_each(elder, two_syncs):
    first, second = two_syncs
    newest, earlier = elder.get("connectors/ldap/log"), elder.get(f"connectors/ldap/log?sync_id={first}")
    assert newest == {"status": "completed", "lines": [], "left_out": 0, "left_out_after": 0, "connector": "ldap", "sync_id": second}
    assert [tuple(line.values()) for line in earlier["lines"]] == LINES
    assert (earlier["sync_id"], earlier["left_out"], earlier["left_out_after"]) == (first, 7, 1)
    assert "has delivered here" in elder.get("connectors/okta/log", 404)["error"]
    assert elder.get("connectors/ldap/log?sync_id=4711", 404)["error"] == "connector 'ldap' has no sync 4711"
    elder.get(f"connectors/okta/log?sync_id={first}", 404)


@pytest.mark.parametrize(
    "log",
    [
        {"lines": [[AT, "info", "l", "x" * 2_001]]},
        {"lines": [[AT, "info", "l" * 201, "t"]]},
        {"lines": [[AT, "loud", "l", "t"]]},
        {"lines": [["yesterday", "info", "l", "t"]]},
        {"lines": [[AT, "info", "l", "a\0b"]]},
        {"lines": [[AT, "info", "l"]]},
        {"lines": [[AT, "info", "l", "t"]] * 501},
        {"lines": [], "left_out": -1},
        {"lines": [], "left_out": 2**53},
        {"lines": [], "left_out_after": 501},
    ],
)
def test_a_log_beyond_its_bounds_is_refused(elder, sql, log):
    elder.post("sync/runs", {"owner": "connector:ldap", "run": "1", "status": "completed", "log": log}, 400)
    assert sql.execute("select count(*) from elder_worker.sync_logs").fetchone() == (0,)


def test_the_log_goes_with_its_sync(elder, sql, two_syncs):
    assert sql.execute("select count(*) from elder_worker.sync_logs").fetchone() == (1,)
    sql.execute("delete from connector_history")
    assert sql.execute("select count(*) from elder_worker.sync_logs").fetchone() == (0,)


def test_the_command_prints_it(elder_command, two_syncs):
    newest = elder_command("connectors", "logs", "ldap")
    assert (newest.stdout, newest.stderr) == (
        "",
        "the newest sync of ldap has no log: it has logged nothing, or ended more than two weeks ago\n",
    )
    assert elder_command("connectors", "logs", "ldap", "--sync", str(two_syncs[0])).stdout == (
        "2026-01-31T03:00:00.250Z info     providers.http.retry: waiting 5 s for ldap.example.com: busy\n"
        "... 7 lines are left out ...\n"
        "2026-01-31T03:00:05.000Z warning  providers.ldap: slow <b>answer</b>\n"
    )


@pytest.mark.peer("chromium")
@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_a_person_opens_the_log_of_the_newest_sync(visit, elder, database, viewport):
    sync(elder, "1", log=RunLog(LINES))
    page = visit("/connectors/ldap", viewport=viewport)
    log = page.locator("details.log")
    log.locator("summary").click()

    expect(log.locator("summary")).to_have_text("Log 2 lines, times in UTC")
    expect(log.locator("li").last).to_have_text("03:00:05 warning providers.ldap slow <b>answer</b>")
    inspect(page)


@pytest.mark.peer("chromium")
@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_a_person_goes_back_to_an_earlier_sync(visit, elder, two_syncs, viewport):
    page = visit("/connectors/ldap", viewport=viewport)
    page.locator(f'a[href="/connectors/ldap/syncs/{two_syncs[0]}"]').click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Sync {two_syncs[0]} completed")
    page.locator("details.log summary").click()
    expect(page.locator("details.log li").last).to_contain_text("slow <b>answer</b>")
    inspect(page)
