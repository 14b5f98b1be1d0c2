"""The one HTTP client: time-outs, retries, bounded answers, TLS, and our own errors.

::

    with Http("https://example.okta.com", "Okta", headers={"Authorization": f"SSWS {token}"}) as http:
        page = lambda answer: Page(answer.array(), next_link(answer))
        yield from items(http.pages("/api/v1/users?limit=200", page, what="list users", permission="okta.users.read", quota="users"))

A redirect is never followed: it could lead our credentials to another host.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Container, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Self

import msgspec
import urllib3

from providers import progress
from providers.errors import CredentialsError, PageTooLarge, ProviderError, ScopeError, TimedOut
from providers.http import pools, retry
from providers.http import proxy as proxies
from providers.http import quota as quotas
from providers.http.credential import Credential
from providers.http.proxy import Proxy
from providers.http.response import HttpResponse, refusal
from providers.http.silence import silence
from providers.http.tls import tls
from providers.pages import Page, by_link, same_origin

CONNECT_TIMEOUT = 10.0
"""Seconds until a connection must stand."""

READ_TIMEOUT = 60.0
"""Seconds between two pieces of an answer."""

TIMEOUT = urllib3.Timeout(connect=CONNECT_TIMEOUT, read=READ_TIMEOUT)
"""Both, as urllib3 takes them."""

ANSWER_TIMEOUT = 300.0
"""Seconds for a whole answer, however steadily it drips."""

MAX_ANSWER = 64 * 1024 * 1024
"""Bytes of one answer, unpacked: what is compressed may be a bomb."""

CHUNK = 64 * 1024

SUCCESS = frozenset(range(200, 300)) - {202, 206}
"""Statuses that are an answer and no refusal. Neither the promise of one (202 Accepted) nor a part of one (206 Partial Content) is."""

_ALWAYS = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "elder-worker"}

Explain = Callable[[HttpResponse, str], ProviderError | None]
"""A source's own reading of a refusal (`answer`, `what`), or None for the usual one."""

Renew = Callable[[Mapping[str, Any], HttpResponse], None]
"""Told the headers of a request that was refused with a 401 (or a 400 that brings a nonce for the next proof), and the refusal.

The request is then sent once more, with new headers.
"""

Headers = Mapping[str, str | tuple[str, ...]] | Callable[[], Mapping[str, str | tuple[str, ...]]]
"""Sent with every request; a tuple is a header that is sent once for each value. A callable is asked each time, as tokens expire."""

Prove = Callable[[str, str, Mapping[str, str | tuple[str, ...]]], Mapping[str, str]]
"""Further headers of one request, by its method, its URL and the headers that it has so far: proofs for this request alone."""


class _Request(msgspec.Struct, frozen=True):
    method: str
    url: str
    body: bytes | None
    headers: Mapping[str, str]
    what: str
    permission: str
    quota: str
    accept: Container[int]
    max_bytes: int


