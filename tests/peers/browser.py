"""Chromium, driven by Playwright: pages in contexts of their own that may not complain, and what is asked of every page."""

from __future__ import annotations

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


@pytest.fixture(scope="module")
def chromium():
    path = shutil.which("chromium") or missing("chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        expect.set_options(timeout=CAP * 1000)
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, site):
    """Opens a page in a context of its own. No page may complain on its console or ask for anything from elsewhere.

    That an answer is not 200 is told there by the browser itself, and is not a complaint of the page.
    """
    contexts, complaints = [], []

    def note(message) -> None:
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource: the server responded"):
            complaints.append(message.text)

    def go(path: str, **options) -> Page:
        context = chromium.new_context(base_url=site, **{"viewport": DESK, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: complaints.append(request.url) if not request.url.startswith(site) else None)
        page.goto(path)
        return page

    yield go
    for context in contexts:
        context.close()
    assert not complaints


def inspect(page: Page, name: str = "") -> None:
    """Fails for what axe-core finds, and for a page that is wider than its window. With ELDER_SCREENSHOTS, a folder, it keeps a picture there."""
    path = urlsplit(page.url)._replace(scheme="", netloc="").geturl()
    found = Axe().run(page)
    assert found.violations_count == 0, f"{path}: {found.generate_report()}"
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{path} is {wide} px wider than the window"
    if folder := os.environ.get("ELDER_SCREENSHOTS"):
        dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
        file = (
            f"{name or re.sub('[/?:=&]+', '-', path.strip('/')) or 'home'}-{page.viewport_size['width']}-{'dark' if dark else 'light'}.png"
        )
        page.screenshot(path=os.path.join(folder, file), full_page=True)
