"""Chromium, driven by Playwright: pages in contexts of their own that may not complain, and what is asked of every page."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from peers.absent import missing
from playwright.sync_api import Page, expect, sync_playwright
from waiting import CAP

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1200, "height": 900}
PROBE = "window.probed = true"
"""A script that the policy of the pages refuses, as it stands in the page; a test may put it there to see that it does."""

REFUSED = base64.b64encode(hashlib.sha256(PROBE.encode()).digest()).decode()
"""Its hash, by which the browser names it on the console."""


@pytest.fixture(scope="module")
def chromium():
    path = shutil.which("chromium") or missing("chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        expect.set_options(timeout=CAP * 1000)
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """The complaints of the pages of `visit` so far."""
    return []


@pytest.fixture
def visit(chromium, site, complaints):
    """Opens a page in a context of its own. No page may complain on its console, ask for anything from elsewhere, or come without a policy.

    That an answer is not 200 is told there by the browser itself, and is not a complaint of the page.
    """
    contexts = []

    def note(message) -> None:
        of_the_browser = message.text.startswith("Failed to load resource: the server responded") or REFUSED in message.text
        if message.type in ("error", "warning") and not of_the_browser:
            complaints.append(message.text)

    def hold(response) -> None:
        if not response.headers.get("content-security-policy", "").startswith("default-src 'none'"):
            complaints.append(f"{response.url} has no policy")

    def go(path: str, **options) -> Page:
        context = chromium.new_context(base_url=site, **{"viewport": DESK, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("response", hold)
        page.on("request", lambda request: complaints.append(request.url) if not request.url.startswith(site) else None)
        page.goto(path)
        return page

    yield go
    for context in contexts:
        context.close()
    assert not complaints


def inspect(page: Page, name: str = "") -> None:
    """Fails for what axe-core finds, for a page that is wider than its window, and for a table that is wider than a phone.

    With ELDER_SCREENSHOTS, a folder, it keeps a picture there.
    """
    path = urlsplit(page.url)._replace(scheme="", netloc="").geturl()
    found = Axe().run(page)
    assert found.violations_count == 0, f"{path}: {found.generate_report()}"
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{path} is {wide} px wider than the window"
    if page.viewport_size["width"] <= PHONE["width"]:
        cut = page.evaluate(
            "[...document.querySelectorAll('.wide')].filter(one => one.scrollWidth > one.clientWidth).map(one => one.innerText)"
        )
        assert not cut, f"{path} has a table that is wider than a phone: {cut[0][:200]}"
    if folder := os.environ.get("ELDER_SCREENSHOTS"):
        dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
        file = (
            f"{name or re.sub('[/?:=&]+', '-', path.strip('/')) or 'home'}-{page.viewport_size['width']}-{'dark' if dark else 'light'}.png"
        )
        page.screenshot(path=os.path.join(folder, file), full_page=True)
