"""Webhooks over HTTP: made with the secret shown once, changed, rotated, tested and deleted, each with its line in the audit log."""

from __future__ import annotations

import json
import re

import pytest
from cryptography.fernet import Fernet
from peers.elder import KEY, settings

from api.app import create_app
from worker.cli.main import main
from worker.config.environment import SettingsError
from worker.config.settings import load

BODY = {"name": "on-call", "url": "https://example.com/hooks/elder?token=of-the-receiver", "events": ["run.ended", "job.parked"]}


def test_a_webhook_from_its_making_to_its_end(elder):
    job = elder.job()
    made = elder.post("webhooks", {**BODY, "job_id": job["id"]})
    path = f"webhooks/{made['id']}"
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", made.pop("secret"))
    assert elder.get(path) == made
    assert (made["enabled"], made["pending"], made["failed"], made["created_by"]) == (True, 0, 0, "local")

    changed = elder.put(path, {**BODY, "name": "night", "enabled": False})

    assert (changed["name"], changed["job_id"], changed["enabled"]) == ("night", None, False)
    assert elder.get("webhooks")["webhooks"] == [changed]
    assert elder.delete(path) == changed
    assert elder.get(path, 404)["error"] == f"there is no webhook {made['id']}"
    found = elder.get(f"audit?object=webhook%20{made['id']}")["audit"][::-1]
    assert [line["action"] for line in found] == ["webhook made", "webhook changed", "webhook deleted"]
    assert (found[1]["before"]["name"], found[1]["after"]["name"]) == ("on-call", "night")


def test_the_secret_is_shown_once_and_stored_sealed(elder, sql):
    made = elder.post("webhooks", BODY)
    rotated = elder.post(f"webhooks/{made['id']}/rotate", {"grace_seconds": 60}, 200)

    assert made["secret"] != rotated["secret"]
    assert rotated["previous_until"]
    shown = "".join(elder.call("GET", path).get_data(as_text=True) for path in ("webhooks", f"webhooks/{made['id']}", "audit"))
    rows = json.dumps(sql.execute("select secrets from elder_worker.webhooks").fetchone()[0])
    for secret in (made["secret"], rotated["secret"]):
        assert secret not in shown + rows
        assert secret.removeprefix("whsec_") not in shown + rows
    assert json.loads(rows).keys() == {"current", "previous"}
    assert elder.post(f"webhooks/{made['id']}/rotate", {}, 200)["previous_until"] is None
    assert sql.execute("select secrets ? 'previous' from elder_worker.webhooks").fetchone() == (False,)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": " "}, "`name` has 1 to 100 printable characters"),
        ({"name": "a\nb"}, "`name` has 1 to 100 printable characters"),
        ({"events": []}, "`events` names one or more of run.ended, "),
        ({"events": ["run.ended", "run.ended"]}, "`events` names one or more of run.ended, "),
        ({"events": ["run.begun"]}, "`events[0]` must be entities.changed, "),
        ({"url": "http://example.com/"}, "`url`: it begins with http, "),
        ({"url": "https://127.0.0.1/"}, "`url`: 127.0.0.1 is not a public address: list it, or its network, in ELDER_WEBHOOK_NETWORKS"),
        ({"url": "https://169.254.169.254/latest/"}, "`url`: 169.254.169.254 is link-local, a metadata service"),
        ({"url": "https://me:secret@example.com/"}, "`url`: it holds a user or a password"),
        ({"enabled": "perhaps"}, "`enabled` must be true or false, and is a text"),
    ],
)
def test_what_is_refused(elder, change, sentence):
    found = elder.post("webhooks", {**BODY, **change}, 400)

    assert any(sentence in detail for detail in found["details"]), found
    assert elder.get("webhooks")["total"] == 0


