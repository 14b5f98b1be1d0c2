"""Deliveries: signed, sent again until they are taken or given up, never by two at once, and again after a killed process."""

from __future__ import annotations

import json
import subprocess
import sys
import threading

import pytest
from peers.elder import KEY, ElderClient, settings
from standardwebhooks.webhooks import Webhook
from store_runs import add_job, resources, run_once
from waiting import until

from api.app import create_app
from api.delivery.deliverer import JITTER, SENDERS, WAITS, Deliverer
from worker.config.settings import load


@pytest.fixture
def app(database):
    """The application of an API whose webhooks may reach this machine."""
    made = create_app(settings(database, ELDER_WEBHOOK_NETWORKS="127.0.0.1"))
    yield made
    made.extensions["elder"].pool.close()


@pytest.fixture
def elder(app):
    return ElderClient(app)


@pytest.fixture
def deliverer(app):
    context = app.extensions["elder"]
    return Deliverer(context.settings, context.pool, context.box, context.deliveries, timeout=5.0)


@pytest.fixture
def hook(elder, receiver):
    """A webhook that leads to the receiver."""
    return elder.post("webhooks", {"name": "hook", "url": receiver.url, "events": ["run.ended", "entities.new"]})


def ask(elder, hook) -> dict:
    return elder.post(f"webhooks/{hook['id']}/test", status=202)


def latest(elder, hook) -> dict:
    return elder.get(f"webhooks/{hook['id']}/deliveries")["deliveries"][0]


def home(elder) -> str:
    """The first page, as a browser gets it."""
    return elder.call("GET", "/", headers={"Accept": "text/html"}).get_data(as_text=True)


def in_background(app) -> Deliverer:
    """A deliverer that looks for what is due, until it is closed."""
    context = app.extensions["elder"]
    started = Deliverer(context.settings, context.pool, context.box, context.deliveries)
    started.start()
    return started


def make_due(sql) -> None:
    """Lets time pass: waits and leases are over."""
    sql.execute("update elder_worker.webhook_deliveries set next_attempt_at = now() where next_attempt_at is not null")
    sql.execute("update elder_worker.webhooks set busy_until = now() - interval '1 second'")


def test_what_a_run_has_found_arrives_signed(elder, deliverer, hook, receiver, database, sql):
    run_once(database, add_job(sql), resources(3))

    assert deliverer.deliver_due() == 2

    told = {got.headers["webhook-id"]: Webhook(hook["secret"]).verify(got.body, got.headers) for got in receiver.received}
    assert sorted(payload["type"] for payload in told.values()) == ["entities.new", "run.ended"]
    listed = elder.get(f"webhooks/{hook['id']}/deliveries")["deliveries"]
    assert {one["event_id"]: one["payload"] for one in listed} == told
    assert {(one["attempts"], one["status"], one["error"], one["next_attempt_at"]) for one in listed} == {(1, 204, "", None)}
    assert receiver.received[0].headers["content-type"] == "application/json"
    assert receiver.received[0].headers["user-agent"].startswith("elder-worker/")
    assert deliverer.deliver_due() == 0
    assert deliverer.counts == {"delivered": 2}


def test_it_is_tried_again_with_the_same_id_and_body_and_a_new_time(elder, deliverer, hook, receiver, sql):
    ask(elder, hook)
    receiver.answers = [500, 503]
    for _ in range(2):
        make_due(sql)
        assert deliverer.deliver_due() == 1
    waiting = latest(elder, hook)
    assert (waiting["attempts"], waiting["status"], waiting["error"]) == (2, 503, "the receiver answered 503")
    assert elder.get(f"webhooks/{hook['id']}")["last_error"] == "the receiver answered 503"
    assert deliverer.deliver_due() == 0, "it waits"

    make_due(sql)
    assert deliverer.deliver_due() == 1

    assert latest(elder, hook)["delivered_at"]
    assert elder.get(f"webhooks/{hook['id']}")["last_error"] == ""
    assert len({(got.headers["webhook-id"], got.body) for got in receiver.received}) == 1
    assert all(Webhook(hook["secret"]).verify(got.body, got.headers) for got in receiver.received)
    assert deliverer.counts == {"retried": 2, "delivered": 1}


