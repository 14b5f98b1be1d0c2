"""The pages of webhooks: what they show, what their forms do, what is refused in the form, and where the secret is shown."""

from __future__ import annotations

import html
import re

import pytest
from peers.elder import settings

from api.app import create_app
from api.delivery.deliverer import Deliverer
from api.pages import webhooks as pages
from api.pages.webhooks import DELIVERIES, SENTENCES
from worker.run.events import EVENTS

BROWSER = {"Accept": "text/html"}
HOSTILE = "<script>alert(1)</script>\"'"
URL = "https://example.com/hooks/elder?token=of-the-receiver"
FORM = {"name": "on-call", "url": URL, "events": ["run.ended", "job.parked"], "job_id": "", "enabled": "true"}
BODY = {**FORM, "job_id": None, "enabled": True}
PARTS = ("", "/edit", "/rotate")
"""Ends of the paths of a webhook's pages."""


@pytest.fixture
def elder_app(database):
    """The application of an API whose webhooks may reach this machine."""
    app = create_app(settings(database, ELDER_WEBHOOK_NETWORKS="127.0.0.1"))
    yield app
    app.extensions["elder"].pool.close()


@pytest.fixture
def deliverer(elder_app):
    context = elder_app.extensions["elder"]
    return Deliverer(context.settings, context.pool, context.box, context.deliveries, timeout=5.0)


@pytest.fixture
def page(elder):
    def get(path: str, status: int = 200) -> str:
        response = elder.call("GET", path, headers=BROWSER)
        assert response.status_code == status, response.get_data(as_text=True)
        return response.get_data(as_text=True)

    return get


@pytest.fixture
def send(elder):
    """Sends a form; returns what was answered, or the path that the answer leads to."""

    def post(path: str, form: dict | None = None, status: int = 303) -> str:
        response = elder.call("POST", path, data=form or {}, headers=BROWSER)
        text = response.get_data(as_text=True)
        assert response.status_code == status, text
        return response.headers["Location"] if status == 303 else text

    return post


@pytest.fixture
def hook(elder, receiver):
    """A webhook that leads to the receiver."""
    return elder.post("webhooks", {**BODY, "name": "hook", "url": receiver.url})


def secret_in(text: str) -> str:
    [found] = re.findall(r"whsec_[A-Za-z0-9+/]{43}=", html.unescape(text))
    return found


def version(text: str) -> str:
    """The time of the last change that the form of the rotation holds."""
    [found] = re.findall(r'name="updated_at" value="([^"]+)"', text)
    return found


def escaped(text: str) -> str:
    """The text as templates write it."""
    return html.escape(text).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")


def told(text: str) -> str:
    """The text of the alert on a page."""
    [found] = re.findall(r'<div class="note bad" role="alert">(.*?)</div>', text, re.DOTALL)
    return html.unescape(re.sub(r"<[^>]*>", " ", found))


def test_without_a_webhook_the_page_has_the_form(page):
    text = page("/webhooks")

    assert "There is no webhook yet" in text
    assert re.findall(r'name="events" value="([^"]+)"', text) == list(EVENTS) == list(SENTENCES)
    assert 'href="/webhooks" aria-current="page"' in text


def test_the_list_says_how_each_stands(elder, page, deliverer, hook, receiver):
    job = elder.job(name=HOSTILE)
    other = elder.post("webhooks", {**BODY, "name": HOSTILE, "job_id": job["id"], "enabled": False})
    elder.post(f"webhooks/{hook['id']}/test", status=202)
    receiver.answers = [500]
    deliverer.deliver_due()

    text = page("/webhooks")
    new, old = [html.unescape(re.sub(r"<[^>]*>", " ", row)) for row in text.split("<tr>")[2:]]

    assert HOSTILE not in text
    for part in (HOSTILE, URL, "disabled", "run.ended, job.parked", f"of  {HOSTILE}"):
        assert part in new, part
    for part in ("hook", receiver.url, "enabled", "of every job and connector", "just now", "the receiver answered 500"):
        assert part in old, part
    assert re.findall(r'data-label="(?:Pending|Given up)">(?:<span class="quiet">)?(\d+)', text) == ["0", "0", "1", "0"]
    assert f'href="/webhooks/{other["id"]}"' in text


