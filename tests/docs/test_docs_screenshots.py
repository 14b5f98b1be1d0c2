"""The screenshots in the documentation: made from a seeded inventory, shown on a page, small, and of pages that still have what they show.

``make screenshots`` writes them anew, into the folder that `ELDER_DOCS_IMAGES` names. Pixels are not compared, as fonts differ between machines.
"""

from __future__ import annotations

import base64
import dataclasses
import os
import pathlib
import re
import shutil

import pytest
import shown_inventory
from peers.browser import inspect
from peers.elder import settings
from playwright.sync_api import Page, expect

from api.app import create_app
from api.delivery.deliverer import Deliverer

ROOT = pathlib.Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
LARGEST = 100_000
"""Bytes of a screenshot at most."""

IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")

PICTURES = {
    "home-light": ("/", 940, ("Needs attention", "6 scopes were denied", "The last 30 days")),
    "home-dark": ("/", 940, ("Needs attention", "6 scopes were denied", "The last 30 days")),
    "run-light": ("/runs/{run}", 840, ("were not found any more", "Not read in full", "elasticfilesystem:DescribeFileSystems")),
    "run-dark": ("/runs/{run}", 840, ("were not found any more", "Not read in full", "elasticfilesystem:DescribeFileSystems")),
    "entities": ("/entities?q=type:ec2_instance+tag:team=payments", 900, ("payments-api-1",)),
    "entity": ("/entities/{group}", 930, ("Dependencies", "payments-api-1", "in_vpc · vpc")),
    "job-form": ("/jobs/new?provider=aws", 1000, ("The job", "What is read, and as whom", "secret_access_key")),
    "webhook": ("/webhooks/{webhook}", 870, ("the receiver answered 500", "Send a test event")),
}
"""Pages of the screenshots by name: path, height of the window, and the texts that it has to show."""


def used() -> dict[str, str]:
    """The alternative text of each image in the documentation, by the image's file."""
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    return {
        str((page.parent / path).resolve().relative_to(ROOT)): text
        for page in pages
        for text, path in IMAGE.findall(page.read_text())
        if "://" not in path
    }


def test_each_screenshot_is_there_is_shown_with_a_text_and_is_small():
    stored = {str(path.relative_to(ROOT)): path for path in IMAGES.iterdir()}
    texts = used()
    assert set(stored) == set(texts) == {f"docs/images/{name}.webp" for name in PICTURES}
    assert not [path for path, text in texts.items() if len(text.split()) < 5], "an alternative text says what is to be seen"
    assert {name: size for name, path in stored.items() if (size := path.stat().st_size) > LARGEST} == {}
    assert not [name for name, path in stored.items() if path.read_bytes()[8:12] != b"WEBP"]


def picture(page: Page) -> bytes:
    """The window as a WebP image, half as large as the PNG that Playwright makes."""
    taken = page.context.new_cdp_session(page).send("Page.captureScreenshot", {"format": "webp", "quality": 85})
    return base64.b64decode(taken["data"])


@pytest.fixture
def elder_app(database):
    """The application of an API whose webhooks may reach this machine."""
    app = create_app(settings(database, ELDER_WEBHOOK_NETWORKS="127.0.0.1"))
    yield app
    app.extensions["elder"].pool.close()


@pytest.fixture
def ids(database, sql, elder, elder_app, receiver) -> dict[str, int]:
    """The ids in the addresses of the pages. The page of a webhook shows a name of a receiver, and not this machine's address."""
    shown = shown_inventory.build(database, sql)
    made = elder.post("webhooks", {"name": "on-call", "url": receiver.url, "events": ["run.held_back", "job.parked", "entities.deleted"]})
    context = elder_app.extensions["elder"]
    deliverer = Deliverer(context.settings, context.pool, context.box, context.deliveries)
    receiver.answers, receiver.body = [200, 200, 500], b'{"ok": true}'
    for _ in range(3):
        elder.post(f"webhooks/{made['id']}/test", status=202)
        deliverer.deliver_due()
    sql.execute("update elder_worker.webhooks set url = 'https://hooks.example.com/elder'")
    return {**dataclasses.asdict(shown), "webhook": made["id"]}


@pytest.mark.peer("chromium")
@pytest.mark.timeout(600)
def test_the_pages_still_have_what_the_screenshots_show(visit, ids, tmp_path):
    for name, (path, height, texts) in PICTURES.items():
        theme = "dark" if name.endswith("-dark") else "light"
        page = visit(path.format(**ids), color_scheme=theme, viewport={"width": 1200, "height": height})
        for text in texts:
            expect(page.get_by_text(text).filter(visible=True).first, f"{name} shows {text}").to_be_in_viewport()
        inspect(page)
        (tmp_path / f"{name}.webp").write_bytes(picture(page))
    assert {path.name: size for path in tmp_path.glob("*.webp") if (size := path.stat().st_size) > LARGEST} == {}
    if folder := os.environ.get("ELDER_DOCS_IMAGES"):
        for path in tmp_path.glob("*.webp"):
            shutil.copy(path, folder)
