"""One API server: GET requests as JSON, with time-outs, retries and our own errors. Uses the kubernetes package, none of its globals."""

from __future__ import annotations

import base64
import json
import os
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import urllib3
from kubernetes.client.api_client import ApiClient
from kubernetes.client.configuration import Configuration
from kubernetes.client.exceptions import ApiException

from providers import progress
from providers.errors import BadAnswer, CredentialsError, Denied, ProviderError, ScopeError, Throttled, TimedOut, Unsupported
from providers.http import quota, retry
from providers.http.tls import tls
from providers.kubernetes.kubeconfig import Access

TIMEOUT = (10, 60)
"""Seconds to connect, and between two bytes."""

TRIES = 4
METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"


class Gone(ScopeError):
    """A list changed so much while it was paged that it must be begun anew (410)."""


class Client:
    """Speaks to one API server. Safe to use from several threads."""

    def __init__(self, access: Access) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="kube-")  # urllib3 takes certificates from files only
        configuration = Configuration(host=access.server.rstrip("/"))
        configuration.ssl_ca_cert = self._file("ca.pem", access.ca)
        configuration.cert_file = self._file("client.pem", access.client_certificate)
        configuration.key_file = self._file("client.key", access.client_key)
        configuration.tls_server_name = access.tls_server_name or None
        configuration.retries = urllib3.Retry(0)
        configuration.connection_pool_maxsize = 32
        self._headers = {"Accept": "application/json", "User-Agent": "elder-worker"}
        if access.token:
            self._headers["Authorization"] = f"Bearer {access.token}"
        elif access.user:
            pair = base64.b64encode(f"{access.user}:{access.password}".encode()).decode()
            self._headers["Authorization"] = f"Basic {pair}"
        self._host = configuration.host
        self._api = ApiClient(configuration)
        if configuration.ssl_ca_cert:
            self._api.rest_client.pool_manager.connection_pool_kw["ssl_context"] = tls(configuration.ssl_ca_cert)
        self._retrying = retry.retrying(TRIES)

    def get(self, path: str, query: dict[str, Any] | None = None, *, metadata: bool = False, what: str = "") -> dict[str, Any]:
        """The JSON object at `path`; `what` names it in errors (``list pods``). Raises `ProviderError`."""
        found: dict[str, Any] = self._retrying(self._once, path, query, metadata, what or path)
        return found

    def close(self) -> None:
        """Closes the connections, and removes the certificates."""
        self._api.close()
        self._folder.cleanup()

    def _once(self, path: str, query: dict[str, Any] | None, metadata: bool, what: str) -> dict[str, Any]:
        url = f"{self._host}{path}" + (f"?{urlencode(query)}" if query else "")
        headers = {**self._headers, "Accept": METADATA} if metadata else self._headers
        try:
            response = self._api.rest_client.request("GET", url, headers=headers, _request_timeout=TIMEOUT)
            body = response.read()
            status, retry_after = response.status, response.getheader("Retry-After")
        except ApiException as error:
            status, body = error.status or 0, error.body or b""
            retry_after = (error.headers or {}).get("Retry-After")
            if not status:
                raise TimedOut(f"no answer from the API server to '{what}'", detail=str(error.reason)) from None
        except urllib3.exceptions.HTTPError as error:
            raise _broken(error, what) from None
        progress.answered()
        if status != 200:
            refused = _refused(status, body, what)
            refused.wait = quota.asked_wait({"retry-after": retry_after or ""})
            raise refused
        return _decoded(body, what)

    def _file(self, name: str, content: str) -> str | None:
        if not content:
            return None
        path = Path(self._folder.name) / name
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(fd, content.encode())
        os.close(fd)
        return str(path)


def _decoded(body: bytes | str, what: str) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        raise BadAnswer(f"the answer to '{what}' is not JSON: is `server` an API server?") from None
    if not isinstance(found, dict):
        raise BadAnswer(f"the answer to '{what}' is not a JSON object")
    return found


def _broken(error: urllib3.exceptions.HTTPError, what: str) -> ProviderError:
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text or "certificate verify failed" in text:
        return CredentialsError(
            "the API server's certificate is not signed by the CA of the config: check certificate-authority-data", detail=text
        )
    return TimedOut(f"no answer from the API server to '{what}' ({type(error).__name__})", detail=text)


def _refused(status: int, body: bytes | str, what: str) -> ProviderError:
    text = body.decode(errors="replace") if isinstance(body, bytes) else body
    match status:
        case 401:
            return CredentialsError(
                "the API server does not accept the token or certificate (401): it is wrong or has expired", detail=text
            )
        case 403:
            return Denied(f"the API server refuses to {what} (403): an RBAC role with '{what}' is missing", permission=what, detail=text)
        case 404 | 405 | 406:
            return Unsupported(f"the API server does not offer '{what}' ({status})", detail=text)
        case 410:
            return Gone(f"the pages of '{what}' have expired (410)", detail=text)
        case 400 if "continue" in text:
            return Gone(f"the pages of '{what}' have expired (400)", detail=text)
        case 429:
            return Throttled(f"the API server asks to slow down at '{what}' (429)", detail=text)
        case _ if status >= 500:
            return TimedOut(f"the API server answered {status} to '{what}'", detail=text)
        case _:
            return ScopeError(f"the API server answered {status} to '{what}'", detail=text)
