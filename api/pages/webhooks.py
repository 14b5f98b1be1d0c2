"""Pages of webhooks: their deliveries, and forms for everything that the API does to a webhook.

A new secret is in the answer to the request that makes or rotates it, and in no other page: a redirect would need it in a URL or a cookie.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Mapping
from typing import Any, get_args
from urllib.parse import urlencode

from flask import redirect, render_template, request
from werkzeug.wrappers import Response

from api import webhooks
from api.context import Context
from api.endpoint import NoBody, NoQuery
from api.errors import Conflict
from api.pages import query
from api.pages.actions import REFUSALS, Page, refused
from api.webhook_models import GRACE_AT_MOST, DeliveryFilters, RotateSecretBody, WebhookBody
from providers import schema
from worker.run.events import EVENTS, TEST, Event
from worker.store import jobs as stored_jobs
from worker.store import organizations
from worker.store import webhooks as stored
from worker.store.webhooks import State

DELIVERIES = 20
"""Deliveries on a page."""

PAYLOAD = 10_000
"""Characters of a payload on the page; the API has all of it."""

ORGANIZATIONS = 1000
"""Organizations that the list may be filtered by on the page; the API takes any."""

JOBS = 1000
"""Jobs that a form offers to choose from; the API takes any."""

SOON = dt.timedelta(minutes=1)
"""A page follows deliveries whose next attempt is due within this time."""

SENTENCES: Mapping[Event, str] = {
    "run.ended": "a run of a job or a sync of a connector has ended, with any outcome",
    "run.held_back": "a run holds deletions back, for a person to release",
    "job.parked": "a job has crashed too often, and does not run until a person unparks it",
    "entities.new": "a run has created entities",
    "entities.changed": "a run has changed entities",
    "entities.deleted": "a run has deleted entities",
}
"""Meaning of each event, in the order of the form."""

GRACES = (("not at all", 0), ("an hour", 3600), ("a day", 86_400), ("7 days", GRACE_AT_MOST))
"""Times for which the form lets the old secret sign as well, in seconds."""


def _list(context: Context) -> str:
    given = query.filters("organization_id")
    asked = {name: query.number(value) for name, value in given.items()}
    with context.pool.reading() as connection:
        found, total = stored.selection(asked.get("organization_id")).page(connection, query.page(), query.PER_PAGE)
        homes, _ = organizations.selection({}).page(connection, 1, ORGANIZATIONS)
    shown = {"webhooks": found, "total": total, "given": given, "organizations": homes}
    return render_template("webhooks.html", **shown, **_form(context, None), **query.pages(total))


def _make(context: Context) -> Response:
    try:
        made = webhooks.make_webhook(context, NoQuery(), _body(request.form.get("enabled") == "true"))
    except REFUSALS as error:
        return refused(error, lambda **said: render_template("webhook_form.html", **_form(context, None), **said))
    return Response(_with_secret(made), 201, content_type="text/html; charset=utf-8")


def _show(context: Context, webhook_id: int, **said: Any) -> str:
    webhook = _webhook(context, webhook_id)
    given = query.filters("state", "event")
    filters = query.typed(given, DeliveryFilters)
    chosen = stored.deliveries(webhook_id, filters.state, filters.event)
    with context.pool.reading() as connection:
        found, total = chosen.page(connection, query.page(), DELIVERIES)
    now = dt.datetime.now(dt.UTC)
    deliveries = [{**one, "due": _is_due(one, now)} for one in found]
    live = not said and webhook["enabled"] and any(_is_due(one, now + SOON) for one in deliveries)
    shown = {"webhook": webhook, "deliveries": deliveries, "names": _job_names(context), "live": live, "given": given}
    shown |= {"states": get_args(State), "events": (*EVENTS, TEST), "here": _here(), "payload_at_most": PAYLOAD}
    return render_template("webhook.html", **shown, **said, **query.pages(total, DELIVERIES))


def _here() -> str:
    """The query of the address: the filters and the page of the list that is shown."""
    page = query.page()
    given = query.filters("state", "event") | ({"page": page} if page > 1 else {})
    return f"?{urlencode(given)}" if given else ""


def _is_due(delivery: Mapping[str, Any], at: dt.datetime) -> bool:
    return delivery["next_attempt_at"] is not None and delivery["next_attempt_at"] <= at


def _edit(context: Context, webhook_id: int, **said: Any) -> str:
    return render_template("webhook_form.html", **_form(context, _webhook(context, webhook_id)), **said)


def _change(context: Context, webhook_id: int) -> Response:
    try:
        webhooks.change_webhook(context, NoQuery(), _body(_webhook(context, webhook_id)["enabled"]), webhook_id)
    except REFUSALS as error:
        return refused(error, functools.partial(_edit, context, webhook_id))
    return redirect(f"/webhooks/{webhook_id}", 303)


def _rotation(context: Context, webhook_id: int, **said: Any) -> str:
    return render_template("webhook_rotate.html", webhook=_webhook(context, webhook_id), graces=GRACES, **said)


def _rotate(context: Context, webhook_id: int) -> str | Response:
    """Rotates once for each form that was shown: sent twice, the second rotation would end the old secret at once."""
    try:
        if request.form.get("updated_at") != _webhook(context, webhook_id)["updated_at"].isoformat():
            raise Conflict("this form was sent before, or the webhook was changed meanwhile; send it again if you want another secret")
        body = schema.parse(RotateSecretBody, {"grace_seconds": query.number(request.form.get("grace_seconds", ""))})
        rotated = webhooks.rotate_secret(context, NoQuery(), body, webhook_id)
    except REFUSALS as error:
        return refused(error, functools.partial(_rotation, context, webhook_id))
    return _with_secret(rotated)


def _with_secret(webhook: dict[str, Any]) -> str:
    return render_template("webhook_secret.html", webhook=webhook)


def _switch(enabled: bool) -> Callable[..., Any]:
    """The action that enables a webhook, or disables it: the API takes all of its settings at once."""

    def action(context: Context, no_query: NoQuery, no_body: NoBody, webhook_id: int) -> Any:
        row = _webhook(context, webhook_id)
        settings = {name: row[name] for name in ("name", "url", "events", "job_id")}
        return webhooks.change_webhook(context, no_query, WebhookBody(**settings, enabled=enabled), webhook_id)

    return action


def _press(action: Callable[..., Any]) -> Callable[..., Response]:
    """The view of a button on the page of a webhook: what is refused is told on that page, at the same place of the list."""

    def view(context: Context, webhook_id: int, **path: int) -> Response:
        try:
            action(context, NoQuery(), NoBody(), webhook_id, **path)
        except REFUSALS as error:
            return refused(error, functools.partial(_show, context, webhook_id))
        return redirect(f"/webhooks/{webhook_id}{_here()}", 303)

    return view


def _delete(context: Context, webhook_id: int) -> Response:
    webhooks.delete_webhook(context, NoQuery(), NoBody(), webhook_id)
    return redirect("/webhooks", 303)


def _webhook(context: Context, webhook_id: int) -> dict[str, Any]:
    """The webhook without its secret. Raises `NotFound`."""
    return webhooks.show_webhook(context, NoQuery(), NoBody(), webhook_id)


def _body(enabled: bool) -> WebhookBody:
    """The body of the API's request that the form stands for. Raises `ApiError` and `ConfigError`."""
    form = request.form
    job = form.get("job_id", "").strip()
    given = {name: form.get(name, "").strip() for name in ("name", "url")}
    chosen = {"events": form.getlist("events"), "job_id": query.number(job) if job else None}
    return schema.parse(WebhookBody, {**given, **chosen, "enabled": enabled})


