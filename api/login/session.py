"""The session that a request bears in its cookie, and the cookies of signing in."""

from __future__ import annotations

import contextlib

from flask import request
from werkzeug.wrappers import Response

from api.context import Context
from worker.config.login import LoginSettings
from worker.store import sessions
from worker.store.errors import ReadOnly
from worker.store.sessions import Limits, Session

SESSION, SIGN_IN = "elder_session", "elder_sign_in"
"""Cookies: a person's session, and a sign-in under way."""


def current(context: Context) -> Session | None:
    """The session of whoever sent the request; None where nobody has signed in, or did too long ago."""
    settings = context.settings
    cookie = read(settings, SESSION) if settings.elder_oidc_issuer else ""
    if not cookie:
        return None
    limits = Limits(settings.elder_session_idle_timeout, settings.elder_session_lifetime)
    with context.pool.connection() as connection:
        found = sessions.find(connection, cookie, settings.elder_oidc_issuer, limits)
        if found and found.unmarked and _by_a_person():
            with contextlib.suppress(ReadOnly):
                sessions.mark_used(connection, found.id)
    return found


def read(settings: LoginSettings, name: str) -> str:
    """The value that the browser keeps under the name; empty for none."""
    return request.cookies.get(_full(settings, name), "")


def keep(response: Response, settings: LoginSettings, name: str, value: str, seconds: int | None = None) -> None:
    """Tells the browser to keep a value for `seconds`, else until it is closed; scripts cannot read it, nor other sites' forms send it."""
    secure = _secure(settings)
    response.set_cookie(_full(settings, name), value, max_age=seconds, secure=secure, httponly=True, samesite="Lax", path="/")


def forget(response: Response, settings: LoginSettings, name: str) -> None:
    """Tells the browser to forget a value."""
    response.delete_cookie(_full(settings, name), secure=_secure(settings), httponly=True, samesite="Lax", path="/")


def _by_a_person() -> bool:
    """False for what a page that is left open asks by itself, so that it does not keep its session alive."""
    return request.method == "POST" or request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"


def _full(settings: LoginSettings, name: str) -> str:
    """The cookie's name; over https its prefix keeps other hosts of the domain from setting it."""
    return f"__Host-{name}" if _secure(settings) else name


def _secure(settings: LoginSettings) -> bool:
    return settings.elder_oidc_url.startswith("https:")
