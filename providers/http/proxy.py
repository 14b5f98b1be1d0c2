"""The proxy on the way to a source: the one that the environment names, or one that the source's own settings name.

The environment is that of the worker, which every job's process has: ``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY`` and ``NO_PROXY``, in
capitals or not, as curl reads them. `NO_PROXY` has hosts, domains, addresses, networks (``10.0.0.0/8``) and ``*``, with commas between
them. Whatever they say, this machine, names without a dot (services of the same Compose file or namespace) and the addresses of metadata
services are never asked for through a proxy.
"""

from __future__ import annotations

import base64
import ipaddress
import os
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote, urlsplit

import msgspec

from providers import secrecy
from providers.address import is_forbidden, is_loopback
from providers.errors import ConfigError

VARIABLES = frozenset({"http_proxy", "https_proxy", "all_proxy"})

METADATA_NAMES = frozenset({"metadata.google.internal", "metadata.goog", "instance-data.ec2.internal"})
"""Names of metadata services, which answer the machine itself alone."""


class Proxy(msgspec.Struct, frozen=True):
    """An HTTP or HTTPS proxy. `setting` names the setting that holds its address, for error messages."""

    url: str
    setting: str

    @property
    def host(self) -> str:
        """Host and port, without credentials."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    @property
    def headers(self) -> dict[str, str]:
        """Headers that authenticate to the proxy; empty without credentials."""
        credentials = urlsplit(self.url).netloc.rpartition("@")[0]
        encoded = base64.b64encode(unquote(credentials).encode()).decode()
        return {"proxy-authorization": f"Basic {encoded}"} if credentials else {}


def checked(url: str, setting: str) -> Proxy:
    """Parses the proxy's URL and registers its password as a secret. Raises `ConfigError` when the URL names no HTTP or HTTPS proxy."""
    url = url if "://" in url else f"http://{url}"
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable, parts = False, None
    if not usable or parts is None:
        raise ConfigError(f"{setting} is not a proxy that can be used: it must begin with http:// or https://, and have a host")
    if parts.password:
        secrecy.register_secret(parts.password, unquote(parts.password))
    return Proxy(url, setting)


def unusable(environ: Mapping[str, str]) -> Iterator[str]:
    """A complaint for each proxy variable of an environment that names no proxy that can be used."""
    for name in sorted(environ):
        if name.lower() in VARIABLES and environ[name].strip():
            try:
                checked(environ[name], name)
            except ConfigError as error:
                yield str(error)


def environment() -> dict[str, str]:
    """The proxy variables that are set, by what comes before ``_proxy``; a name in small letters wins.

    The same as `urllib.request.getproxies_environment`, whose import costs every process a megabyte.
    """
    named: dict[str, str] = {}
    for name, value in sorted(os.environ.items()):  # capitals come first
        if name.lower().endswith("_proxy"):
            named[name.lower().removesuffix("_proxy")] = value
    return {name: value for name, value in named.items() if value}


def from_environment(url: str) -> Proxy | None:
    """The proxy that the environment names for a URL, or None. Raises `ConfigError` for one that cannot be used."""
    parts = urlsplit(url)
    named = environment()
    scheme = next((one for one in (parts.scheme, "all") if named.get(one)), "")
    if not scheme or _is_direct(parts.hostname or "", parts.netloc.rpartition("@")[2], named.get("no", "")):
        return None
    return checked(named[scheme], f"{scheme.upper()}_PROXY")


def _is_direct(host: str, netloc: str, exceptions: str) -> bool:
    name = host.lower()
    if is_loopback(name) or is_forbidden(name) or name in METADATA_NAMES or not ({".", ":"} & set(name)):
        return True
    return any(_covers(entry, name, netloc.lower()) for entry in _entries(exceptions))


def _entries(text: str) -> Iterable[str]:
    return filter(None, (entry.strip().lower() for entry in text.split(",")))


def _covers(entry: str, name: str, netloc: str) -> bool:
    """True when an entry of NO_PROXY means the host: itself, a domain above it, its network, or everything."""
    if entry == "*" or entry in (name, netloc):
        return True
    try:
        return ipaddress.ip_address(name) in ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        domain = entry.removeprefix("*").removeprefix(".")
        return f".{name}".endswith(f".{domain}")
