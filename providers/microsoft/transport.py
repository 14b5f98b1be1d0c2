"""azure-core's transport over the one HTTP client, so that typed clients and sign-ins have its retries, waits, bounds, origins and TLS.

The client raises our errors itself; what reaches the SDK is an answer that it asked for.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, MutableMapping
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.transport import HttpTransport
from azure.core.rest import HttpRequest
from azure.core.rest import HttpResponse as SdkResponse
from azure.core.utils import case_insensitive_dict

from providers.http.client import SUCCESS, Http
from providers.http.response import HttpResponse

GRAPH = "resource graph"
"""The quota of Resource Graph, which is the caller's and not a subscription's."""

_SUBSCRIPTION = re.compile(r"/subscriptions/([^/?]+)", re.IGNORECASE)


class Transport(HttpTransport[Any, Any]):  # type: ignore[misc]  # azure-core is Any to mypy
    """Sends an SDK's requests with `http`, which is closed by its owner. Statuses in `accept` are the SDK's to read."""

    def __init__(self, http: Http, accept: Container[int] = SUCCESS) -> None:
        self._http, self._accept = http, accept

    def send(self, request: Any, **_options: Any) -> SdkResponse:
        """The answer to a request of either generation of azure-core. Raises `ProviderError`."""
        answer = self._http.send(
            request.method,
            request.url,
            body=_body(request),
            what=described(request.method, request.url),
            headers=dict(request.headers),
            quota=quota_of(request.url),
            accept=self._accept,
        )
        return Answered(request, answer)

    def open(self) -> None:
        """Does nothing: connections are opened when they are needed."""

    def close(self) -> None:
        """Does nothing: the connections are those of `http`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Does nothing, as `close`."""


def quota_of(url: str) -> str:
    """The quota that a request counts against: Resource Graph's, or that of one subscription."""
    if "microsoft.resourcegraph" in url.lower():
        return GRAPH
    found = _SUBSCRIPTION.search(urlsplit(url).path)
    return found[1].lower() if found else ""


def described(method: str, url: str) -> str:
    """A request in a sentence: its method, and its path without ids."""
    return f"{method} {_SUBSCRIPTION.sub('', urlsplit(url).path) or '/'}"


def _body(request: Any) -> bytes | None:
    content = request.content if isinstance(request, HttpRequest) else request.data
    if not content:
        return None
    if isinstance(content, bytes):
        return content
    return (content if isinstance(content, str) else urlencode(content)).encode()


class Answered(SdkResponse):  # type: ignore[misc]  # as above
    """An answer that was read whole, as azure-core's interface has it."""

    def __init__(self, request: Any, answer: HttpResponse) -> None:
        self._request, self._answer = request, answer
        self._headers: MutableMapping[str, str] = case_insensitive_dict(answer.headers)
        self._encoding = "utf-8"

    @property
    def request(self) -> HttpRequest:
        """The request that was answered."""
        found: HttpRequest = self._request
        return found

    @property
    def status_code(self) -> int:
        """The HTTP status code."""
        return self._answer.status

    @property
    def headers(self) -> MutableMapping[str, str]:
        """The headers, apart from case."""
        return self._headers

    @property
    def reason(self) -> str:
        """The status, as HTTP/2 has no reason."""
        return str(self._answer.status)

    @property
    def content_type(self) -> str | None:
        """The type of the body."""
        return self._answer.headers.get("content-type")

    @property
    def is_closed(self) -> bool:
        """True: the connection is free again."""
        return True

    @property
    def is_stream_consumed(self) -> bool:
        """True: the body was read whole."""
        return True

    @property
    def encoding(self) -> str | None:
        """The encoding of the text."""
        return self._encoding

    @encoding.setter
    def encoding(self, value: str | None) -> None:
        self._encoding = value or "utf-8"

    @property
    def url(self) -> str:
        """The address that answered."""
        return self._answer.url

    @property
    def content(self) -> bytes:
        """The whole body in bytes."""
        return self._answer.body

    def body(self) -> bytes:
        """The body, by the name that the older generation of azure-core uses."""
        return self._answer.body

    def read(self) -> bytes:
        """The whole body in bytes."""
        return self._answer.body

    def text(self, encoding: str | None = None) -> str:
        """The body as text."""
        return self._answer.body.decode(encoding or self._encoding, errors="replace")

    def json(self) -> Any:
        """The body as JSON. Raises `BadAnswer`."""
        return self._answer.json()

    def raise_for_status(self) -> None:
        """Raises azure-core's error for a status from 400."""
        if self.status_code >= 400:
            raise HttpResponseError(response=self)

    def iter_raw(self, **_options: Any) -> Iterator[bytes]:
        """The body, in one piece."""
        yield self._answer.body

    def iter_bytes(self, **_options: Any) -> Iterator[bytes]:
        """The body, in one piece."""
        yield self._answer.body

    def close(self) -> None:
        """Does nothing: the connection is free already."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Does nothing, as `close`."""
