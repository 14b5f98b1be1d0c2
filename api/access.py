"""Access to the API: whose key or session a request bears, and whether its role allows the route.

On loopback without ELDER_API_KEY, this machine's programs and our own pages may do everything without a key. So may what comes from
ELDER_API_OPEN_NETWORK: the host's own programs, by a port that is published on its loopback.
"""

from __future__ import annotations

import contextlib
import hmac
import logging
from typing import NamedTuple
from urllib.parse import urlsplit

from flask import g, request

from api.attempts import WRONG_AT_MOST, Attempts
from api.context import Context
from api.errors import ApiError, Forbidden, TooManyRequests, Unauthorized
from api.login import session
from api.origin import is_one_of, origin
from api.roles import may
from worker.store import keys
from worker.store.audit import Actor
from worker.store.errors import ReadOnly
from worker.store.keys import Role

log = logging.getLogger("api")

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
HEALTH = frozenset({"/healthz", "/api/v1/healthz"})
"""Open to everybody: a probe has no key."""

SIGN_IN = frozenset({"/login", "/login/callback"})
"""Open to everybody where people sign in by an identity provider."""

READS = frozenset({"GET", "HEAD", "OPTIONS"})

LOCAL, FIRST, SYNC = "local", "ELDER_API_KEY", "ELDER_SYNC_KEY"
"""Names of callers without a key, and with the keys of the settings."""


class Caller(NamedTuple):
    """The sender of a request."""

    name: str
    role: Role
    organization: int | None = None
    """The organization that the sender's key is limited to, with those below it; None without a limit."""


def admit(context: Context) -> None:
    """Checks a request before it is handled, and remembers who sent it. Raises `ApiError`."""
    if request.method in READS and "Transfer-Encoding" in request.headers:
        raise ApiError(f"a {request.method} has no body here: leave out Transfer-Encoding")
    if request.path in HEALTH or (request.path in SIGN_IN and context.settings.elder_oidc_issuer):
        return
    caller = _caller(context)
    g.actor = Actor(caller.name, caller.role, origin_of(context))
    g.organization = caller.organization
    if request.method not in READS and (_from_another_site() or ("session" in g and not _from_own_page())):
        raise Forbidden("a page of another site may not change anything here")
    if request.endpoint is not None:
        _check_role(caller, context.roles.get(request.endpoint))
        _check_limit(caller, request.endpoint in context.narrowed)


def actor() -> Actor:
    """Returns the caller of the request that is being handled."""
    found = g.actor
    assert isinstance(found, Actor)
    return found


def organization() -> int | None:
    """The organization that the caller's key is limited to, with those below it; None for all others."""
    found = g.organization
    assert found is None or isinstance(found, int)
    return found


def _check_role(caller: Caller, needed: Role | None) -> None:
    if needed is None:
        raise Forbidden("no role is named for this route, so nobody may use it")
    if not may(caller.role, needed):
        raise Forbidden(f"this needs a key with the role '{needed}', and {caller.name} has '{caller.role}'")


def _check_limit(caller: Caller, narrowed: bool) -> None:
    if caller.organization is not None and not narrowed:
        raise Forbidden(
            f"{caller.name} sees organization {caller.organization} and those below it, and this would show more: "
            "such keys read /api/v1/entities and /api/v1/organizations"
        )


def _caller(context: Context) -> Caller:
    """The sender of the request. Raises `ApiError`."""
    given, asked = _given(), bool(context.settings.elder_api_key or context.settings.elder_oidc_issuer)
    if not asked and _host() not in LOOPBACK:  # a page of another site whose name was made to point to 127.0.0.1
        raise Forbidden(f"this API answers to localhost only, not to '{_host()}': other names need ELDER_API_KEY")
    if not given:
        if signed_in := session.current(context):
            g.session = signed_in
            return Caller(signed_in.person.actor, signed_in.person.role)
        if asked and not _from_open_network(context):
            raise Unauthorized("the API asks for a key: send 'Authorization: Bearer <key>'")
        return Caller(LOCAL, "admin")
    if asked:
        return _known_or_refused(context, given)
    return _known(context, given) or Caller(LOCAL, "admin")


def _known_or_refused(context: Context, given: str) -> Caller:
    address, attempts = origin_of(context), context.attempts
    wait = attempts.wait(address, given)
    if wait:
        raise TooManyRequests(f"too many wrong keys came from {address}: try again in {wait:.0f} s", wait)
    known = _known(context, given)
    if known is None:
        _count_wrong(attempts, address)
        raise Unauthorized("the API does not know this key: send 'Authorization: Bearer <key>' with one that is in use")
    attempts.right(address, given)
    return known


def _from_open_network(context: Context) -> bool:
    """True for a request without a proxy between, under a name of this machine: a page of another site may have made its own point here."""
    peer = request.remote_addr or ""
    return is_one_of(peer, context.open_networks) and _host() in LOOPBACK and "X-Forwarded-For" not in request.headers


def origin_of(context: Context) -> str:
    """The address that the request comes from."""
    return origin(request.remote_addr or "", request.headers.get("X-Forwarded-For", ""), context.trusted_proxies)


def _count_wrong(attempts: Attempts, address: str) -> None:
    count = attempts.wrong(address)
    log.warning("a wrong key came from %s, %d within a minute", address, count)
    if count >= WRONG_AT_MOST:
        log.warning("no more keys of %s are looked at until a minute has passed", address)


def _known(context: Context, given: str) -> Caller | None:
    """The owner of a key; None when there is no such key in use."""
    if _is_key(given, context.settings.elder_api_key):
        return Caller(FIRST, "admin")
    if _is_key(given, context.settings.elder_sync_key):
        return Caller(SYNC, "sync")
    if not given.startswith(keys.PREFIX):
        return None
    with context.pool.connection() as connection:
        found = keys.find(connection, given)
        if found and found.unmarked:
            with contextlib.suppress(ReadOnly):
                keys.mark_used(connection, found.id)
    return Caller(f"key:{found.name}", found.role, found.organization_id) if found else None


def _is_key(given: str, key: str) -> bool:
    return bool(key) and hmac.compare_digest(given.encode(), key.encode())


def _given() -> str:
    """The key that the request bears: Bearer for programs; Basic, with the key as password, for browsers."""
    given = request.authorization
    if given is None:
        return ""
    return (given.token if given.type == "bearer" else given.password) or ""


def _host() -> str:
    return urlsplit(f"//{request.host}").hostname or ""


def _from_another_site() -> bool:
    """Browsers say where a request comes from, and pages cannot change what they say; programs say nothing."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in ("none", "same-origin")
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc != request.host


def _from_own_page() -> bool:
    """True if the browser says so. A cookie is sent by browsers only, and every browser says where a form or script of a page is from."""
    site = request.headers.get("Sec-Fetch-Site")
    return site == "same-origin" if site is not None else urlsplit(request.headers.get("Origin", "")).netloc == request.host
