"""Our one HTTP client, as Google's client libraries want it: they think that it is a `requests.Session`.

One set of time-outs, one retry policy, one TLS set-up and one sign-in hold for the libraries as for everything else, and their refusals
are our errors. The libraries' own endpoint is ignored: only the path of a request is theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode, urlsplit

from providers.google.answers import check_answer
from providers.http.client import Http
from providers.http.response import HttpResponse


class Session:
    """The HTTP session of one list. `what` and `permission` are for the sentences of its errors, `more` goes into each query."""

    is_mtls = False

    def __init__(self, http: Http, what: str, permission: str, more: Mapping[str, str] = MappingProxyType({})) -> None:
        self._http, self._what, self._permission, self._more = http, what, permission, more

    def request(self, method: str, url: str, params: Iterable[tuple[str, str]] = (), **_: Any) -> Response:
        """The answer of a GET, always a success. Raises `ProviderError`. Time-outs and headers of the library are not needed."""
        if method.upper() != "GET":
            raise NotImplementedError(f"an inventory only reads, it does not {method}")
        parts, more = urlsplit(url), urlencode([*params, *self._more.items()])
        query = "&".join(filter(None, (parts.query, more)))
        answer = self._http.get(f"{parts.path}?{query}", what=self._what, permission=self._permission)
        found = answer.object()
        check_answer(found, "items", self._what)  # the library of Compute Engine drops what it does not know, and finds nothing
        return Response(answer, found)

    def get(self, url: str, **more: Any) -> Response:
        """`request`, as the Compute library says it."""
        return self.request("GET", url, **more)

    def close(self) -> None:
        """The connections belong to all."""


class Response:
    """The part of a `requests.Response` that the libraries read."""

    def __init__(self, answer: HttpResponse, found: dict[str, Any]) -> None:
        """`found` is what the answer's body holds."""
        self.status_code, self.headers, self.content = answer.status, answer.headers, answer.body
        self._found = found

    def json(self) -> Any:
        """The JSON object in the answer's body."""
        return self._found
