"""The routes of signing in and out: to the identity provider, back with its answer, and away."""

from __future__ import annotations

import functools
import logging

from flask import Flask, g, redirect, render_template, request
from werkzeug.wrappers import Response

from api.access import origin_of
from api.attempts import WRONG_AT_MOST
from api.context import Context
from api.errors import TooManyRequests
from api.login import session
from api.login.attempt import LASTS, Attempt, opened, own_path, sealed
from api.login.errors import SignInRefused
from api.login.provider import IdentityProvider
from worker.store import audit, sessions
from worker.store.audit import Actor
from worker.store.connection import transaction
from worker.store.sessions import Person

log = logging.getLogger("api")


def register(app: Flask, context: Context) -> None:
    """Adds the routes. `/login` and `/login/callback` are open to everybody (`api.access.SIGN_IN`)."""
    provider = IdentityProvider(context.settings)
    app.add_url_rule("/login", "login", functools.partial(_begin, context, provider))
    app.add_url_rule("/login/callback", "login callback", functools.partial(_finish, context, provider))
    app.add_url_rule("/logout", "logout", functools.partial(_leave, context, provider), methods=["POST"])
    context.roles["logout"] = "read"


def _begin(context: Context, provider: IdentityProvider) -> Response:
    """Sends the browser to the identity provider."""
    attempt = Attempt(path=own_path(request.args.get("next", "/")))
    response = redirect(provider.address(attempt), 303)
    session.keep(response, context.settings, session.SIGN_IN, sealed(attempt, context.box), int(LASTS))
    return response


def _finish(context: Context, provider: IdentityProvider) -> Response:
    """Takes the identity provider's answer, and begins a session."""
    address, state = origin_of(context), request.args.get("state", "")
    wait = context.attempts.wait(address, state)
    if wait:
        raise TooManyRequests(f"too many sign-ins from {address} have failed: try again in {wait:.0f} s", wait)
    try:
        attempt = opened(session.read(context.settings, session.SIGN_IN), state, context.box)
        person = provider.person(attempt, request.args)
        cookie = _admitted(context, attempt, person, address)
    except SignInRefused as error:
        count = context.attempts.wrong(address)
        log.warning("a sign-in from %s is refused, %d of %d within a minute: %s", address, count, WRONG_AT_MOST, error)
        raise
    response = redirect(attempt.path, 303)
    session.keep(response, context.settings, session.SESSION, cookie)
    session.forget(response, context.settings, session.SIGN_IN)
    return response


def _admitted(context: Context, attempt: Attempt, person: Person, address: str) -> str:
    """The cookie of a new session, which stands in the audit log. The browser's session before it ends. Raises `SignInRefused`."""
    before = session.current(context)
    with context.pool.connection() as connection, transaction(connection):
        added = sessions.add(connection, attempt.state, person)
        if added is None:
            raise SignInRefused("this sign-in was completed before: sign in again")
        if before:
            sessions.end(connection, before.id)
        audit.add(connection, Actor(person.actor, person.role, address), "signed in", f"session {added[0]}", after=person)
    return added[1]


def _leave(context: Context, provider: IdentityProvider) -> Response:
    """Ends the session, and shows where the one at the identity provider can be ended."""
    found = g.get("session")
    if found:
        with context.pool.connection() as connection, transaction(connection):
            if sessions.end(connection, found.id):
                audit.add(connection, g.actor, "signed out", f"session {found.id}")
        del g.session, g.actor
    response = Response(render_template("signed_out.html", elsewhere=provider.leaving()), content_type="text/html; charset=utf-8")
    session.forget(response, context.settings, session.SESSION)
    return response
