"""The pages of webhooks in a real browser: by mouse, by keyboard alone, without scripts, on a phone, in both themes."""

from __future__ import annotations

import threading

import pytest
from peers.browser import DESK, PHONE, inspect
from peers.elder import settings
from playwright.sync_api import Page, expect
from waiting import CAP

from api.app import create_app
from api.delivery.deliverer import Deliverer

pytestmark = pytest.mark.peer("chromium")
LONG = "https://hooks.example.com/services/T00000000/B00000000/" + "x" * 60


@pytest.fixture
def elder_app(database):
    """The application of an API whose webhooks may reach this machine."""
    app = create_app(settings(database, ELDER_WEBHOOK_NETWORKS="127.0.0.1"))
    yield app
    app.extensions["elder"].pool.close()


@pytest.fixture
def deliverer(elder_app):
    context = elder_app.extensions["elder"]
    return Deliverer(context.settings, context.pool, context.box, context.deliveries)


@pytest.fixture
def hooks(elder, deliverer, receiver, sql):
    """Four webhooks: with a delivery of each outcome, disabled by its receiver, disabled by a person, of one job."""
    job = elder.job(name="AWS production")
    body = {"name": "on-call", "url": receiver.url, "events": ["run.ended", "run.held_back", "job.parked", "entities.new"]}
    first = elder.post("webhooks", body)
    gone = elder.post("webhooks", {**body, "name": "old chat"})
    elder.post("webhooks", {**body, "name": "archive", "url": LONG, "enabled": False})
    elder.post("webhooks", {**body, "name": "team of the production", "url": LONG, "events": ["entities.deleted"], "job_id": job["id"]})
    receiver.answers, receiver.body = [200, 500, 500, 410], b'{"error": "the queue is full", "request": "' + b"x" * 300 + b'"}'
    for webhook in (first, first, first, gone):
        elder.post(f"webhooks/{webhook['id']}/test", status=202)
        deliverer.deliver_due()
    sql.execute(
        "update elder_worker.webhook_deliveries set attempts = 10, failed_at = now(), next_attempt_at = null where id = "
        "(select max(id) from elder_worker.webhook_deliveries where status = 500)"
    )
    elder.post(f"webhooks/{first['id']}/rotate", {"grace_seconds": 86400}, 200)
    return first["id"], gone["id"]


def fill(page: Page, name: str, url: str) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("URL").fill(url)
    page.get_by_label("run.ended").check()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_axe_finds_nothing_on_any_page_of_webhooks(visit, hooks, theme, viewport):
    first, gone = hooks
    page = visit("/webhooks", color_scheme=theme, viewport=viewport)
    inspect(page)
    for path in (f"/webhooks/{first}", f"/webhooks/{gone}", f"/webhooks/{first}/edit", f"/webhooks/{first}/rotate"):
        page.goto(path)
        for closed in page.locator("main details > summary").all():
            closed.click()
        inspect(page)
    page.get_by_role("button", name="Rotate the secret").click()
    expect(page.get_by_text("Shown this once.")).to_be_visible()
    inspect(page, "webhooks-secret")
    page.goto("/webhooks")
    fill(page, "on-call", LONG)
    page.get_by_role("button", name="Create the webhook").click()
    expect(page.get_by_role("alert")).to_contain_text("a webhook named 'on-call' is there")
    inspect(page, "webhooks-refused")


