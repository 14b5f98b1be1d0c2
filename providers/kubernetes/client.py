"""GET requests to one API server, by the shared HTTP client."""

from __future__ import annotations

import base64
import contextlib
import functools
import os
import ssl
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import structlog
import urllib3

from providers import secrecy
from providers.errors import ConfigError, PageExpired, ProviderError, Unsupported
from providers.http.client import MAX_ANSWER, Http
from providers.http.response import HttpResponse
from providers.http.tls import tls
from providers.kubernetes.access import Access

TRIES = 4
NAME = "the API server"
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
            NAME,
            headers=self._headers,
            renew=self._read_token_again if access.token_file else None,
            explain=_explain,
            advice="check `server`, and whether a firewall or proxy is in between",
            trust=TRUST,
            tries=TRIES,
            connections=32,
            pool=_pool(access),
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

    def object(self, path: str, *, what: str) -> dict[str, Any]:
        """The JSON object at `path`. Raises `ProviderError`."""
        return self.get(path, what=what).object()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

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


def _pool(access: Access) -> Callable[..., urllib3.PoolManager]:
    kwargs: dict[str, Any] = {"server_hostname": access.tls_server_name} if access.tls_server_name else {}
    if not access.proxy_url:
        return functools.partial(urllib3.PoolManager, **kwargs)
    return functools.partial(urllib3.ProxyManager, access.proxy_url, proxy_headers=_proxy_headers(access.proxy_url), **kwargs)


def _proxy_headers(url: str) -> Mapping[str, str]:
    credentials = urllib3.util.parse_url(url).auth
    return urllib3.make_headers(proxy_basic_auth=credentials) if credentials else {}


def _context(access: Access) -> ssl.SSLContext:
    """The TLS context. OpenSSL loads certificates from files only: they exist as long as that takes."""
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
                    "the client certificate and its key are no pair of PEM files: check client-certificate and client-key"
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


def _explain(answer: HttpResponse, what: str) -> ProviderError | None:
    """What is particular to Kubernetes: pages that expire (410, in places 400), and types without the form that was asked for (406)."""
    text = answer.text()
    match answer.status:
        case 410:
            return PageExpired(f"the pages of '{what}' have expired (410)", detail=text)
        case 400 if "continue" in text:
            return PageExpired(f"the pages of '{what}' have expired (400)", detail=text)
        case 406:
            return Unsupported(f"{NAME} does not offer '{what}' in this form (406)", detail=text)
        case _:
            return None