def test_a_job_that_is_not_there_a_name_that_is_taken_and_no_key_to_seal_with(elder, database):
    assert elder.post("webhooks", {**BODY, "job_id": 99}, 404)["error"] == "there is no job 99"
    elder.post("webhooks", BODY)
    assert "a webhook named 'on-call' is there" in elder.post("webhooks", BODY, 409)["error"]
    other = elder.post("webhooks", {**BODY, "name": "other"})
    assert "a webhook named 'on-call' is there" in elder.put(f"webhooks/{other['id']}", BODY, 409)["error"]

    app = create_app(load({"DATABASE_URL": database}))
    response = app.test_client().post("/api/v1/webhooks", json={**BODY, "name": "third"})
    app.extensions["elder"].pool.close()
    assert (response.status_code, "ELDER_SECRET_KEYS is not set" in response.json["error"]) == (503, True)


def test_a_test_is_a_delivery_that_is_due(elder):
    made = elder.post("webhooks", BODY)

    asked = elder.post(f"webhooks/{made['id']}/test", status=202)

    assert (asked["event"], asked["attempts"], asked["delivered_at"]) == ("webhook.test", 0, None)
    assert asked["payload"]["type"] == "webhook.test"
    assert asked["payload"]["data"] == {"webhook": {"id": made["id"], "name": "on-call"}}
    assert elder.get(f"webhooks/{made['id']}/deliveries")["deliveries"] == [asked]
    assert elder.get(f"webhooks/{made['id']}")["pending"] == 1
    elder.post(f"webhooks/{made['id']}/deliveries/{asked['id'] + 1}/retry", status=404)
    other = elder.post("webhooks", {**BODY, "name": "other"})
    elder.post(f"webhooks/{other['id']}/deliveries/{asked['id']}/retry", status=404)


def test_webhooks_are_shown_to_those_who_may_make_them(keyed):
    """A URL is often a secret of its receiver."""
    keyed.call("POST", "webhooks", json=BODY)
    for role, status in (("read", 403), ("sync", 403), ("operate", 200)):
        key = keyed.make(role, role)["key"]
        assert keyed.status(key, "webhooks") == status
        assert keyed.status(key, "webhooks/1") == status
        assert keyed.status(key, "webhooks/1/deliveries") == status


def test_everything_about_webhooks_is_described_with_examples(elder):
    schemas = elder.document["components"]["schemas"]

    assert schemas["WebhookBody"]["properties"]["url"]["examples"] == ["https://example.com/hooks/elder"]
    assert schemas["NewWebhook"]["properties"]["secret"]["examples"][0].startswith("whsec_")
    for name in ("WebhookBody", "RotateSecretBody"):
        for field, schema in schemas[name]["properties"].items():
            assert schema.get("description"), (name, field)
    for field in ("event_id", "status", "answer", "error"):
        assert schemas["Delivery"]["properties"][field]["description"], field


def test_the_rotation_of_keys_seals_the_secrets_of_webhooks_too(elder, sql, database, capsys, monkeypatch):
    made = elder.post("webhooks", BODY)
    elder.post(f"webhooks/{made['id']}/rotate", {"grace_seconds": 60}, 200)
    new = Fernet.generate_key().decode()
    for name, value in {"DATABASE_URL": database, "ELDER_SECRET_KEYS": f"{new},{KEY}"}.items():
        monkeypatch.setenv(name, value)

    assert main(["secrets", "rotate"]) == 0

    assert capsys.readouterr().out.startswith("2 secrets of 1 webhook are sealed with the first key now")
    context = create_app(settings(database, ELDER_SECRET_KEYS=new)).extensions["elder"]
    opened = context.box.open(sql.execute("select secrets from elder_worker.webhooks").fetchone()[0])
    assert opened["previous"] == made["secret"]


@pytest.mark.parametrize("given", ["10.0.0.0/8,lan", "10.0.0.1/33"])
def test_networks_that_are_none_stop_the_start(given):
    with pytest.raises(SettingsError, match=r"ELDER_WEBHOOK_NETWORKS: '.*' is not an address or network"):
        load({"ELDER_WEBHOOK_NETWORKS": given})


def test_a_ca_file_that_is_none_stops_the_start(tmp_path):
    with pytest.raises(SettingsError, match=r"ELDER_WEBHOOK_CA_BUNDLE: .* cannot be read"):
        load({"ELDER_WEBHOOK_CA_BUNDLE": str(tmp_path / "none.pem")})
