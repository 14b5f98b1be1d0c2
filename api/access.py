"""Access to the API: with a key, its holders; on loopback without a key, this machine's programs and our own pages only."""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from flask import request

from api.errors import ApiError, Forbidden, Unauthorized
from worker.config.settings import Settings

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
HEALTH = frozenset({"/healthz", "/api/v1/healthz"})
"""Open to everybody: a probe has no key."""

READS = frozenset({"GET", "HEAD", "OPTIONS"})


def admit(settings: Settings) -> None:
    """Checks a request before it is handled. Raises `ApiError`."""
    if request.method in READS and "Transfer-Encoding" in request.headers:
        raise ApiError(f"a {request.method} has no body here: leave out Transfer-Encoding")
    if request.path in HEALTH:
        return
    if settings.elder_api_key:
        if not _knows(settings.elder_api_key):
            raise Unauthorized("the API asks for its key: send 'Authorization: Bearer <ELDER_API_KEY>'")
    elif _host() not in LOOPBACK:  # a page of another site whose name was made to point to 127.0.0.1
        raise Forbidden(f"this API answers to localhost only, not to '{_host()}': other names need ELDER_API_KEY")
    if request.method not in READS and _from_another_site():
        raise Forbidden("a page of another site may not change anything here")


def _host() -> str:
    return urlsplit(f"//{request.host}").hostname or ""


def _knows(key: str) -> bool:
    """Bearer for programs; Basic, with the key as password, for browsers."""
    given = request.authorization
    if given is None:
        return False
    secret = given.token if given.type == "bearer" else given.password
    return hmac.compare_digest((secret or "").encode(), key.encode())


def _from_another_site() -> bool:
    """Browsers say where a request comes from, and pages cannot change what they say; programs say nothing."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in ("none", "same-origin")
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc != request.host
