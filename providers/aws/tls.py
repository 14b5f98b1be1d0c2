"""HTTPS of the clients: one TLS context for all of them.

botocore gives each client a context of its own and loads the certificates of all CAs into it, again at each connect: 0.6 MB a client, 16 ms
a connection, where a job has a client for each service in each region.
"""

from __future__ import annotations

import os
import socket
import ssl
from typing import Any

from botocore.httpsession import URLLib3Session, create_urllib3_context, get_cert_path
from botocore.utils import get_environ_proxies

from providers.errors import ConfigError


def trusting(bundle: str) -> ssl.SSLContext:
    """A context as botocore makes it, which trusts the CAs of a file; without one, those that botocore does. Raises `ConfigError`."""
    context: ssl.SSLContext = create_urllib3_context()
    path = bundle or get_cert_path(os.environ.get("REQUESTS_CA_BUNDLE") or True)
    try:
        context.load_verify_locations(path)
    except OSError as error:
        raise ConfigError(f"the CAs of {path} (AWS_CA_BUNDLE) cannot be read: {error.strerror or error}") from None
    return context


def share(client: Any, context: ssl.SSLContext) -> None:
    """Makes a client connect with this context."""
    client._endpoint.http_session = _Connections(client, context)  # noqa: SLF001 - botocore has no other way to give a client its connections


class _Connections(URLLib3Session):  # type: ignore[misc]
    """The connections of one client, with its own limits and the environment's proxies, as botocore makes them."""

    def __init__(self, client: Any, context: ssl.SSLContext) -> None:
        self._context, config = context, client.meta.config
        super().__init__(
            proxies=get_environ_proxies(client.meta.endpoint_url),
            timeout=(config.connect_timeout, config.read_timeout),
            max_pool_connections=config.max_pool_connections,
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)],
        )

    def _get_ssl_context(self) -> ssl.SSLContext:
        return self._context

    def _setup_ssl_cert(self, conn: Any, url: str, verify: bool) -> None:  # noqa: ARG002 - botocore's; the context trusts already
        conn.cert_reqs = "CERT_REQUIRED"
