"""Connections to a source, through the proxy where there is one. `providers.http.proxy` is apart, as settings are read without urllib3."""

from __future__ import annotations

from typing import Any

import urllib3

from providers.http.proxy import Proxy, from_environment


def connections(proxy: Proxy | None, **options: Any) -> urllib3.PoolManager:
    """The connections to a source, through the proxy where there is one. `options` are those of urllib3's pools."""
    if proxy is None:
        return urllib3.PoolManager(**options)
    return urllib3.ProxyManager(proxy.url, proxy_headers=proxy.headers, **options)


class Routes:
    """Requests to several hosts, each through the proxy that the environment names for it. Safe to use from several threads."""

    def __init__(self, **options: Any) -> None:
        """`options` are those of urllib3's pools."""
        self._options, self._pools = options, dict[Proxy | None, urllib3.PoolManager]()

    def request(self, method: str, url: str, **options: Any) -> urllib3.BaseHTTPResponse:
        """Sends a request as `urllib3.PoolManager.request` does. Raises `ConfigError` for a proxy that cannot be used."""
        proxy = from_environment(url)
        pool = self._pools.get(proxy) or self._pools.setdefault(proxy, connections(proxy, **self._options))
        return pool.request(method, url, **options)

    def clear(self) -> None:
        """Closes all open connections."""
        for pool in self._pools.values():
            pool.clear()