def test_one_is_made_as_the_form_says_and_its_secret_shown_once(elder, send, page):
    job = elder.job()
    answer = send("/webhooks", {**FORM, "job_id": str(job["id"]), "enabled": ""}, 201)

    [made] = elder.get("webhooks")["webhooks"]
    assert {name: made[name] for name in BODY} == {**BODY, "job_id": job["id"], "enabled": False}
    secret = secret_in(answer)
    assert "Shown this once" in answer
    for path in ("/webhooks", f"/webhooks/{made['id']}", f"/webhooks/{made['id']}/edit", f"/webhooks/{made['id']}/rotate", "/audit"):
        assert secret not in html.unescape(page(path)), path


def test_the_form_offers_the_jobs_that_are_there(elder, page):
    beta, alpha, gone = (elder.job(name=name) for name in ("beta", "alpha", "gone"))
    elder.delete(f"discovery/jobs/{gone['id']}")
    hook = elder.post("webhooks", {**BODY, "job_id": beta["id"]})

    offered = re.findall(r'<option value="(\d+)"( selected)?>([^<]+)', page(f"/webhooks/{hook['id']}/edit"))

    assert offered == [(str(alpha["id"]), "", f"alpha ({alpha['id']})"), (str(beta["id"]), " selected", f"beta ({beta['id']})")]


def test_a_job_that_is_not_offered_stays_chosen(elder, page, monkeypatch):
    monkeypatch.setattr(pages, "JOBS", 1)
    old, new = elder.job(name="old"), elder.job(name="new")
    hook = elder.post("webhooks", {**BODY, "job_id": old["id"]})

    offered = re.findall(r'<option value="(\d+)"( selected)?>([^<]+)', page(f"/webhooks/{hook['id']}/edit"))

    assert offered == [(str(new["id"]), "", f"new ({new['id']})"), (str(old["id"]), " selected", f"job {old['id']}")]
    assert f"job {old['id']}</a>" in page("/webhooks")


@pytest.mark.parametrize(
    ("change", "status", "sentences"),
    [
        ({"name": " "}, 400, ["`name` has 1 to 100 printable characters"]),
        ({"events": []}, 400, ["`events` names one or more of run.ended"]),
        ({"events": ["run.begun"]}, 400, ["`events[0]` must be entities.changed, "]),
        ({"url": "https://10.0.0.1/"}, 400, ["`url`: 10.0.0.1 is not a public address"]),
        ({"url": HOSTILE}, 400, ["`url`: it is a URL of 1 to 2000 printable ASCII characters"]),
        ({"job_id": "99"}, 404, ["there is no job 99"]),
        ({"job_id": "x"}, 400, ["'x' is not a number"]),
        ({"name": "hook"}, 409, ["a webhook named 'hook' is there: choose another name"]),
    ],
)
def test_what_is_refused_is_told_in_the_form_and_nothing_entered_is_lost(elder, send, hook, change, status, sentences):
    given = {**FORM, **change}
    answer = send("/webhooks", given, status)
    edited = send(f"/webhooks/{elder.post('webhooks', {**BODY, 'name': 'third'})['id']}/edit", given, status)

    for text in (answer, edited):
        assert "Not saved" in told(text)
        assert all(sentence in told(text) for sentence in sentences), told(text)
        assert "the body" not in told(text), "a person has a form, and no body"
        assert f'name="name" required maxlength="100" value="{escaped(given["name"])}"' in text
        assert f'value="{escaped(given["url"])}" placeholder' in text
        ticked = re.findall(r'name="events" value="([^"]+)" checked', text)
        assert ticked == [name for name in given["events"] if name in EVENTS]
        assert not given["job_id"] or f'<option value="{given["job_id"]}" selected>' in text
    assert 'name="enabled" value="true" checked' in answer
    assert [one["name"] for one in elder.get("webhooks")["webhooks"]] == ["third", "hook"]


def test_without_keys_the_form_says_what_is_missing(database):
    app = create_app(settings(database, ELDER_SECRET_KEYS=""))
    response = app.test_client().post("/webhooks", data=FORM, headers=BROWSER)
    app.extensions["elder"].pool.close()

    assert (response.status_code, "ELDER_SECRET_KEYS is not set" in told(response.get_data(as_text=True))) == (503, True)


