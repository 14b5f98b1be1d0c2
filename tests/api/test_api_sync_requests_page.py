"""Sync now in a real browser: pressed by keyboard, followed to its end without a reload, in both themes and on a phone; axe-core finds nothing."""

from __future__ import annotations

import pytest
from peers.browser import PHONE, inspect
from playwright.sync_api import expect

pytestmark = pytest.mark.peer("chromium")
WIDE = {"width": 1280, "height": 900}
WORKER = "0b6a3c1e-52a1-4b0f-9d4e-7a1c2f3e4d5b"


def end(elder, run: str, request: int = 0) -> None:
    """A sync of 12 users, from its beginning to its end."""
    told = {"owner": "connector:ldap", "run": run}
    scope = ["ldap", "dc=example,dc=com", "", "ldap_user"]
    elder.post("sync/scopes", {**told, "scope": scope, "outcome": "complete", "resources": 12}, 200)
    elder.post("sync/runs", {**told, "status": "completed", "resources": 12, "request": request}, 200)


@pytest.fixture
def worker(elder):
    """A worker with the connector ldap: tells how it stands."""
    end(elder, "ldap-1")

    def tell(**state) -> dict[str, int]:
        told = {"name": "ldap", "next_in": 2430.0, "ready": True, **state}
        return elder.post("sync/connectors", {"worker": WORKER, "name": "worker-1", "connectors": [told]}, 200)["requests"]

    return tell


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["desk", "phone"])
def test_a_sync_is_asked_for_and_followed_to_its_end(visit, elder, worker, theme, viewport):
    page = visit("/connectors/ldap", color_scheme=theme, viewport=viewport)
    look(page, "nobody")
    page.get_by_role("button", name="Sync now").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Nobody can sync it:")
    expect(page.get_by_role("button", name="Sync now")).to_have_count(0)
    look(page, "alone")

    assert worker() == {"ldap": 1}
    expect(page.get_by_role("status")).to_contain_text("Sync requested just now by local: worker-1 has taken it up.")
    worker(ready=False, syncing=True, next_in=None)
    expect(page.locator(".lead")).to_contain_text("syncs now on worker-1")
    look(page, "syncing")
    page.goto("/connectors")
    expect(page.locator("td.next")).to_have_text("syncing now")
    look(page, "list-syncing")

    page.goto("/connectors/ldap")
    end(elder, "ldap-2", request=1)
    worker(served=1)
    expect(page.get_by_role("button", name="Sync now")).to_be_visible()
    expect(page.locator(".lead")).to_contain_text("next sync in 40 min on worker-1")
    expect(page.get_by_role("status")).to_have_count(0)
    look(page, "served")
    page.goto("/connectors")
    expect(page.locator("td.next")).to_be_in_viewport()
    expect(page.locator("td.next")).to_have_text("in 40 min")
    look(page, "list")


def look(page, name: str) -> None:
    inspect(page, f"connectors-{name}")