def test_from_its_making_to_its_end(visit, deliverer, receiver):
    """Made, tested, sent again, disabled, enabled, rotated, changed and deleted; the secret is on the page after the making and the rotation."""
    page = visit("/")
    page.get_by_role("link", name="Webhooks").click()
    fill(page, "on-call", "https://10.0.0.1/")
    page.get_by_role("button", name="Create the webhook").click()
    expect(page.get_by_role("alert")).to_contain_text("10.0.0.1 is not a public address")
    expect(page.get_by_label("Name")).to_have_value("on-call")
    expect(page.get_by_label("run.ended")).to_be_checked()
    page.get_by_label("URL").fill(receiver.url)
    page.get_by_role("button", name="Create the webhook").click()
    made = page.locator(".secret").inner_text()
    assert made not in page.url
    page.get_by_role("link", name="To the webhook").click()

    receiver.answers = [500]
    page.get_by_role("button", name="Send a test event").click()
    expect(page.get_by_role("row").filter(has_text="webhook.test")).to_contain_text("pending")
    deliverer.deliver_due()
    expect(page.get_by_role("row").filter(has_text="webhook.test")).to_contain_text("the receiver answered 500")  # it follows by itself
    page.get_by_role("button", name="Send again").click()
    deliverer.deliver_due()
    expect(page.get_by_role("row").filter(has_text="webhook.test")).to_contain_text("delivered")
    assert len({got.headers["webhook-id"] for got in receiver.received}) == 1

    page.get_by_role("button", name="Disable").click()
    expect(page.get_by_text("No event is stored for it")).to_be_visible()
    page.get_by_role("button", name="Enable").click()
    expect(page.get_by_role("button", name="Send a test event")).to_be_visible()

    page.get_by_role("link", name="Rotate the secret").click()
    page.get_by_label("The old secret signs for").select_option("an hour")
    page.get_by_role("button", name="Rotate the secret").click()
    expect(page.get_by_text("The old secret signs as well")).to_be_visible()
    rotated = page.locator(".secret").inner_text()
    assert rotated != made
    page.get_by_role("link", name="To the webhook").click()
    assert not [secret for secret in (made, rotated) if secret in page.content()]

    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Name").fill("night shift")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="night shift")).to_be_visible()
    page.get_by_text("Delete this webhook").click()
    page.get_by_role("button", name="Delete night shift").click()
    expect(page.get_by_text("There is no webhook yet")).to_be_visible()


def test_by_keyboard_alone(visit, elder):
    """A webhook is made and tested with Tab, Space and Enter, and what has the focus can be seen."""
    page = visit("/webhooks")

    def reach(name: str) -> None:
        """Goes on to what has this name."""
        focused = "(document.activeElement.labels?.[0] ?? document.activeElement).textContent.trim().startsWith(arguments_)"
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate(f"arguments_ => {focused}", name):
                assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid", name
                return
        raise AssertionError(f"{name} cannot be reached")

    reach("Name")
    page.keyboard.type("on-call")
    reach("URL")
    page.keyboard.type("https://example.com/hooks")
    reach("job.parked")
    page.keyboard.press("Space")
    reach("Create the webhook")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Shown this once.")).to_be_visible()
    reach("To the webhook")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="on-call")).to_be_visible()
    reach("Send a test event")
    page.keyboard.press("Enter")
    expect(page.get_by_role("row").filter(has_text="webhook.test")).to_be_visible()
    assert elder.get("webhooks")["webhooks"][0]["events"] == ["job.parked"]


def test_without_scripts(visit, elder, receiver):
    page = visit("/webhooks", java_script_enabled=False)
    fill(page, "on-call", receiver.url)
    page.get_by_role("button", name="Create the webhook").click()
    expect(page.locator(".secret")).to_contain_text("whsec_")
    page.get_by_role("link", name="To the webhook").click()
    page.get_by_role("button", name="Send a test event").click()
    expect(page.get_by_role("row").filter(has_text="webhook.test")).to_be_visible()
    page.get_by_role("button", name="Disable").click()
    page.get_by_role("link", name="Rotate the secret").click()
    page.get_by_role("button", name="Rotate the secret").click()
    expect(page.locator(".secret")).to_contain_text("whsec_")
    page.get_by_role("link", name="To the webhook").click()
    page.get_by_text("Delete this webhook").click()
    page.get_by_role("button", name="Delete on-call").click()
    expect(page.get_by_text("There is no webhook yet")).to_be_visible()
    assert elder.get("webhooks")["total"] == 0


def test_a_double_click_makes_one_webhook_and_shows_its_secret(visit, elder_app, receiver):
    """The answer to the first click is held back until there was a second one, on a clock that stands still."""
    came, clicked, paths, answer = threading.Event(), threading.Event(), [], elder_app.wsgi_app

    def held(environ, start):
        if environ["REQUEST_METHOD"] == "POST":
            paths.append(environ["PATH_INFO"])
            came.set()
            clicked.wait(CAP if len(paths) == 1 else 0)
        return answer(environ, start)

    elder_app.wsgi_app = held
    page = visit("/webhooks")
    page.clock.set_fixed_time("2026-11-29T03:00:00Z")
    fill(page, "on-call", receiver.url)
    button = page.get_by_role("button", name="Create the webhook")
    button.scroll_into_view_if_needed()
    place = button.bounding_box()
    page.mouse.click(place["x"] + 5, place["y"] + 5)
    assert came.wait(CAP)
    page.mouse.click(place["x"] + 5, place["y"] + 5)
    clicked.set()
    expect(page.locator(".secret")).to_contain_text("whsec_")
    assert paths == ["/webhooks"]
