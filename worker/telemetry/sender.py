"""Sends what exporters of the SDK encode, by OTLP over HTTP, within bounds of time and size, whatever the receiver answers."""

from __future__ import annotations

import logging
import ssl
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from providers.http import proxy
from providers.http.tls import tls
from worker.telemetry.delivery import Delivery

TIMEOUT = 10.0
"""Seconds for one request with its retries, as the specification has it."""

MOST_BYTES = 64 * 1024
"""Bytes of an answer that are read: an answer is empty, or says in a sentence what was refused."""

LARGEST_REQUEST = 4 * 1024 * 1024
"""Bytes of one request; the receivers that are in use take as many."""

NOISY = ("urllib3.connection", "urllib3.connectionpool")
"""Loggers that log a request that fails, with a traceback; connectors use the same library, and theirs are shown."""

Refusal = Callable[[bytes], str]
"""The sentence about what the receiver has refused, by the content of its answer; empty where that tells of nothing."""


def refusal(message: Any, member: str, unit: str) -> Refusal:
    """Reads answers of a kind of `message` of OTLP, whose partial success counts what was refused in a `member`."""

    def sentence(content: bytes) -> str:
        try:
            partial = message.FromString(content).partial_success
        except Exception:  # noqa: BLE001 - not that message; its status says that it has taken them
            return ""
        refused = getattr(partial, member)
        return f"it refuses {refused} {unit}: {partial.error_message[:200]}" if refused > 0 else ""

    return sentence


class _Silence(logging.Filter):
    """Drops what a thread logs while it sends: `Delivery` says once what is wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.thread = 0

    def filter(self, _record: logging.LogRecord) -> bool:
        """False for a record of that thread."""
        return threading.get_ident() != self.thread


class RefusedError(requests.RequestException):
    """The receiver's answer says that it has not taken what was sent; the message says what it answered."""


class BoundedSession(requests.Session):
    """A session that reads a bounded part of each answer and keeps why the last request has failed."""

    def __init__(self, endpoint: str, refusal: Refusal, ca_file: str = "") -> None:
        super().__init__()
        self._refusal = refusal
        self.trust_env = False  # no netrc; the proxy is found as for all other connections of the worker
        if found := proxy.from_environment(endpoint):
            self.proxies = {"http": found.url, "https": found.url}
        self.mount("https://", _Adapter(tls(ca_file)))
        self.failure = ""

    def request(self, *arguments: Any, **options: Any) -> requests.Response:
        """Sends a request; its answer has no content. Raises `requests.RequestException`, also for an answer that refuses it."""
        try:
            response = super().request(*arguments, **options | {"stream": True})
            try:
                self._check(response, _read(response))
            finally:
                response.close()
        except Exception as error:
            self.failure = _sentence(error)
            raise
        self.failure = f"it answers {response.status_code} {response.reason or ''}".strip()
        return response

    def _check(self, response: requests.Response, content: bytes) -> None:
        """Raises `RefusedError` for an answer of success that is none of a receiver, and for one that refuses."""
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            return  # the SDK looks at the status, and sends again what may be sent again
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if response.status_code >= HTTPStatus.MULTIPLE_CHOICES:
            raise RefusedError(f"it answers {response.status_code}, a redirect: is that its address?")
        if kind == "text/html":
            raise RefusedError("it answers with a web page: is that its address?")
        if kind == "application/x-protobuf" and "content-encoding" not in response.headers and (refused := self._refusal(content)):
            raise RefusedError(refused)


class _Adapter(HTTPAdapter):
    """HTTPS with the CAs of the system, or of a file."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Makes the pool of connections."""
        super().init_poolmanager(*arguments, **options, ssl_context=self._context)

    def proxy_manager_for(self, *arguments: Any, **options: Any) -> Any:
        """The pool of connections through a proxy."""
        return super().proxy_manager_for(*arguments, **options, ssl_context=self._context)


class Sender:
    """The way of one exporter to the receiver: a session for it, and log lines for what comes of its requests."""

    def __init__(self, url: str, refusal: Refusal, ca_file: str, delivery: Delivery) -> None:
        self.session, self._delivery, self._silence = BoundedSession(url, refusal, ca_file), delivery, _Silence()
        for name in NOISY:
            logging.getLogger(name).addFilter(self._silence)

    def send(self, export: Callable[[], bool], amount: int) -> bool:
        """Sends by `export`, in the thread that calls this, one call at a time; `amount` is lost where it fails. It raises nothing."""
        self.session.failure, self._silence.thread = "", threading.get_ident()
        try:
            sent = export()
        except Exception as error:  # noqa: BLE001 - edge of the thread: whatever it is, what comes next is sent
            self.session.failure, sent = f"{type(error).__name__}: {error}", False
        finally:
            self._silence.thread = 0
        if sent:
            self._delivery.succeeded()
        else:
            self._delivery.failed(amount, self.session.failure or "it could not be encoded")
        return sent

    def close(self) -> None:
        """Ends the silence of the HTTP library."""
        for name in NOISY:
            logging.getLogger(name).removeFilter(self._silence)


def _read(response: requests.Response) -> bytes:
    """The beginning of an answer's body: no more than `MOST_BYTES`, and what arrives in time."""
    deadline, content = time.monotonic() + TIMEOUT, b""
    while len(content) < MOST_BYTES and time.monotonic() < deadline:
        part = response.raw.read1(MOST_BYTES - len(content), decode_content=False)
        if not part:
            break
        content += part
    return content


def _sentence(error: BaseException) -> str:
    """The reason why a request failed, without the layers that the error came through."""
    if isinstance(error, RefusedError):
        return str(error)
    if isinstance(error, requests.Timeout):
        return f"no answer within {TIMEOUT:g} s"
    innermost: BaseException = error
    while inner := _inner(innermost):
        innermost = inner
    text = innermost.strerror if isinstance(innermost, OSError) and innermost.strerror else str(innermost)
    return f"{type(innermost).__name__}: {text[:200]}"


def _inner(error: BaseException) -> BaseException | None:
    """The error that an error of requests or urllib3 was made of."""
    candidates = (getattr(error, "reason", None), *error.args, error.__cause__)
    return next((one for one in candidates if isinstance(one, BaseException)), None)
