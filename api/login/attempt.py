"""A sign-in under way: what the browser keeps, sealed, while a person is at the identity provider."""

from __future__ import annotations

import hmac
import secrets
import time
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from api.login.errors import SignInRefused
from worker.config.secretbox import MARK, SecretBox, SecretBoxError

LASTS = 600.0
"""Seconds that a person may take to sign in."""

LONGEST_PATH = 500
"""Characters of a path to go to afterwards; a longer one is forgotten, as a cookie holds 4 KB."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One sign-in. `state` binds the answer to this browser, `nonce` the ID token, `verifier` the code (PKCE)."""

    purpose: Literal["sign-in"] = "sign-in"
    state: str = msgspec.field(default_factory=lambda: secrets.token_urlsafe(32))
    nonce: str = msgspec.field(default_factory=lambda: secrets.token_urlsafe(32))
    verifier: str = msgspec.field(default_factory=lambda: secrets.token_urlsafe(48))
    path: str = "/"
    """The page that the person wanted to see."""
    begun: float = msgspec.field(default_factory=time.time)


def sealed(attempt: Attempt, box: SecretBox) -> str:
    """The attempt as a cookie's value, which only the API reads. Raises `SecretBoxError`."""
    return box.seal(msgspec.to_builtins(attempt))[MARK]


def opened(cookie: str, state: str, box: SecretBox) -> Attempt:
    """The attempt that a browser has kept, if the answer with this state belongs to it. Raises `SignInRefused`."""
    try:
        attempt = msgspec.convert(box.open({MARK: cookie}), Attempt)
    except (SecretBoxError, msgspec.ValidationError):
        raise SignInRefused("this sign-in was not begun in this browser, or was completed before: sign in again") from None
    if not hmac.compare_digest(attempt.state.encode(), state.encode(errors="replace")):
        raise SignInRefused("this answer belongs to another sign-in than the last that this browser began: sign in again")
    if not 0 <= time.time() - attempt.begun <= LASTS:
        raise SignInRefused(f"this sign-in was begun more than {LASTS / 60:.0f} minutes ago: sign in again")
    return attempt


def own_path(wanted: str) -> str:
    """The path to go to after signing in: one of this site, else the first page. Two slashes, or a backslash, are a host to a browser."""
    if not wanted.startswith("/") or wanted.startswith("//") or "\\" in wanted or len(wanted) > LONGEST_PATH:
        return "/"
    if not wanted.isprintable() or not wanted.isascii() or " " in wanted:
        return "/"
    parts = urlsplit(wanted)
    leads_back = parts.path.rstrip("/") in ("/login", "/login/callback", "/logout")
    return "/" if parts.scheme or parts.netloc or leads_back else wanted
