"""Webhooks over HTTP: made and rotated with the secret shown once, changed, tested, deleted, and their deliveries.

A URL is often a secret of its receiver, so webhooks are shown to those who may make them, and not to keys that only read.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import msgspec
from flask import Response

from api import webhook_models as models
from api.audit import Change, audited
from api.context import Context
from api.delivery import receiver, signature
from api.endpoint import Endpoint, NoQuery
from api.errors import Conflict, InvalidBody, Unavailable
from api.listing import Listing, listed
from api.lookup import get_job, or_404
from api.webhook_models import DeliveryFilters, RotateSecretBody, WebhookBody, WebhookFilters
from worker.config.proxies import networks
from worker.config.secretbox import SecretBoxError
from worker.run.events import TEST
from worker.store import webhooks
from worker.store.connection import Connection
from worker.store.query import Query

WEBHOOKS = Listing("webhooks", models.Webhook, "Webhooks", "Webhooks in an order.")
DELIVERIES = Listing("deliveries", models.Delivery, "Deliveries", "Deliveries of a webhook in an order.")


def list_webhooks(context: Context, query: WebhookFilters, body: Any) -> dict[str, Any] | Response:
    """All webhooks, the newest first, or those that are told of one organization."""
    return listed(context, WEBHOOKS, query, lambda _connection, _fields: webhooks.selection(query.organization_id, query.sort))


def show_webhook(context: Context, query: NoQuery, body: Any, webhook_id: int) -> dict[str, Any]:
    """Returns a webhook without its secret."""
    with context.pool.reading() as connection:
        return _get(connection, webhook_id)


def make_webhook(context: Context, query: NoQuery, body: WebhookBody) -> dict[str, Any]:
    """Makes a webhook with a secret of its own."""
    _check_url(context, body)
    secret = signature.new_secret()
    sealed = _sealed(context, secret)
    with audited(context, "webhook made") as change:
        _check_job(change, body)
        number = webhooks.add(change.connection, _values(body), sealed, change.actor.name)
        row = change.after = _get(change.connection, number)
        change.subject = f"webhook {number}"
    return {**row, "secret": secret}


def change_webhook(context: Context, query: NoQuery, body: WebhookBody, webhook_id: int) -> dict[str, Any]:
    """Says anew what a webhook is; its secret stays."""
    with audited(context, "webhook changed", f"webhook {webhook_id}") as change:
        before = change.before = _get(change.connection, webhook_id)
        if body.enabled or body.url != before["url"]:  # one whose network is not allowed any more can still be disabled
            _check_url(context, body)
        _check_job(change, body)
        webhooks.change(change.connection, webhook_id, _values(body))
        row = change.after = _get(change.connection, webhook_id)
    return row


def delete_webhook(context: Context, query: NoQuery, body: Any, webhook_id: int) -> dict[str, Any]:
    """Deletes a webhook with its deliveries."""
    with audited(context, "webhook deleted", f"webhook {webhook_id}") as change:
        row = change.before = _get(change.connection, webhook_id)
        webhooks.delete(change.connection, webhook_id)
    return row


def rotate_secret(context: Context, query: NoQuery, body: RotateSecretBody, webhook_id: int) -> dict[str, Any]:
    """Gives a webhook a new secret."""
    secret = signature.new_secret()
    sealed = _sealed(context, secret)
    with audited(context, "webhook secret rotated", f"webhook {webhook_id}") as change:
        change.before = _get(change.connection, webhook_id)
        webhooks.rotate(change.connection, webhook_id, sealed, body.grace_seconds)
        row = change.after = _get(change.connection, webhook_id)
    return {**row, "secret": secret}


def test_webhook(context: Context, query: NoQuery, body: Any, webhook_id: int) -> dict[str, Any]:
    """Sends a test event within seconds; the delivery says what became of it."""
    with audited(context, "webhook tested", f"webhook {webhook_id}") as change:
        row = _enabled(change.connection, webhook_id)
        moment = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        payload = {"type": TEST, "timestamp": moment, "data": {"webhook": {"id": webhook_id, "name": row["name"]}}}
        number = webhooks.add_delivery(change.connection, webhook_id, TEST, payload)
        delivery = webhooks.delivery(change.connection, webhook_id, number)
    return or_404(delivery, f"delivery {number}")


def list_deliveries(context: Context, query: DeliveryFilters, body: Any, webhook_id: int) -> dict[str, Any] | Response:
    """The deliveries of a webhook, the newest first."""

    def select(connection: Connection, _fields: Sequence[str]) -> Query:
        _get(connection, webhook_id)
        return webhooks.deliveries(webhook_id, query.state, query.event, query.sort)

    return listed(context, DELIVERIES, query, select)


def retry_delivery(context: Context, query: NoQuery, body: Any, webhook_id: int, delivery_id: int) -> dict[str, Any]:
    """Sends a delivery again, under the same id, whatever became of it."""
    with audited(context, "webhook delivery retried", f"webhook {webhook_id}") as change:
        _enabled(change.connection, webhook_id)
        name = f"delivery {delivery_id} of webhook {webhook_id}"
        change.before = or_404(webhooks.delivery(change.connection, webhook_id, delivery_id), name)
        webhooks.retry(change.connection, webhook_id, delivery_id)
        row = change.after = or_404(webhooks.delivery(change.connection, webhook_id, delivery_id), name)
    return row


def _get(connection: Connection, number: int) -> dict[str, Any]:
    return or_404(webhooks.get(connection, number), f"webhook {number}")


def _enabled(connection: Connection, number: int) -> dict[str, Any]:
    """A webhook that deliveries go to. Raises `Conflict` for one that is disabled."""
    row = _get(connection, number)
    if not row["enabled"]:
        raise Conflict(f"webhook {number} is disabled: enable it first")
    return row


def _values(body: WebhookBody) -> dict[str, Any]:
    """The columns of a body."""
    return {**msgspec.structs.asdict(body), "name": body.name.strip()}


def _check_url(context: Context, body: WebhookBody) -> None:
    """Raises `InvalidBody` for a URL that may not be used."""
    try:
        receiver.parse(body.url, networks(context.settings.elder_webhook_networks))
    except receiver.Refused as error:
        raise InvalidBody([f"`url`: {error}"]) from None


def _check_job(change: Change, body: WebhookBody) -> None:
    if body.job_id is not None:
        get_job(change.connection, body.job_id)


def _sealed(context: Context, secret: str) -> dict[str, str]:
    try:
        return context.box.seal(secret)
    except SecretBoxError as error:
        raise Unavailable(str(error)) from None


ENDPOINTS = (
    WEBHOOKS.endpoint("/webhooks", "Webhooks, the newest first", list_webhooks, WebhookFilters, "operate"),
    Endpoint(
        "POST",
        "/webhooks",
        "Make a webhook; its secret is shown this once",
        make_webhook,
        201,
        body=WebhookBody,
        answer=models.NewWebhook,
        role="operate",
    ),
    Endpoint("GET", "/webhooks/{webhook_id}", "One webhook", show_webhook, answer=models.Webhook, role="operate"),
    Endpoint(
        "PUT",
        "/webhooks/{webhook_id}",
        "Say anew what a webhook is; its secret stays",
        change_webhook,
        body=WebhookBody,
        answer=models.Webhook,
        role="operate",
    ),
    Endpoint(
        "DELETE", "/webhooks/{webhook_id}", "Delete a webhook and its deliveries", delete_webhook, answer=models.Webhook, role="operate"
    ),
    Endpoint(
        "POST",
        "/webhooks/{webhook_id}/rotate",
        "Give a webhook a new secret; the old one may sign as well for a while",
        rotate_secret,
        body=RotateSecretBody,
        answer=models.NewWebhook,
        role="operate",
    ),
    Endpoint(
        "POST",
        "/webhooks/{webhook_id}/test",
        "Send a test event; the delivery says what became of it",
        test_webhook,
        202,
        answer=models.Delivery,
        role="operate",
    ),
    DELIVERIES.endpoint(
        "/webhooks/{webhook_id}/deliveries", "What was sent to a webhook, the newest first", list_deliveries, DeliveryFilters, "operate"
    ),
    Endpoint(
        "POST",
        "/webhooks/{webhook_id}/deliveries/{delivery_id}/retry",
        "Send a delivery again, under the same id",
        retry_delivery,
        202,
        answer=models.Delivery,
        role="operate",
    ),
)
