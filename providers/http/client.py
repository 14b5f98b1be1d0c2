"""The one HTTP client: time-outs, patience with a source that throttles, bounded answers, TLS, and our own errors.

::

    with Http("https://example.okta.com", "Okta", headers={"Authorization": f"SSWS {token}"}) as http:
        page = lambda answer: Page(answer.array(), next_link(answer))
        yield from items(http.pages("/api/v1/users?limit=200", page, what="list users", permission="okta.users.read", quota="users"))

A redirect is never followed: it could lead our credentials to another host.
"""

from __future__ import annotations

import json
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Self
from urllib.parse import urlsplit

import msgspec
import urllib3

from providers.errors import BadAnswer, CredentialsError, Denied, ProviderError, ScopeError, Throttled, TimedOut, Unsupported
from providers.http import retry
from providers.pages import Page, by_link, same_origin

TIMEOUT = urllib3.Timeout(connect=10.0, read=60.0)
"""Seconds to connect, and between two pieces of an answer."""

ANSWER_SECONDS = 300.0
"""For a whole answer, however steadily it drips."""

MAX_ANSWER = 64 * 1024 * 1024
"""Bytes of one answer, unpacked: what is compressed may be a bomb."""

CHUNK = 64 * 1024


class Answer(msgspec.Struct, frozen=True):
    """What came back, whole. Header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes
    url: str

    def json(self) -> Any:
        """The body. Raises `BadAnswer`."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            kind = self.headers.get("content-type", "no content type")
            raise BadAnswer(f"{_host(self.url)} answered with something that is not JSON ({kind}): check the address") from None

    def object(self) -> dict[str, Any]:
        """The body, which must be a JSON object. Raises `BadAnswer`."""
        found = self.json()
        if not isinstance(found, dict):
            raise BadAnswer(f"{_host(self.url)} answered with a JSON {type(found).__name__}, not an object")
        return found

    def array(self) -> list[Any]:
        """The body, which must be a JSON array. Raises `BadAnswer`."""
        found = self.json()
        if not isinstance(found, list):
            raise BadAnswer(f"{_host(self.url)} answered with a JSON {type(found).__name__}, not an array")
        return found

    def text(self) -> str:
        """The start of the body, for an engineer."""
        return self.body[:2000].decode(errors="replace")


Explain = Callable[[Answer, str], ProviderError | None]
"""A source's own reading of a refusal (`answer`, `what`), or None for the usual one."""

Headers = Mapping[str, str] | Callable[[], Mapping[str, str]]
"""Sent with every request; a callable is asked each time, as tokens expire."""


class Http:
    """One source. Safe to use from several threads."""

    def __init__(
        self,
        base_url: str,
        name: str,
        *,
        headers: Headers = MappingProxyType({}),
        renew: Callable[[Mapping[str, str]], None] | None = None,
        explain: Explain = lambda _answer, _what: None,
        advice: str = "check its address",
        ca_file: str = "",
        verify: bool = True,
        tries: int = retry.TRIES,
        connections: int = 16,
    ) -> None:
        """`name` is the source as people say it, `advice` what to do when it cannot be reached. `verify` off takes any certificate.

        `renew` is told the headers of a request that was refused with a 401; it is then sent once more, with new ones.
        """
        self.base_url, self.name, self.calls = base_url.rstrip("/"), name, 0
        self._headers, self._renew, self._explain, self._advice, self._pace = headers, renew, explain, advice, _Pace()
        self._pool = urllib3.PoolManager(
            retries=False, timeout=TIMEOUT, maxsize=connections, block=True, ssl_context=tls(ca_file, verify=verify)
        )
        self._retrying = retry.retrying(tries)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._pool.clear()

    def get(self, path: str, *, what: str = "", permission: str = "", headers: Mapping[str, str] | None = None, quota: str = "") -> Answer:
        """The answer (200 to 299) at a path, or at a whole URL on the same host.

        `what` names the request in sentences (``list users``), `permission` what a 403 lacks, `quota` the source's limit that the request
        counts against: requests of one quota slow down together, those of others go on. Raises `ProviderError`.
        """
        return self.send("GET", path, what=what, permission=permission, headers=headers, quota=quota)

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
    ) -> Answer:
        """Any request that may be sent twice without harm: it is tried again when the source throttles, fails or is silent."""
        url = self._url(path)
        answer: Answer = self._retrying(self._once, method, url, body, headers or {}, what or path.partition("?")[0], permission, quota)
        return answer

    def pages(self, path: str, page: Callable[[Answer], Page], *, what: str = "", permission: str = "", quota: str = "") -> Iterator[Page]:
        """Every page of a list. `page` reads an answer: its items, and the path or URL of the next page (see `providers.pages`).

        Raises `BadAnswer` for a circle, or for a next page on another host; and what `get` raises.
        """

        def ask(url: str) -> Page:
            found = page(self.get(url, what=what, permission=permission, quota=quota))
            return msgspec.structs.replace(found, next=self._url(str(found.next))) if found.next else found

        return by_link(ask, self._url(path), what=what or path)

    def _url(self, path: str) -> str:
        return same_origin(path.lstrip("/") if path.startswith("/") else path, self.base_url + "/", self.name)

    def _once(self, method: str, url: str, body: bytes | None, more: Mapping[str, str], what: str, permission: str, quota: str) -> Answer:
        self._pace.keep(quota)
        try:
            answer = self._exchange(method, url, body, more)
        except urllib3.exceptions.HTTPError as error:
            raise self._broken(error, what) from None
        self.calls += 1
        self._pace.learn(quota, answer)
        if 200 <= answer.status < 300:
            return answer
        refused = self._explain(answer, what) or refusal(self.name, answer, what, permission)
        refused.wait = refused.wait or retry.asked_wait(answer.headers)
        raise refused

    def _exchange(self, method: str, url: str, body: bytes | None, more: Mapping[str, str]) -> Answer:
        given = self._headers() if callable(self._headers) else self._headers
        answer = self._exchange_with(given, method, url, body, more)
        if answer.status != 401 or not self._renew or not callable(self._headers):
            return answer
        self._renew(given)
        return self._exchange_with(self._headers(), method, url, body, more)

    def _exchange_with(self, given: Mapping[str, str], method: str, url: str, body: bytes | None, more: Mapping[str, str]) -> Answer:
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "elder-worker", **given, **more}
        response = self._pool.request(method, url, body=body, headers=headers, redirect=False, preload_content=False)
        try:
            content = self._read(response)
        except BaseException:
            response.close()  # what is left unread must not reach the next request
            raise
        response.release_conn()
        headers = {name.lower(): value for name, value in response.headers.itermerged()}  # two Link headers are one list
        return Answer(response.status, headers, content, url)

    def _read(self, response: urllib3.BaseHTTPResponse) -> bytes:
        deadline, parts, size = time.monotonic() + ANSWER_SECONDS, list[bytes](), 0
        while part := response.read1(CHUNK, decode_content=True):
            parts.append(part)
            size += len(part)
            if size > MAX_ANSWER:
                raise BadAnswer(f"an answer of {self.name} is larger than {MAX_ANSWER >> 20} MB")
            if time.monotonic() > deadline:
                raise TimedOut(f"an answer of {self.name} was not whole after {ANSWER_SECONDS:g} s")
        return b"".join(parts)

    def _broken(self, error: urllib3.exceptions.HTTPError, what: str) -> ProviderError:
        text = str(error)
        if "certificate verify failed" in text.lower().replace("_", " "):
            return CredentialsError(
                f"the certificate of {self.name} at {_host(self.base_url)} cannot be verified: check its CA", detail=text
            )
        reason = type(error).__name__
        if isinstance(error, urllib3.exceptions.ConnectTimeoutError | urllib3.exceptions.NewConnectionError):
            return TimedOut(f"{self.name} cannot be reached ({reason}): {self._advice}", detail=text)
        return TimedOut(f"no whole answer from {self.name} to '{what}' ({reason})", detail=text)