def test_the_waits_grow_and_after_the_last_it_is_given_up_and_told(elder, deliverer, hook, receiver, sql, caplog):
    ask(elder, hook)
    receiver.answers = [500] * (len(WAITS) + 1)
    waits = []
    for _ in WAITS:
        make_due(sql)
        deliverer.deliver_due()
        waits += sql.execute(
            "select extract(epoch from next_attempt_at - last_attempt_at)::float from elder_worker.webhook_deliveries"
        ).fetchone()
    make_due(sql)
    deliverer.deliver_due()
    make_due(sql)
    assert deliverer.deliver_due() == 0

    assert all(wanted * (1 - JITTER) <= wait <= wanted * (1 + JITTER) + 5 for wanted, wait in zip(WAITS, waits, strict=True)), waits
    assert len(receiver.received) == 10
    given_up = latest(elder, hook)
    assert (bool(given_up["failed_at"]), given_up["next_attempt_at"], given_up["attempts"]) == (True, None, 10)
    assert elder.get(f"webhooks/{hook['id']}")["failed"] == 1
    assert "is given up after 10 attempts: the receiver answered 500" in caplog.text
    assert 'elder_webhook_attempts_total{outcome="given_up"} 1.0' in elder.call("GET", "/metrics").get_data(as_text=True)

    sentence = f'1 delivery to the webhook <a href="/webhooks/{hook["id"]}">hook</a> was given up'
    assert sentence in home(elder)

    elder.post(f"webhooks/{hook['id']}/deliveries/{given_up['id']}/retry", status=202)
    assert "was given up" not in home(elder)
    assert deliverer.deliver_due() == 1
    assert (latest(elder, hook)["status"], elder.get(f"webhooks/{hook['id']}")["failed"]) == (204, 0)


def test_410_disables_the_webhook(elder, deliverer, hook, receiver, database, sql):
    ask(elder, hook)
    receiver.answers = [410]
    deliverer.deliver_due()

    found = elder.get(f"webhooks/{hook['id']}")
    assert (found["enabled"], found["disabled_reason"]) == (False, "the receiver answered 410: it wants no more events")
    run_once(database, add_job(sql), resources(1))
    assert elder.get(f"webhooks/{hook['id']}/deliveries")["total"] == 1, "nothing is stored for it any more"
    elder.post(f"webhooks/{hook['id']}/test", status=409)

    body = {name: found[name] for name in ("name", "url", "events", "job_id")}
    assert elder.put(f"webhooks/{hook['id']}", {**body, "enabled": True})["disabled_reason"] == ""


def test_a_redirect_is_told(elder, deliverer, hook, receiver):
    ask(elder, hook)
    receiver.answers, receiver.headers = [302], {"Location": "http://127.0.0.1/"}
    deliverer.deliver_due()

    assert latest(elder, hook)["error"] == "the receiver answered 302, a redirect, which is not followed: change the webhook's URL"


def test_the_beginning_of_an_answer_is_shown_without_secrets(elder, deliverer, hook, receiver):
    ask(elder, hook)
    receiver.answers, receiver.body = [400], b"no \0 AKIAIOSFODNN7EXAMPLE " + KEY.encode() + b" " + b"\xff" * 2000
    deliverer.deliver_due()

    answer = latest(elder, hook)["answer"]
    assert answer.startswith("no \ufffd ")
    assert KEY not in answer
    assert len(answer) <= 1024


def test_an_address_that_is_refused_now_is_told_and_not_reached(elder, app, hook, receiver):
    """The setting has changed since the webhook was made; a name may lead elsewhere since then as well."""
    ask(elder, hook)
    context = app.extensions["elder"]
    strict = Deliverer(
        load({"ELDER_SECRET_KEYS": KEY, "ELDER_WEBHOOK_NETWORKS": "10.0.0.0/8"}), context.pool, context.box, context.deliveries
    )

    strict.deliver_due()

    assert receiver.received == []
    assert "127.0.0.1 is not a public address" in latest(elder, hook)["error"]


