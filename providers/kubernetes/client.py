"""GET requests to one API server: the connections are those of the kubernetes package, the policy is that of the shared HTTP client.

The package's own REST client decides how the server is connected to: directly or through a proxy, under which name in TLS. Time-outs, the
one retry policy, bounds in bytes and what a refusal means are `providers.http`'s, as for every source: the package reads whole answers of
any size, makes an object of each, and tries nothing again. Its kubeconfig loader is not used: it runs the programs that a kubeconfig names,
reads files anywhere and writes keys to the disk (see `providers.kubernetes.kubeconfig`).
"""

from __future__ import annotations

import base64
import contextlib
import os
import ssl
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import structlog
import urllib3

from providers import secrecy
from providers.errors import ConfigError
from providers.http.client import MAX_ANSWER, Http
from providers.http.credential import Credential
from providers.http.proxy import Proxy
from providers.http.response import HttpResponse
from providers.http.tls import tls
from providers.kubernetes import lean, refusal
from providers.kubernetes.access import Access

TRIES = 4
TRUST = "check certificate-authority-data"

_log = structlog.get_logger("providers.kubernetes")


class Client:
    """Speaks to one API server. Safe to use from several threads."""

    def __init__(self, access: Access) -> None:
        """Raises `ConfigError` for certificates and keys that are none."""
        self._access, self._token = access, access.token
        if not access.verify:
            _log.warning("the kubeconfig's insecure-skip-tls-verify is set: the API server's certificate is not verified")
        self._http = Http(
            access.server,
            refusal.NAME,
            headers=self._headers,
            renew=self._read_token_again if access.token_file else None,
            explain=refusal.explain,
            confirm="/api",
            alone="if it is an aggregated API, check its APIService and how it authenticates",
            advice="check `server`, and whether a firewall or proxy is in between",
            trust=TRUST,
            tries=TRIES,
            connections=32,
            proxy=access.proxy,
            pool=self._connections,
            context=_context(access),
        )

    def get(
        self,
        path: str,
        query: Mapping[str, Any] | None = None,
        *,
        what: str,
        permission: str = "",
        accept: str = "application/json",
        max_bytes: int = MAX_ANSWER,
    ) -> HttpResponse:
        """The answer at `path`; `what` names the request (``list pods``), `permission` what a 403 lacks. Raises `ProviderError`."""
        url = path + (f"?{urlencode(query)}" if query else "")
        return self._http.get(url, what=what, permission=permission or what, headers={"Accept": accept}, max_bytes=max_bytes)

    @property
    def credential(self) -> Credential:
        """The verdict over our credential."""
        return self._http.credential

    def object(self, path: str, query: Mapping[str, Any] | None = None, *, what: str) -> dict[str, Any]:
        """The JSON object at `path`. Raises `ProviderError`, also for a refusal that came with a success's number."""
        answer = self.get(path, query, what=what)
        if failed := refusal.failed_success(answer, what):
            raise failed
        return answer.object()

    def close(self) -> None:
        """Closes all open connections."""
        self._http.close()

    def _connections(self, proxy: Proxy | None, *, retries: bool, maxsize: int, **options: Any) -> urllib3.PoolManager:
        """The connections of the package's REST client; `options` are what it takes from nobody: time-outs, and the TLS context."""
        configuration = lean.Configuration(host=self._access.server)
        configuration.proxy, configuration.no_proxy = (proxy.url, "") if proxy else (None, None)
        configuration.proxy_headers = proxy.headers if proxy else None
        configuration.retries, configuration.connection_pool_maxsize = retries, maxsize
        configuration.verify_ssl, configuration.tls_server_name = self._access.verify, self._access.tls_server_name or None
        pool: urllib3.PoolManager = lean.RESTClientObject(configuration).pool_manager
        pool.connection_pool_kw |= options
        return pool

    def _headers(self) -> dict[str, str | tuple[str, ...]]:
        access = self._access
        if self._token:
            return {"Authorization": f"Bearer {self._token}", **access.impersonate}
        if access.user:
            pair = base64.b64encode(f"{access.user}:{access.password}".encode()).decode()
            return {"Authorization": f"Basic {pair}", **access.impersonate}
        return access.impersonate

    def _read_token_again(self, _headers: Mapping[str, Any], _refusal: HttpResponse) -> None:
        """Takes the token that is in the file now: tokens of service accounts expire, and Kubernetes puts new ones there."""
        with contextlib.suppress(OSError, UnicodeError):  # the old token is then refused a second time, and that is told
            if self._access.token_file:
                self._token = self._access.token_file.read_text().strip()
                secrecy.register_secret(self._token)


def _context(access: Access) -> ssl.SSLContext:
    """The TLS context. OpenSSL loads certificates from files only: they exist as long as that takes; the package would keep them."""
    with tempfile.TemporaryDirectory(prefix="kube-") as folder:
        try:
            context = tls(_written(folder, "ca.pem", access.ca), verify=access.verify)
        except (ssl.SSLError, OSError):
            raise ConfigError("the CA certificate of the cluster is not a PEM file: check certificate-authority-data") from None
        if access.client_certificate:
            certificate, key = _written(folder, "client.pem", access.client_certificate), _written(folder, "client.key", access.client_key)
            try:
                context.load_cert_chain(certificate, key or None, password="")  # an empty one: OpenSSL asks the terminal otherwise
            except (ssl.SSLError, OSError):
                raise ConfigError(
                    "the client certificate and its key are not a pair of PEM files: check client-certificate and client-key"
                ) from None
        return context


def _written(folder: str, name: str, content: str) -> str:
    if not content:
        return ""
    path = Path(folder) / name
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "w") as file:
        file.write(content)
    return str(path)