def test_it_is_changed_and_stays_as_enabled_as_it_was(elder, send, page, hook):
    path = f"/webhooks/{hook['id']}"
    send(f"{path}/disable")
    form = page(f"{path}/edit")
    assert 'value="run.ended" checked' in form
    assert 'name="enabled"' not in form

    assert send(f"{path}/edit", {**FORM, "name": "night", "events": ["run.held_back"]}) == path

    changed = elder.get(f"webhooks/{hook['id']}")
    assert (changed["name"], changed["url"], changed["events"], changed["enabled"]) == ("night", URL, ["run.held_back"], False)


def test_it_is_disabled_and_enabled_and_nothing_else_changes(elder, send, page, hook):
    path = f"/webhooks/{hook['id']}"
    before = elder.get(f"webhooks/{hook['id']}")

    assert send(f"{path}/disable") == path
    assert "No event is stored for it" in page(path)
    assert ("Send a test event" in page(path), f'action="{path}/enable"' in page(path)) == (False, True)
    assert "is disabled: enable it first" in told(send(f"{path}/test", status=409)), "the button of a page that is old"
    assert send(f"{path}/enable") == path

    changed = {name for name, value in elder.get(f"webhooks/{hook['id']}").items() if value != before[name]}
    assert changed == {"updated_at"}


def test_one_whose_network_is_not_allowed_any_more_can_be_disabled_and_not_enabled(elder_on, database, hook):
    here = elder_on(database)
    path = f"/webhooks/{hook['id']}"

    assert here.call("POST", f"{path}/disable", data={}, headers=BROWSER).status_code == 303
    enabled = here.call("POST", f"{path}/enable", data={}, headers=BROWSER)

    assert (enabled.status_code, "it begins with http" in told(enabled.get_data(as_text=True))) == (400, True)
    assert here.get(f"webhooks/{hook['id']}")["enabled"] is False
    here.put(f"webhooks/{hook['id']}", {**BODY, "name": "hook", "url": "http://10.0.0.1/", "enabled": False}, 400)


def test_what_became_of_each_delivery(send, page, deliverer, hook, receiver):
    path = f"/webhooks/{hook['id']}"
    assert "Nothing has been sent" in page(path)
    assert send(f"{path}/test") == path
    waiting = page(path)
    assert ("data-live" in waiting, "Send again" in waiting) == (True, False)
    receiver.answers, receiver.body = [410], HOSTILE.encode()
    deliverer.deliver_due()

    text = page(path)

    assert 'class="tag given-up"' in text
    assert "<b>Disabled:</b> the receiver answered 410: it wants no more events." in text
    assert f'<pre class="long">{escaped(HOSTILE)}</pre>' in text
    assert HOSTILE not in text
    assert ("data-live" in text, "Send again" in text) == (False, False), "it is enabled first"
    assert "is disabled: enable it first" in told(send(f"{path}/deliveries/1/retry", status=409)), "the button of a page that is old"
    send(f"{path}/enable")
    [again] = re.findall(r'action="([^"]+/retry)"', page(path))
    assert send(again) == path
    assert deliverer.deliver_due() == 1
    sent = page(path)
    assert 'class="tag delivered"' in sent
    assert "the receiver answered 204" in sent
    assert "given up</span>" not in sent
    assert len({got.headers["webhook-id"] for got in receiver.received}) == 1


def test_deliveries_have_pages_and_sending_again_keeps_the_place(send, page, sql, hook):
    path = f"/webhooks/{hook['id']}"
    sql.execute(
        "insert into elder_worker.webhook_deliveries (webhook_id, event, payload, attempts, next_attempt_at, failed_at) "
        "select %s, 'run.ended', '{}', 10, null, now() from generate_series(1, %s)",
        [hook["id"], DELIVERIES + 1],
    )
    assert page(path).count("Send again") == DELIVERIES
    assert f'href="{path}?page=2"' in page(path)

    [again] = re.findall(r'action="([^"]+/retry\?page=2)"', page(f"{path}?page=2"))

    assert send(again) == f"{path}?page=2"
    assert "no deliveries on this page" in page(f"{path}?page=3")
    refused = send(f"{path}/deliveries/999999/retry?page=2", status=404)
    assert "there is no delivery 999999" in told(refused)
    assert f'href="{path}?page=1"' in refused