def test_a_name_without_an_address(elder, deliverer, sql):
    hook = elder.post("webhooks", {"name": "lost", "url": "https://no-such-host.invalid/", "events": ["run.ended"]})
    ask(elder, hook)
    deliverer.deliver_due()

    assert latest(elder, hook)["error"].startswith("no-such-host.invalid has no address: ")


def test_after_a_rotation_both_secrets_sign_for_the_grace(elder, deliverer, hook, receiver, sql):
    rotated = elder.post(f"webhooks/{hook['id']}/rotate", {"grace_seconds": 3600}, status=200)
    ask(elder, hook)
    deliverer.deliver_due()
    for secret in (hook["secret"], rotated["secret"]):
        assert Webhook(secret).verify(receiver.received[0].body, receiver.received[0].headers)

    sql.execute("update elder_worker.webhooks set previous_until = now() - interval '1 second'")
    ask(elder, hook)
    deliverer.deliver_due()
    assert receiver.received[1].headers["webhook-signature"].count("v1,") == 1
    assert Webhook(rotated["secret"]).verify(receiver.received[1].body, receiver.received[1].headers)


DIE = """
import os, sys
from api.app import create_app
from api.delivery import request
from api.delivery.deliverer import Deliverer
from worker.config.settings import load
post = request.post
def sent_and_killed(*arguments):
    post(*arguments)
    os.kill(os.getpid(), 9)
request.post = sent_and_killed
context = create_app(load(dict(os.environ))).extensions["elder"]
Deliverer(context.settings, context.pool, context.box, context.deliveries).deliver_due()
"""


def test_a_killed_deliverer_is_followed_by_another_with_the_same_id(elder, deliverer, hook, receiver, database, sql):
    """Killed in the worst moment: the receiver has it, and nobody has written that down."""
    ask(elder, hook)
    environ = {"DATABASE_URL": database, "ELDER_SECRET_KEYS": KEY, "ELDER_WEBHOOK_NETWORKS": "127.0.0.1", "PATH": "/usr/bin:/bin"}
    assert subprocess.run([sys.executable, "-c", DIE], env=environ, timeout=120, check=False).returncode == -9
    assert deliverer.deliver_due() == 0, "its claim holds for a minute"

    make_due(sql)
    assert deliverer.deliver_due() == 1

    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert latest(elder, hook)["attempts"] == 2


def test_a_late_deliverer_changes_nothing_once_its_claim_is_lost(elder, app, deliverer, hook, receiver, sql):
    ask(elder, hook)
    late = deliverer._claim()
    make_due(sql)
    assert deliverer.deliver_due() == 1
    delivered = latest(elder, hook)

    receiver.answers = [500]
    deliverer._attempt(late)

    assert latest(elder, hook) == delivered


@pytest.mark.parametrize("status", [204, 500])
def test_a_delivery_that_is_asked_for_again_during_an_attempt(elder, deliverer, hook, receiver, sql, status):
    """The attempt's result is stored. A delivered one is not sent twice; one that failed is due at once, with all its attempts before it."""
    asked = ask(elder, hook)
    sql.execute("update elder_worker.webhook_deliveries set attempts = %s", [len(WAITS)])
    receiver.answers = [status]
    claimed = deliverer._claim()
    elder.post(f"webhooks/{hook['id']}/deliveries/{asked['id']}/retry", status=202)

    deliverer._attempt(claimed)

    after = latest(elder, hook)
    assert (after["status"], after["failed_at"], bool(after["delivered_at"])) == (status, None, status == 204)
    assert deliverer.deliver_due() == (0 if status == 204 else 1), "and the webhook is not busy any more"
    assert latest(elder, hook)["attempts"] == (0 if status == 204 else 1)


