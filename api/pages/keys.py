"""Pages of the API's keys: who has which role, since when and until when; forms to make, rotate and revoke one.

A new key is in the answer to the request that makes or rotates it, and in no other page: a redirect would need it in a URL or a cookie.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping
from typing import Any

from flask import redirect, render_template, request
from werkzeug.wrappers import Response

from api import access, keys
from api.context import Context
from api.endpoint import NoBody, NoQuery
from api.errors import Conflict
from api.lookup import or_404
from api.pages import query
from api.pages.actions import REFUSALS, Page, refused
from providers import schema
from worker.store import keys as stored
from worker.store.keys import Role

ROLES: Mapping[Role, str] = {
    "read": "sees everything but keys and the audit log",
    "operate": "changes jobs, runs, scopes, organizations and webhooks, too",
    "admin": "may do everything: keys and the audit log, too",
    "sync": "delivers what a connector has found, and nothing else",
}
"""Meaning of each role, in the order of the form."""

EXPIRIES = (("in 30 days", 30), ("in 90 days", 90), ("in a year", 365), ("never", 0))
"""Times after which the form lets a key expire, in days."""

GRACES = (("not at all", 0), ("an hour", 3600), ("a day", 86_400), ("7 days", 7 * 86_400), ("30 days", keys.GRACE_AT_MOST))
"""Times for which the form lets the old key be accepted as well, in seconds."""


def _list(context: Context, **said: Any) -> str:
    with context.pool.reading() as connection:
        found, total = stored.selection().page(connection, query.page(), query.PER_PAGE)
    rows = [_with_state(row) for row in found]
    values: Mapping[str, Any] = request.form if request.method == "POST" else {"role": "read", "expires_in_days": "90"}
    shown = {"keys": rows, "total": total, "roles": ROLES, "expiries": EXPIRIES, "values": values}
    return render_template("keys.html", **shown, **said, **query.pages(total))


def _make(context: Context) -> Response:
    try:
        given = {name: request.form.get(name, "").strip() for name in ("name", "role")}
        days = query.number(request.form.get("expires_in_days", ""))
        organization = request.form.get("organization_id", "").strip()
        limits = {"expires_in_days": days or None, "organization_id": query.number(organization) if organization else None}
        made = keys.make_key(context, NoQuery(), schema.parse(keys.KeyBody, {**given, **limits}))
    except REFUSALS as error:
        return refused(error, functools.partial(_list, context))
    return Response(_with_key(made), 201, content_type="text/html; charset=utf-8")


def _show(context: Context, key_id: int, **said: Any) -> str:
    key = _with_state(_key(context, key_id))
    actor = f"key:{key['name']}"
    return render_template("key.html", key=key, roles=ROLES, graces=GRACES, actor=actor, own=access.actor().name == actor, **said)


def _rotate(context: Context, key_id: int) -> str | Response:
    """Rotates once for each form that was shown: sent twice, the second rotation would end the old key at once."""
    try:
        if request.form.get("prefix") != _key(context, key_id)["prefix"]:
            raise Conflict("this form was sent before, or the key was rotated meanwhile; send it again if you want another key")
        body = schema.parse(keys.RotateBody, {"grace_seconds": query.number(request.form.get("grace_seconds", ""))})
        rotated = keys.rotate_key(context, NoQuery(), body, key_id)
    except REFUSALS as error:
        return refused(error, functools.partial(_show, context, key_id))
    return _with_key(rotated)


def _revoke(context: Context, key_id: int) -> Response:
    keys.revoke_key(context, NoQuery(), NoBody(), key_id)
    return redirect("/keys", 303)


def _with_key(key: dict[str, Any]) -> str:
    return render_template("key_made.html", key=key)


def _key(context: Context, key_id: int) -> dict[str, Any]:
    """The key without itself. Raises `NotFound`."""
    with context.pool.reading() as connection:
        return or_404(stored.get(connection, key_id), f"key {key_id}")


def _with_state(key: dict[str, Any]) -> dict[str, Any]:
    """The key with whether it is accepted: in use, expired or revoked."""
    expired = key["expires_at"] is not None and key["expires_at"] <= dt.datetime.now(dt.UTC)
    return {**key, "state": "revoked" if key["revoked_at"] else "expired" if expired else "in use"}


PAGES = (
    Page("/keys", _list, "admin"),
    Page("/keys", _make, "admin", "POST"),
    Page("/keys/<id:key_id>", _show, "admin"),
    Page("/keys/<id:key_id>/rotate", _rotate, "admin", "POST"),
    Page("/keys/<id:key_id>/revoke", _revoke, "admin", "POST"),
)
