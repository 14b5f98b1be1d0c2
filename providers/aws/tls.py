"""Connections of the clients: one TLS context for all of them, and who waits at which.

botocore gives each client a context of its own and loads the certificates of all CAs into it, again at each connect: 0.6 MB a client, 16 ms
a connection, where a job has a client for each service in each region.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
from typing import Any

from botocore.awsrequest import AWSHTTPConnection, AWSHTTPConnectionPool, AWSHTTPSConnection, AWSHTTPSConnectionPool
from botocore.httpsession import URLLib3Session, create_urllib3_context, get_cert_path
from botocore.utils import get_environ_proxies

from providers.aws.silence import SilenceWatch
from providers.errors import ConfigError

_thread = threading.local()
"""The attempt that a thread makes, as `attempt`."""


def trusting(bundle: str) -> ssl.SSLContext:
    """A context as botocore makes it, which trusts the CAs of a file; without one, those that botocore does. Raises `ConfigError`."""
    context: ssl.SSLContext = create_urllib3_context()
    path = bundle or get_cert_path(os.environ.get("REQUESTS_CA_BUNDLE") or True)
    try:
        context.load_verify_locations(path)
    except OSError as error:
        raise ConfigError(f"the CAs of {path} (AWS_CA_BUNDLE) cannot be read: {error.strerror or error}") from None
    return context


def share(client: Any, context: ssl.SSLContext, watch: SilenceWatch) -> None:
    """Makes a client connect with this context, and tell of each attempt of a call that waits."""
    client._endpoint.http_session = _Connections(client, context, watch)  # noqa: SLF001 - botocore has no other way to give a client its connections


class _PlainConnection(AWSHTTPConnection):  # type: ignore[misc]
    def request(self, *arguments: Any, **options: Any) -> Any:
        _thread.attempt.connection = self
        return super().request(*arguments, **options)


class _TlsConnection(AWSHTTPSConnection):  # type: ignore[misc]
    def request(self, *arguments: Any, **options: Any) -> Any:
        _thread.attempt.connection = self
        return super().request(*arguments, **options)


class _PlainPool(AWSHTTPConnectionPool):  # type: ignore[misc]
    ConnectionCls = _PlainConnection


class _TlsPool(AWSHTTPSConnectionPool):  # type: ignore[misc]
    ConnectionCls = _TlsConnection


class _Connections(URLLib3Session):  # type: ignore[misc]
    """The connections of one client, with its own limits and the environment's proxies, as botocore makes them."""

    def __init__(self, client: Any, context: ssl.SSLContext, watch: SilenceWatch) -> None:
        self._context, self._watch, self._region, config = context, watch, client.meta.region_name, client.meta.config
        super().__init__(
            proxies=get_environ_proxies(client.meta.endpoint_url),
            timeout=(config.connect_timeout, config.read_timeout),
            max_pool_connections=config.max_pool_connections,
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)],
        )
        self._pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}
        self._manager.pool_classes_by_scheme = self._pool_classes_by_scheme

    def send(self, request: Any) -> Any:
        """Makes one attempt of a call."""
        with self._watch.waiting(self._region) as _thread.attempt:
            return super().send(request)

    def _get_ssl_context(self) -> ssl.SSLContext:
        return self._context

    def _setup_ssl_cert(self, conn: Any, url: str, verify: bool) -> None:  # noqa: ARG002 - botocore's; the context trusts already
        conn.cert_reqs = "CERT_REQUIRED"