def test_a_rotation_shows_the_new_secret_and_takes_each_form_once(elder, send, page, sql, hook):
    path = f"/webhooks/{hook['id']}"
    form = {"updated_at": version(page(f"{path}/rotate")), "grace_seconds": "86400"}

    first = secret_in(send(f"{path}/rotate", form, 200))
    stored = sql.execute("select secrets from elder_worker.webhooks").fetchone()
    again = send(f"{path}/rotate", form, 409)

    assert "this form was sent before" in told(again)
    assert sql.execute("select secrets from elder_worker.webhooks").fetchone() == stored, "the old secret signs on"
    assert "still signs as well" in again
    assert first != hook["secret"]
    second = secret_in(send(f"{path}/rotate", {"updated_at": version(again), "grace_seconds": "0"}, 200))
    assert second not in (first, hook["secret"])
    assert elder.get(f"webhooks/{hook['id']}")["previous_until"] is None
    for seconds in ("", "-1", "604801"):
        refused = send(f"{path}/rotate", {"updated_at": version(page(f"{path}/rotate")), "grace_seconds": seconds}, 400)
        assert "Not rotated" in told(refused)


def test_it_is_deleted(elder, send, page, hook):
    assert "what was not delivered yet is not sent any more" in page(f"/webhooks/{hook['id']}")

    assert send(f"/webhooks/{hook['id']}/delete") == "/webhooks"

    assert elder.get("webhooks")["total"] == 0
    assert f"There is no webhook {hook['id']}" in page(f"/webhooks/{hook['id']}", 404)
    for button in ("edit", "rotate", "enable", "disable", "test", "delete", "deliveries/1/retry"):
        send(f"/webhooks/{hook['id']}/{button}", FORM, 404)


def test_the_secret_is_in_no_log_no_audit_and_no_other_page(elder, send, page, sql, deliverer, hook, caplog):
    caplog.set_level("DEBUG")
    made = secret_in(send("/webhooks", FORM, 201))
    path = f"/webhooks/{hook['id']}"
    rotated = secret_in(send(f"{path}/rotate", {"updated_at": version(page(f"{path}/rotate")), "grace_seconds": "60"}, 200))
    send(f"{path}/test")
    deliverer.deliver_due()
    send(f"{path}/edit", {**FORM, "name": "on-call"}, 409)
    paths = ["/", "/webhooks", "/audit", *(f"/webhooks/{one['id']}{more}" for one in elder.get("webhooks")["webhooks"] for more in PARTS)]
    shown = html.unescape("".join(map(page, paths))) + caplog.text
    shown += "".join(
        str(sql.execute(f"select {table}::text from elder_worker.{table}").fetchall()) for table in ("webhooks", "webhook_deliveries")
    )
    shown += str(sql.execute("select audit_log::text from audit_log").fetchall())

    assert "is delivered at attempt 1" in caplog.text
    for secret in (made, rotated, hook["secret"]):
        assert secret.removeprefix("whsec_") not in shown


def test_a_page_of_another_site_changes_nothing(elder, hook):
    for path in ("/webhooks", *(f"/webhooks/{hook['id']}/{button}" for button in ("edit", "rotate", "disable", "test", "delete"))):
        response = elder.call("POST", path, data=FORM, headers={**BROWSER, "Sec-Fetch-Site": "cross-site"})
        assert response.status_code == 403, path
    assert elder.get("webhooks")["total"] == 1


def test_pages_and_links_are_for_those_who_may_make_webhooks(keyed, sql):
    made = keyed.call("POST", "webhooks", json=BODY).json
    sql.execute(
        "insert into elder_worker.webhook_deliveries (webhook_id, event, payload, failed_at, next_attempt_at) values (%s, 'x', '{}', now(), null)",
        [made["id"]],
    )
    for role in ("read", "operate", "admin"):
        key, may = keyed.make(f"of {role}", role)["key"], role != "read"
        for path in ("/webhooks", *(f"/webhooks/{made['id']}{part}" for part in PARTS)):
            assert keyed.call("GET", path, key, headers=BROWSER).status_code == (200 if may else 403)
        home = keyed.call("GET", "/", key, headers=BROWSER).get_data(as_text=True)
        assert ('href="/webhooks"' in home, f'href="/webhooks/{made["id"]}"' in home) == (may, may)
        assert "1 delivery to the webhook" in home
        assert (URL in home) is False
