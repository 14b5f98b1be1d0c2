"""Requests to the Elder API, with its own sentences as errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec

from api.client.errors import EXIT_REFUSED, EXIT_UNREACHABLE, ClientError, exit_code
from api.client.settings import ClientSettings
from providers.errors import CredentialsError, Denied, ProviderError
from providers.http.client import Http
from providers.http.response import HttpResponse

PREFIX = "/api/v1/"
SUCCESS = range(200, 300)
"""Statuses of what the API has done or, with 202, has taken on: to queue a job, for one."""
PER_PAGE = 500
"""Rows of one request when a list is read to its end."""


class _Refused(ProviderError):
    """The API answered with an error; the sentence is its own, `code` the exit code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Api:
    """One API. Close it after use."""

    def __init__(self, settings: ClientSettings) -> None:
        headers = {"Authorization": f"Bearer {settings.key}"} if settings.key else {}
        self._http = Http(
            settings.url,
            f"the Elder API at {settings.url}",
            headers=headers,
            explain=_explain,
            advice="check --url or ELDER_API_URL",
            tries=2,
        )

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """The answer of a GET. Raises `ClientError`."""
        given = {name: _text(value) for name, value in query.items() if value is not None}
        return self._call("GET", path + (f"?{urlencode(given)}" if given else ""))

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The answer of a request that changes something. Raises `ClientError`."""
        return self._call(method, path, body)

    def rows(self, path: str, name: str, limit: int | None, **query: Any) -> Iterator[dict[str, Any]]:
        """The rows of a list, `limit` of them or all. Raises `ClientError`."""
        page, left = 1, limit
        while left is None or left > 0:
            answer = self.get(path, page=page, per_page=PER_PAGE, **query)
            rows = answer[name] if left is None else answer[name][:left]
            yield from rows
            left = None if left is None else left - len(rows)
            if page >= answer["pages"]:
                return
            page += 1

    def rows_by_cursor(self, path: str, name: str, limit: int | None, **query: Any) -> Iterator[dict[str, Any]]:
        """The rows of a list, `limit` of them or all, from cursor to cursor: none is left out or shown twice while others come and go.

        Raises `ClientError`.
        """
        place: str | None = ""
        left = limit
        while place is not None and (left is None or left > 0):
            answer = self.get(path, cursor=place, per_page=PER_PAGE if left is None else min(left, PER_PAGE), **query)
            yield from answer[name]
            left = None if left is None else left - len(answer[name])
            place = answer["next_cursor"]

    def close(self) -> None:
        """Closes all open connections."""
        self._http.close()

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        encoded = None if body is None else msgspec.json.encode(body)
        headers = {"Content-Type": "application/json"} if encoded is not None else {}
        try:
            answer = self._http.send(method, PREFIX + path, body=encoded, headers=headers, accept=SUCCESS)
            found: dict[str, Any] = answer.object()
        except _Refused as error:
            raise ClientError(str(error), error.code) from None
        except (CredentialsError, Denied) as error:
            raise ClientError(str(error), EXIT_REFUSED) from None
        except ProviderError as error:  # silence, or an answer that is none of an Elder API
            raise ClientError(str(error), EXIT_UNREACHABLE) from None
        return found


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _explain(answer: HttpResponse, _what: str) -> ProviderError | None:
    try:
        body = msgspec.json.decode(answer.body)
        sentence = "; ".join([body["error"], *body.get("details", ())])
    except (msgspec.MsgspecError, LookupError, TypeError):
        return None
    if answer.status in (401, 403):
        return CredentialsError(f"{sentence} (ELDER_API_KEY, or `key` in the config file)")
    return _Refused(sentence, exit_code(answer.status))