def refusal(name: str, answer: Answer, what: str, permission: str = "") -> ProviderError:
    """The usual reading of a status that is no success."""
    text, status = answer.text(), answer.status
    match status:
        case 401:
            return CredentialsError(f"{name} does not accept the credentials (401): they are wrong, revoked or expired", detail=text)
        case 403:
            lacking = permission or what
            return Denied(f"{name} refuses to {what} (403): the permission '{lacking}' is missing", permission=lacking, detail=text)
        case 404 | 405 | 501:
            return Unsupported(f"{name} does not offer '{what}' ({status})", detail=text)
        case 429:
            return Throttled(f"{name} asks to slow down at '{what}' (429), and still did after the last try", detail=text)
        case _ if status in (408, 425) or status >= 500:
            return TimedOut(f"{name} answered {status} to '{what}', and still did after the last try", detail=text)
        case _ if 300 <= status < 400:
            return BadAnswer(f"{name} answered '{what}' with a redirect ({status}), which is not followed: check the address", detail=text)
        case _:
            return ScopeError(f"{name} answered {status} to '{what}'", detail=text)


_LINK = re.compile(r'<([^<>]*)>((?:\s*;\s*[\w*]+\s*=\s*(?:"[^"]*"|[^\s",;]+))*)')
_NEXT = re.compile(r';\s*rel\s*=\s*"?(?:[^"]*\s)?next(?:\s[^"]*)?"?\s*(?:;|$)', re.IGNORECASE)


def next_link(answer: Answer) -> str | None:
    """The URL of the next page by the ``Link`` header (RFC 8288), for `Http.pages`."""
    return next((url for url, parameters in _LINK.findall(answer.headers.get("link", "")) if _NEXT.search(parameters)), None)


class _Pace:
    """Waits before a request when little is left of its quota (``X-Rate-Limit-*`` as Okta's, and the drafts' ``RateLimit-*``)."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._lock = threading.Lock()

    def keep(self, quota: str) -> None:
        with self._lock:
            seconds = self._until.get(quota, 0.0) - time.monotonic()
        if seconds > 0:
            retry.wait(seconds)

    def learn(self, quota: str, answer: Answer) -> None:
        if retry.used_up(answer.headers):
            until = time.monotonic() + min(retry.LONGEST_WAIT, retry.window_left(answer.headers))
            with self._lock:
                self._until[quota] = max(self._until.get(quota, 0.0), until)


def tls(ca_file: str = "", *, verify: bool = True) -> ssl.SSLContext:
    """How a certificate is checked: with the system's CAs, or with those in `ca_file` alone."""
    context = ssl.create_default_context(cafile=ca_file or None)
    if ca_file:  # from Python 3.13 on strict, which many private authorities are not: that of EKS names no key of its issuer
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not verify:
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # the operator knows; a line for each request tells nobody
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _host(url: str) -> str:
    return urlsplit(url).netloc
