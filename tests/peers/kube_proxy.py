"""A proxy with TLS between the provider and a real API server. What it can, it has refused by the server itself."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import jwt
import pytest
from peers.certificates import Authority
from peers.http_proxy import Asked, Proxy, Reply, Request, Verdict
from peers.kube import ADMIN, ISSUER, Kube, kubeconfig

THROTTLED = Reply(429, b"Too many requests, please try again later.", {"Content-Type": "text/plain; charset=utf-8", "Retry-After": "7"})
"""As the server's own filter on requests in flight answers; it cannot be overloaded on purpose for one type only."""

EMPTY = Asked(more_query="labelSelector=carried-by%3Dnobody")
"""The server's own list, with nothing in it."""


def as_who_has(token: str) -> Asked:
    """The server is asked with another token, and refuses or not as it does."""
    return Asked(headers={"Authorization": f"Bearer {token}"})


def status(code: int, reason: str, message: str) -> Reply:
    """A failure in the server's words."""
    body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason, "code": code}
    return Reply(code, json.dumps(body).encode(), {"Content-Type": "application/json"})


def at(part: str, verdict: Verdict) -> Callable[[Request], Verdict]:
    """A rule for every path that ends in `part`."""
    return lambda request: verdict if urlsplit(request.path).path.endswith(part) else None


class KubeProxy(Proxy):
    """Ours; the provider trusts its certificate, and it that of the API server."""

    def __init__(self, kube: Kube, authority: Authority) -> None:
        super().__init__(kube.server, tls=authority.server_context(), ca=kube.ca)
        self._kube, self._ca = kube, authority.ca.read_text()

    def kubeconfig(self, token: str = ADMIN) -> dict:
        """Of the cluster as it is reached through the proxy."""
        return kubeconfig(self.url, self._ca, {"token": token})

    def service_account_token(self, lifetime: float) -> str:
        """A token of a service account, signed with the cluster's own key; negative: of one that expired so many seconds ago."""
        account = self._kube.call("GET", "/api/v1/namespaces/shop/serviceaccounts/web")["metadata"]
        now = int(time.time())
        claims = {
            "iss": ISSUER, "aud": [ISSUER], "sub": "system:serviceaccount:shop:web", "nbf": now - 7200, "iat": now - 7200, "exp": now + int(lifetime),
            "kubernetes.io": {"namespace": "shop", "serviceaccount": {"name": "web", "uid": account["uid"]}},
        }  # fmt: skip
        return jwt.encode(claims, (self._kube.folder / "sa.key").read_text(), algorithm="RS256")


@pytest.fixture
def kube_proxy(kube: Kube, authority: Authority) -> Iterator[KubeProxy]:
    """Between the test and its cluster."""
    proxy = KubeProxy(kube, authority)
    yield proxy
    proxy.close()