def test_a_webhook_that_is_disabled_sends_nothing_again(elder, deliverer, hook, sql):
    """It would wait without a word."""
    asked = ask(elder, hook)
    deliverer.deliver_due()
    body = {name: hook[name] for name in ("name", "url", "events", "job_id")}
    elder.put(f"webhooks/{hook['id']}", {**body, "enabled": False})

    answer = elder.post(f"webhooks/{hook['id']}/deliveries/{asked['id']}/retry", status=409)

    assert answer["error"] == f"webhook {hook['id']} is disabled: enable it first"
    assert latest(elder, hook)["attempts"] == 1


@pytest.mark.parametrize(
    ("attempts", "status", "asked", "wait"),
    [
        (0, 429, "3600", 3600),
        (0, 503, "Sun, 06 Nov 2044 08:49:37 GMT", 86_400),
        (0, 503, "999999999", 86_400),
        (8, 503, "60", WAITS[8] * (1 - JITTER)),  # no sooner than it would be anyway
        (0, 500, "3600", 0),
        (0, 429, "soon", 0),
        (0, 429, "-5", 0),
    ],
)
def test_retry_after(elder, deliverer, hook, receiver, sql, attempts, status, asked, wait):
    ask(elder, hook)
    sql.execute("update elder_worker.webhook_deliveries set attempts = %s", [attempts])
    receiver.answers, receiver.headers = [status], {"Retry-After": asked}

    deliverer.deliver_due()

    [told] = sql.execute(
        "select extract(epoch from next_attempt_at - last_attempt_at)::float from elder_worker.webhook_deliveries"
    ).fetchone()
    assert wait <= told
    assert told < (3600 if wait == 0 else 86_400 + 600)


def test_two_deliverers_send_each_delivery_once(elder, app, hook, receiver):
    hooks = [hook, *(elder.post("webhooks", {"name": f"{n}", "url": receiver.url, "events": ["run.ended"]}) for n in range(3))]
    for _ in range(5):
        for one in hooks:
            ask(elder, one)
    context = app.extensions["elder"]
    both = [Deliverer(context.settings, context.pool, context.box, context.deliveries) for _ in range(2)]
    threads = [threading.Thread(target=one.deliver_due) for one in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    both[0].deliver_due()  # a look for the rest: one that found all webhooks busy has ended early

    assert len(receiver.received) == len({got.headers["webhook-id"] for got in receiver.received}) == 20


def test_in_the_background_a_receiver_that_is_slow_holds_up_no_other(elder, app, hook, receiver, monkeypatch):
    monkeypatch.setattr("api.delivery.deliverer.POLL", 0.02)
    slow = elder.post("webhooks", {"name": "slow", "url": receiver.url.replace("hook", "slow"), "events": ["run.ended"]})
    receiver.answering = lambda handler: receiver.ending.wait() if "slow" in handler.path else handler.send_error(404)
    ask(elder, slow)
    ask(elder, hook)

    background = in_background(app)
    try:
        until(lambda: latest(elder, hook)["status"] == 404, "the other delivery")
        assert latest(elder, slow)["attempts"] == 1
        assert latest(elder, slow)["error"] == ""
        assert 1 <= sum(thread.name == "webhook" for thread in threading.enumerate()) <= SENDERS
    finally:
        receiver.ending.set()
        background.close()
    assert not [thread for thread in threading.enumerate() if thread.name in ("webhook", "webhooks")]


def test_a_database_that_is_away_is_told_once_and_waited_for(elder, app, hook, receiver, monkeypatch, caplog):
    from worker.store import webhooks
    from worker.store.errors import Unreachable

    monkeypatch.setattr("api.delivery.deliverer.POLL", 0.01)
    claim, failures = webhooks.claim, iter(range(3))

    def failing(connection):
        if next(failures, None) is not None:
            raise Unreachable("it is away")
        return claim(connection)

    monkeypatch.setattr(webhooks, "claim", failing)
    ask(elder, hook)
    background = in_background(app)
    try:
        until(lambda: receiver.received, "the delivery")
    finally:
        background.close()
    assert not [thread for thread in threading.enumerate() if thread.name in ("webhook", "webhooks")]

    assert caplog.text.count("webhooks are not delivered until") == 1
    assert json.loads(receiver.received[0].body)["type"] == "webhook.test"
