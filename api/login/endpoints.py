"""HTTP to the identity provider: its endpoints may be on several hosts, its answers are bounded, and nobody waits long."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import urllib3

from api.login.errors import ProviderFailed
from providers.errors import ProviderError
from providers.http import pools
from providers.http.client import Http
from providers.http.proxy import Proxy
from providers.http.response import HttpResponse

NAME = "the identity provider"

MAX_ANSWER = 1024 * 1024
"""Bytes of one answer."""

TIMEOUT = urllib3.Timeout(connect=5.0, read=10.0)
"""Seconds; a person waits, and holds a thread."""

ANSWERS = (*range(200, 300), 400, 401)
"""Statuses of answers to read: the token endpoint says what is wrong with 400 and 401."""


class Endpoints:
    """The endpoints of one identity provider. Safe to use from several threads."""

    def __init__(self, ca_file: str) -> None:
        self._ca_file, self._hosts = ca_file, dict[str, Http]()

    def get(self, url: str, what: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The JSON object at a URL. Raises `ProviderFailed`."""
        return self._asked("GET", url, what, None, headers or {}, range(200, 300))[1]

    def post(self, url: str, what: str, form: str, headers: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        """(status, JSON object) of the answer to a form. Raises `ProviderFailed`."""
        return self._asked("POST", url, what, form.encode(), {**headers, "Content-Type": "application/x-www-form-urlencoded"}, ANSWERS)

    def _asked(
        self, method: str, url: str, what: str, body: bytes | None, headers: Mapping[str, str], accept: Any
    ) -> tuple[int, dict[str, Any]]:
        try:
            host = self._host(url)
            answer: HttpResponse = host.send(method, url, body=body, what=what, headers=headers, accept=accept, max_bytes=MAX_ANSWER)
            return answer.status, answer.object()
        except ProviderError as error:
            raise ProviderFailed(f"nobody can sign in now: {error}") from None

    def _host(self, url: str) -> Http:
        parts = urlsplit(url)
        base = f"{parts.scheme}://{parts.netloc}"
        if base not in self._hosts:  # headers are made anew each time: a refusal of one request says nothing of the next
            self._hosts[base] = Http(
                base, NAME, headers=dict, ca_file=self._ca_file, tries=1, pool=_connections, advice=_ADVICE, trust=_TRUST
            )
        return self._hosts[base]


def _connections(proxy: Proxy | None, **options: Any) -> urllib3.PoolManager:
    return pools.connections(proxy, **{**options, "timeout": TIMEOUT})


_ADVICE = "is ELDER_OIDC_ISSUER right, and is the identity provider up?"
_TRUST = "name its CA in ELDER_OIDC_CA_BUNDLE"
