"""An admin's journey over keys in a real browser, by keyboard alone: makes one, reads it once, rotates and revokes it."""

from __future__ import annotations

import pytest
from peers.browser import DESK, PHONE, inspect
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.peer("chromium")


def key_on(page: Page) -> str:
    expect(page.get_by_text("Shown this once.")).to_be_visible()
    return page.locator("pre.secret").inner_text()


@pytest.mark.parametrize(("theme", "viewport"), [("light", DESK), ("dark", PHONE)], ids=["desk", "phone"])
def test_a_key_is_made_rotated_and_revoked_by_keyboard(visit, elder, theme, viewport):
    page = visit("/keys", color_scheme=theme, viewport=viewport)
    page.get_by_label("Name").focus()
    page.keyboard.type("ci")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="operate")).to_be_checked()
    page.keyboard.press("Enter")
    first = key_on(page)
    inspect(page, "key-made")
    [made] = elder.get("keys")["keys"]
    assert (made["name"], made["role"], made["prefix"]) == ("ci", "operate", first[:12])

    page.get_by_role("link", name="To the key").press("Enter")
    expect(page.get_by_role("heading", name="ci in use")).to_be_visible()
    inspect(page, "key")
    page.get_by_role("button", name="Rotate the key").press("Enter")
    assert key_on(page) != first
    page.get_by_role("link", name="To the key").press("Enter")
    expect(page.get_by_text("The key before the last rotation is still accepted")).to_be_visible()

    page.get_by_text("Revoke this key").press("Enter")
    page.get_by_role("button", name="Revoke ci").press("Enter")
    expect(page.get_by_role("row", name="ci")).to_contain_text("revoked")
    inspect(page, "keys")
    assert elder.get("keys")["keys"][0]["revoked_at"] is not None