def _form(context: Context, webhook: dict[str, Any] | None) -> dict[str, Any]:
    """The values of the form: what was sent, else what is stored, else empty."""
    if request.method == "POST":
        values: Mapping[str, Any] = request.form
        chosen = request.form.getlist("events")
    else:
        values = {"job_id": "", "enabled": "true"} if webhook is None else {**webhook, "job_id": str(webhook["job_id"] or "")}
        chosen = [] if webhook is None else webhook["events"]
    return {"webhook": webhook, "values": values, "chosen": chosen, "sentences": SENTENCES, "names": _job_names(context)}


def _job_names(context: Context) -> dict[int, str]:
    with context.pool.reading() as connection:
        return stored_jobs.names(connection, JOBS)


PAGES = (
    Page("/webhooks", _list, "operate"),
    Page("/webhooks", _make, "operate", "POST"),
    Page("/webhooks/<id:webhook_id>", _show, "operate"),
    Page("/webhooks/<id:webhook_id>/edit", _edit, "operate"),
    Page("/webhooks/<id:webhook_id>/edit", _change, "operate", "POST"),
    Page("/webhooks/<id:webhook_id>/rotate", _rotation, "operate"),
    Page("/webhooks/<id:webhook_id>/rotate", _rotate, "operate", "POST"),
    Page("/webhooks/<id:webhook_id>/enable", _press(_switch(enabled=True)), "operate", "POST"),
    Page("/webhooks/<id:webhook_id>/disable", _press(_switch(enabled=False)), "operate", "POST"),
    Page("/webhooks/<id:webhook_id>/test", _press(webhooks.test_webhook), "operate", "POST"),
    Page("/webhooks/<id:webhook_id>/delete", _delete, "operate", "POST"),
    Page("/webhooks/<id:webhook_id>/deliveries/<id:delivery_id>/retry", _press(webhooks.retry_delivery), "operate", "POST"),
)