class Http:
    """One source. Safe to use from several threads."""

    def __init__(
        self,
        base_url: str,
        name: str,
        *,
        headers: Headers = MappingProxyType({}),
        renew: Renew | None = None,
        prove: Prove = lambda _method, _url, _headers: {},
        explain: Explain = lambda _answer, _what: None,
        credential: Credential | None = None,
        confirm: str = "",
        alone: str = "",
        advice: str = "check its address",
        trust: str = "check its CA",
        ca_file: str = "",
        verify: bool = True,
        tries: int = retry.TRIES,
        connections: int = 16,
        proxy: Proxy | None = None,
        pool: Callable[..., urllib3.PoolManager] = pools.connections,
        context: ssl.SSLContext | None = None,
    ) -> None:
        """`name` is the source as people say it, `advice` what to do when it cannot be reached, `trust` when its certificate is refused.

        `credential` is shared by the clients of one sign-in. `confirm` is the path of a client of its own that every valid credential may
        read: it is asked when a credential that was accepted before is refused, and tells whether the run is over. Without, headers that
        never change are believed to be refused for good. `alone` is the advice for a request that is refused though `confirm` is not.
        `verify` off takes any certificate. `proxy` is the one that the source's own settings name; without, it is the environment's.
        `pool` makes the connections (see `providers.http.pools.connections`), `context` is the TLS context where it has a client
        certificate, or where several clients share one. Raises `ConfigError` for a proxy in the environment that cannot be used.
        """
        self.base_url, self.name = base_url.rstrip("/"), name
        self._headers, self._renew, self._prove = headers, renew, prove
        self._explain, self._advice, self._trust = explain, advice, trust
        self._alone, self._never_change = alone, not confirm and not credential and not callable(headers)
        self.credential = credential or Credential(name, (lambda: self.confirm(confirm)) if confirm else None)
        """The verdict over our credential: once it is refused, the source is not asked again."""
        self._pace = quotas.Pace(lambda seconds, why: retry.pause(seconds, why, name), retry.LONGEST_WAIT)
        context = context or tls(ca_file, verify=verify)
        self._proxy = proxy or proxies.from_environment(self.base_url)
        self._pool = pool(self._proxy, retries=False, timeout=TIMEOUT, maxsize=connections, block=True, ssl_context=context)
        self._retrying = retry.retrying(tries, source=name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes all open connections."""
        self._pool.clear()

    def get(
        self,
        path: str,
        *,
        what: str = "",
        permission: str = "",
        headers: Mapping[str, str] | None = None,
        quota: str = "",
        max_bytes: int = MAX_ANSWER,
    ) -> HttpResponse:
        """The answer (200 to 299) at a path, or at a whole URL on the same host.

        `what` names the request in sentences (``list users``), `permission` what a 403 lacks, `quota` the source's limit that the request
        counts against: requests of one quota slow down together, those of others go on. An answer of more than `max_bytes` is read no
        further: `PageTooLarge`. Raises `ProviderError`.
        """
        return self.send("GET", path, what=what, permission=permission, headers=headers, quota=quota, max_bytes=max_bytes)

    def send(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        what: str = "",
        permission: str = "",
        headers: Mapping[str, str] | None = None,
        quota: str = "",
        accept: Container[int] = SUCCESS,
        max_bytes: int = MAX_ANSWER,
    ) -> HttpResponse:
        """Any request that may be sent twice without harm: it is tried again when the source throttles, fails or is silent.

        Statuses in `accept` are returned, all others raised as `ProviderError`.
        """
        url = self._url(path)
        request = _Request(method, url, body, headers or {}, what or path.partition("?")[0], permission, quota, accept, max_bytes)
        answer: HttpResponse = self._retrying(self._once, request)
        return answer

    def pages(
        self, path: str, page: Callable[[HttpResponse], Page], *, what: str = "", permission: str = "", quota: str = ""
    ) -> Iterator[Page]:
        """Every page of a list. `page` reads an answer: its items, and the path or URL of the next page (see `providers.pages`).

        Raises `BadAnswer` for a circle, or for a next page on another host; and what `get` raises.
        """

        def ask(url: str) -> Page:
            found = page(self.get(url, what=what, permission=permission, quota=quota))
            return msgspec.structs.replace(found, next=self._url(str(found.next))) if found.next else found

        return by_link(ask, self._url(path), what=what or path)

    def _url(self, path: str) -> str:
        return same_origin(path.lstrip("/") if path.startswith("/") else path, self.base_url + "/", self.name)

    def confirm(self, path: str, what: str = "") -> None:
        """Asks for what every valid credential may read. Raises `CredentialsError` when it is refused, other errors without a verdict."""
        request = _Request("GET", self._url(path), None, {}, what or f"read {path.partition('?')[0]}", "", path, SUCCESS, MAX_ANSWER)
        self._retrying(self._accepted, request)

    def _accepted(self, request: _Request) -> HttpResponse:
        """The answer; a refusal of the credential is raised, as every other error."""
        answer = self._asked(request)
        if isinstance(answer, CredentialsError):
            raise answer
        return answer

    def _once(self, request: _Request) -> HttpResponse:
        self.credential.ensure_accepted()
        answer = self._asked(request)
        if isinstance(answer, CredentialsError):
            self._judge(answer)
            answer = self._asked(request)
        if isinstance(answer, CredentialsError):
            but = f"though {self.credential.source} does accept them: {self._alone or answer}"
            raise ScopeError(f"'{request.what}' is refused to these credentials, {but}", detail=answer.detail)
        self.credential.accepted()
        return answer

    def _judge(self, refused: CredentialsError) -> None:
        """Returns when the source accepts the credential otherwise. Raises `CredentialsError`."""
        if self._never_change:
            self.credential.refuse(refused)
        self.credential.judge(refused)

    def _asked(self, request: _Request) -> HttpResponse | CredentialsError:
        """The answer, or the error of one that refuses the credential. Raises every other error."""
        self._pace.keep(request.quota)
        try:
            answer = self._exchange(request)
        except urllib3.exceptions.HTTPError as error:
            raise silence(error, self.name, request.url, request.what, advice=self._advice, trust=self._trust, proxy=self._proxy) from None
        self._pace.learn(request.quota, answer.headers)
        if answer.status in request.accept:
            return answer
        refused = self._explain(answer, request.what) or refusal(self.name, answer, request.what, request.permission)
        refused.wait = refused.wait or quotas.asked_wait(answer.headers)
        if isinstance(refused, CredentialsError):
            return refused
        raise refused

    def _exchange(self, request: _Request) -> HttpResponse:
        given = self._given()
        answer = self._exchange_with(given, request)
        if not self._renew or not (answer.status == 401 or (answer.status == 400 and "dpop-nonce" in answer.headers)):
            return answer
        self._renew(given, answer)
        return self._exchange_with(self._given(), request)

    def _given(self) -> Mapping[str, str | tuple[str, ...]]:
        """The headers of the next request. A sign-in that is refused is final: to ask again and again would lock the account."""
        try:
            return self._headers() if callable(self._headers) else self._headers
        except CredentialsError as error:
            self.credential.refuse(error)
            raise

    def _exchange_with(self, given: Mapping[str, str | tuple[str, ...]], request: _Request) -> HttpResponse:
        method, url, body = request.method, request.url, request.body
        headers = _lines({**_ALWAYS, **given, **self._prove(method, url, given), **request.headers})
        response = self._pool.request(method, url, body=body, headers=headers, redirect=False, preload_content=False)
        try:
            content = self._read(response, request.max_bytes)
        except BaseException:
            response.close()  # what is left unread must not reach the next request
            raise
        response.release_conn()
        progress.answered()
        received = {name.lower(): value for name, value in response.headers.itermerged()}  # two Link headers are one list
        return HttpResponse(response.status, received, content, url)

    def _read(self, response: urllib3.BaseHTTPResponse, max_bytes: int) -> bytes:
        deadline, parts, size = time.monotonic() + ANSWER_TIMEOUT, list[bytes](), 0
        while part := response.read1(CHUNK, decode_content=True):
            parts.append(part)
            size += len(part)
            if size > min(max_bytes, MAX_ANSWER):
                raise PageTooLarge(f"an answer of {self.name} is larger than {min(max_bytes, MAX_ANSWER) >> 20} MB")
            if time.monotonic() > deadline:
                raise TimedOut(f"an answer of {self.name} was not whole after {ANSWER_TIMEOUT:g} s")
        return b"".join(parts)


def _lines(headers: Mapping[str, str | tuple[str, ...]]) -> urllib3.HTTPHeaderDict:
    """The headers as they are sent: one line for each value."""
    lines = urllib3.HTTPHeaderDict()
    for name, value in headers.items():
        for one in (value,) if isinstance(value, str) else value:
            lines.add(name, one)
    return lines
