"""The header that carries an access token: fetched when it is first needed, and anew before it ends or when it is refused."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

import msgspec
import structlog

from providers import secrecy
from providers.errors import CredentialsError, Denied, NoCredentialsYet, ProviderError, ScopeError
from providers.http.credential import again
from providers.http.response import HttpResponse

FRESH = 300.0
"""Seconds before its end from which on a token is renewed."""

LATER = 30.0
"""Seconds after a sign-in without an answer until the next one, while the old token is still good."""

_log = structlog.get_logger("providers.http")


class Token(msgspec.Struct, frozen=True):
    """An access token, its end (seconds since 1970), the scheme that it is sent by, and how long before its end it is renewed."""

    text: str
    ends_at: float
    scheme: str = "Bearer"
    early: float = FRESH

    @property
    def authorization(self) -> str:
        """The value of the Authorization header."""
        return f"{self.scheme} {self.text}"

    @property
    def is_good(self) -> bool:
        """True until its end."""
        return time.time() < self.ends_at

    @property
    def is_due(self) -> bool:
        """True once it is to be renewed."""
        return time.time() > self.ends_at - self.early


class Bearer:
    """The headers that carry a token, for `Http(headers=..., renew=...)`. Safe to use from several threads.

    A sign-in without an answer costs nothing while the old token is good: that one is sent, and the sign-in is tried again later. Without
    one it is final for the run, as no request can be sent; and so is a refusal: asking again and again would lock the account.
    """

    def __init__(self, fetch: Callable[[], Token]) -> None:
        """`fetch` signs in, one thread at a time, and tries as often as is worth it.

        It raises `CredentialsError` for a sign-in that is refused for good, and another `ProviderError` for one without an answer.
        """
        self._fetch, self._lock, self._signing_in = fetch, threading.Lock(), threading.Lock()
        self._token: Token | None = None
        self._refused: CredentialsError | None = None
        self._not_before = 0.0

    def headers(self) -> dict[str, str]:
        """The Authorization header. Raises `CredentialsError`, and what the sign-in raises besides.

        While one thread renews a token that is still good, the others go on with it.
        """
        token = self._kept()
        if token is None:
            with self._signing_in:
                token = self._renewed()
        elif self._is_due(token) and self._signing_in.acquire(blocking=False):
            try:
                token = self._renewed()
            finally:
                self._signing_in.release()
        return {"Authorization": token.authorization}

    def renew(self, sent: Mapping[str, str | tuple[str, ...]], _answer: HttpResponse) -> None:
        """Drops the token of a request that was refused; the next headers hold another one."""
        with self._lock:
            if self._is_sent(sent):
                self._token = None

    def _is_sent(self, sent: Mapping[str, str | tuple[str, ...]]) -> bool:
        """True when the headers have the present token; not when another thread has renewed it already."""
        return self._token is not None and sent.get("Authorization") == self._token.authorization

    def _kept(self) -> Token | None:
        """The token that is neither refused nor at its end. Raises `CredentialsError` once a sign-in was final."""
        with self._lock:
            if self._refused:
                raise again(self._refused)
            return self._token if self._token and self._token.is_good else None

    def _is_due(self, token: Token) -> bool:
        return token.is_due and time.time() >= self._not_before

    def _renewed(self) -> Token:
        """The token that another thread has fetched meanwhile, or else a new one, or else the old one while it is good."""
        token = self._kept()
        if token and not self._is_due(token):
            return token
        try:
            fresh = self._fetch()
        except ProviderError as error:
            return self._in_place(error)
        secrecy.register_secret(fresh.text)
        if token and fresh.text == token.text:  # what signs in has none that is newer
            self._not_before = time.time() + LATER
        with self._lock:
            self._token = fresh
        return fresh

    def _in_place(self, error: ProviderError) -> Token:
        """The old token for a sign-in that failed without a refusal. Raises the failure where there is none."""
        unanswered = is_unanswered(error)
        kept = self._kept() if unanswered else None
        if kept is None:
            raise self._final(NoCredentialsYet(str(error), detail=error.detail) if unanswered else error) from None
        self._not_before = time.time() + LATER
        _log.warning(f"the old access token is sent until its end, as there is no new one: {error}")
        return kept

    def _final(self, error: ProviderError) -> ProviderError:
        if isinstance(error, CredentialsError):
            with self._lock:
                self._refused = error
        return error


def is_unanswered(error: BaseException) -> bool:
    """True for a sign-in that got no verdict over the credentials: silence, throttling, an error of the service, something in between.

    A `Denied` that names no permission is a page of something in between.
    """
    refused = isinstance(error, Denied) and error.permission
    return isinstance(error, NoCredentialsYet) or (isinstance(error, ScopeError) and not refused)
