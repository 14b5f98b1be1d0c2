"""The header that carries an access token: fetched when it is first needed, and anew before it ends or when it is refused."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

import msgspec

from providers import secrecy
from providers.errors import CredentialsError
from providers.http.credential import again
from providers.http.response import HttpResponse

FRESH = 300.0
"""Seconds that a token must be good for, else a new one is fetched."""


class Token(msgspec.Struct, frozen=True):
    """An access token, the time from which on a new one is fetched (seconds since 1970), and the scheme that it is sent by."""

    text: str
    renew_at: float
    scheme: str = "Bearer"

    @property
    def authorization(self) -> str:
        """The value of the Authorization header."""
        return f"{self.scheme} {self.text}"


class Bearer:
    """The headers that carry a token, for `Http(headers=..., renew=...)`. Safe to use from several threads.

    A refused sign-in is final for the run: asking again and again would lock the account.
    """

    def __init__(self, fetch: Callable[[], Token]) -> None:
        """`fetch` signs in, one thread at a time. Raises `CredentialsError` for a sign-in that is refused for good."""
        self._fetch, self._lock = fetch, threading.Lock()
        self._token: Token | None = None
        self._refused: CredentialsError | None = None

    def headers(self) -> dict[str, str]:
        """The Authorization header. Raises `CredentialsError`, and what the sign-in raises besides."""
        with self._lock:
            if self._refused:
                raise again(self._refused)
            if self._token is None or time.time() > self._token.renew_at:
                self._token = self._fetched()
            return {"Authorization": self._token.authorization}

    def renew(self, sent: Mapping[str, str | tuple[str, ...]], _answer: HttpResponse) -> None:
        """Drops the token of a request that was refused; the next headers hold another one."""
        with self._lock:
            if self._is_sent(sent):
                self._token = None

    def _is_sent(self, sent: Mapping[str, str | tuple[str, ...]]) -> bool:
        """True when the headers have the present token; not when another thread has renewed it already."""
        return self._token is not None and sent.get("Authorization") == self._token.authorization

    def _fetched(self) -> Token:
        try:
            token = self._fetch()
        except CredentialsError as error:
            self._refused = error
            raise
        secrecy.register_secret(token.text)
        return token
