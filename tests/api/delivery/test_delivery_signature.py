"""Signatures of deliveries, as the library of Standard Webhooks, which we did not write, checks and makes them."""

from __future__ import annotations

import datetime as dt
import time

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from api.delivery import signature

BODY = '{"type":"run.ended","data":{"job":{"name":"Schlüssel"}}}'.encode()


def test_the_library_takes_what_is_signed_and_refuses_what_was_changed():
    secret = signature.new_secret()
    headers = signature.headers([secret], "5d4f", int(time.time()), BODY)

    assert Webhook(secret).verify(BODY, headers) == {"type": "run.ended", "data": {"job": {"name": "Schlüssel"}}}
    for changed in ({**headers, "webhook-id": "5d50"}, {**headers, "webhook-timestamp": str(int(time.time()) - 1)}):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(BODY, changed)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(signature.new_secret()).verify(BODY, headers)


def test_it_is_the_signature_that_the_library_makes():
    secret, moment = signature.new_secret(), dt.datetime(2026, 11, 28, tzinfo=dt.UTC)

    headers = signature.headers([secret], "5d4f", int(moment.timestamp()), BODY)

    assert headers["webhook-signature"] == Webhook(secret).sign("5d4f", moment, BODY.decode())


def test_after_a_rotation_whoever_has_either_secret_takes_it():
    new, old = signature.new_secret(), signature.new_secret()
    headers = signature.headers([new, old], "5d4f", int(time.time()), BODY)

    for secret in (new, old):
        assert Webhook(secret).verify(BODY, headers)["type"] == "run.ended"


def test_secrets_are_random_and_long():
    made = {signature.new_secret() for _ in range(100)}

    assert len(made) == 100
    assert all(secret.startswith("whsec_") and len(secret) == 50 for secret in made)
