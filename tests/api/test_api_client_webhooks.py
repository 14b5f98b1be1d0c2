"""``elder webhooks``: made, tested, changed, watched and deleted from a shell, against an API that delivers."""

from __future__ import annotations

import json
import re

import pytest
from peers.elder import settings
from standardwebhooks.webhooks import Webhook

from api.app import create_app
from api.client.webhooks import COLUMNS, DELIVERY_COLUMNS
from api.delivery.deliverer import Deliverer


@pytest.fixture
def elder_app(database, monkeypatch):
    """The application of an API that delivers to this machine."""
    monkeypatch.setattr("api.delivery.deliverer.POLL", 0.02)
    app = create_app(settings(database, ELDER_WEBHOOK_NETWORKS="127.0.0.1"))
    context = app.extensions["elder"]
    deliverer = Deliverer(context.settings, context.pool, context.box, context.deliveries)
    deliverer.start()
    yield app
    deliverer.close()
    app.extensions["elder"].pool.close()


def test_a_webhook_from_a_shell(elder_command, elder, receiver):
    made = elder_command("webhooks", "create", "hook", "--url", receiver.url, "--event", "run.ended", "--event", "job.parked").stdout
    secret = re.fullmatch(r"webhook 1 is created; its secret, shown this once: (whsec_\S+)\n", made)[1]

    assert elder_command("webhooks", "test", "1").stdout == "the test is delivered: the receiver answered 204\n"
    assert Webhook(secret).verify(receiver.received[0].body, receiver.received[0].headers)["type"] == "webhook.test"

    receiver.answers = [500]
    refused = elder_command("webhooks", "test", "1", code=1)
    assert refused.stderr == "elder: the test is not delivered: the receiver answered 500\n"

    assert (
        elder_command("webhooks", "edit", "1", "--name", "renamed", "--event", "run.ended", "--disable").stdout == "webhook 1 is changed\n"
    )
    shown = json.loads(elder_command("-o", "json", "webhooks", "get", "1").stdout)
    assert (shown["name"], shown["url"], shown["events"], shown["enabled"]) == ("renamed", receiver.url, ["run.ended"], False)
    assert "secret" not in shown
    assert "webhook 1 is disabled" in elder_command("webhooks", "test", "1", code=7).stderr
    listed = elder_command("-o", "csv", "webhooks", "list").stdout.splitlines()
    assert (listed[0], listed[1].split(",")[1]) == (",".join(COLUMNS), "renamed")
    sent = elder_command("-o", "csv", "webhooks", "deliveries", "1", "--limit", "1").stdout.splitlines()
    assert (sent[0], sent[1].split(",")[:2], len(sent)) == (",".join(DELIVERY_COLUMNS), ["2", "webhook.test"], 2)

    assert "webhook 1 is disabled" in elder_command("webhooks", "retry", "1", "2", code=7).stderr
    assert elder_command("webhooks", "edit", "1", "--enable").stdout == "webhook 1 is changed\n"
    assert elder_command("webhooks", "retry", "1", "2").stdout == "delivery 2 is due now\n"
    new = elder_command("webhooks", "rotate", "1", "--grace", "60").stdout
    assert re.fullmatch(r"webhook 1 has a new secret, shown this once: whsec_\S+\n", new)
    assert secret not in new
    assert elder_command("webhooks", "delete", "1", code=2).stderr.endswith("nobody has said yes: --yes answers\n")
    assert elder_command("webhooks", "delete", "1", "--yes").stdout == "webhook 1 is deleted\n"
    assert elder_command("webhooks", "get", "1", code=6).stderr == "elder: there is no webhook 1\n"


@pytest.mark.parametrize(
    ("arguments", "sentence", "code"),
    [
        (("create", "x", "--url", "https://example.com/"), "Missing option '--event'", 2),
        (("create", "x", "--url", "https://example.com/", "--event", "run.begun"), "'run.begun' is not one of", 2),
        (("create", "x", "--url", "http://8.8.8.8/", "--event", "run.ended"), "http to 8.8.8.8 can be read and changed", 2),
        (("edit", "1"), "name what to change", 2),
        (("deliveries", "1"), "there is no webhook 1", 6),
    ],
)
def test_what_is_refused(elder_command, arguments, sentence, code):
    assert sentence in elder_command("webhooks", *arguments, code=code).stderr


def test_lists_are_filtered_as_the_api_filters_them_and_a_webhook_may_be_of_one_job(elder_command, elder, receiver):
    home, other = (elder.post("organizations", {"name": name})["id"] for name in ("home", "other"))
    job = elder.job(organization_id=home)["id"]
    made = ("webhooks", "create", "hook", "--url", receiver.url, "--event", "run.ended", "--job", str(job), "--disabled")
    assert "webhook 1 is created" in elder_command(*made).stdout
    assert elder.get("webhooks/1")["enabled"] is False

    assert elder_command("webhooks", "list", "--organization", str(home)).stdout.count("hook") > 0
    assert elder_command("webhooks", "list", "--organization", str(other)).stderr == "No webhooks.\n"
    elder_command("webhooks", "edit", "1", "--every-job", "--enable")
    assert elder.get("webhooks/1")["job_id"] is None
    elder_command("webhooks", "edit", "1", "--job", str(job))
    assert elder.get("webhooks/1")["job_id"] == job

    elder_command("webhooks", "test", "1")
    sent = elder_command("webhooks", "deliveries", "1", "--state", "delivered", "--event", "webhook.test").stdout.splitlines()
    assert len(sent) == 2
    assert elder_command("webhooks", "deliveries", "1", "--event", "run.ended").stderr == "No deliveries.\n"
    assert elder_command("webhooks", "deliveries", "1", "--state", "given_up").stderr == "No deliveries.\n"
    assert "`state` must be delivered, given_up or pending" in elder_command("webhooks", "deliveries", "1", "--state", "x", code=2).stderr


def test_a_test_that_nobody_delivers(elder_command, elder, monkeypatch):
    made = elder.post("webhooks", {"name": "hook", "url": "https://example.com/", "events": ["run.ended"]})
    monkeypatch.setattr("api.delivery.deliverer.Deliverer._claim", lambda _self: None)

    refused = elder_command("webhooks", "test", str(made["id"]), "--timeout", "0", code=1)

    assert refused.stderr == "elder: the test is not delivered within 0 s: is there an API that delivers?\n"
