"""The TCP ports that a job may connect to: those of its config, its settings, the files that these name, the proxy and DNS.

The kernel's rules (`supervisor.landlock`) know ports and no addresses. Metadata services listen on port 80, which almost no source has: a
job whose provider does not sign in by its machine is not given that port unless its config names it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from providers.http import proxy

USUAL = (443, 53)
"""HTTPS, and DNS for answers that do not fit into UDP."""

METADATA = 80

EVERY = "*"
"""The word in DISCOVERY_ALLOWED_PORTS that allows every port."""

LARGEST = 1024 * 1024
"""Bytes of a file that are searched for addresses: kubeconfigs and credential files are far smaller."""

_SCHEMES = {"http": 80, "https": 443, "ldap": 389, "ldaps": 636}
_URL = re.compile(r"\b(https?|ldaps?)://(?:[^\s/@\"']*@)?(?:\[[^\]\s]*\]|[^\s/:\"',;?#\[\]]+)(?::(\d{1,5}))?")
_HOST = re.compile(r"(?:^|,)\s*(?:\[[0-9A-Fa-f:.]+\]|[\w.-]+):(\d{1,5})(?=\s*(?:,|$|/))")


def ports(values: Iterable[Any], files: Iterable[str], further: Iterable[int], allowed: Iterable[str]) -> tuple[int, ...] | None:
    """The ports of these configs and files, the further ones and those of the environment's proxies; None when every port is allowed.

    `allowed` is DISCOVERY_ALLOWED_PORTS.
    """
    listed = tuple(allowed)
    if EVERY in listed:
        return None
    found = {*USUAL, *further, *map(int, listed)}
    for value in (*values, proxy.environment()):
        found.update(named(value))
    for file in files:
        found.update(_of_text(_beginning(file)))
    return tuple(sorted(port for port in found if 0 < port < 65536))


def named(config: Any) -> frozenset[int]:
    """The ports that a config names."""
    return frozenset(port for port in _of_value(config, "") if 0 < port < 65536)


def _of_value(value: Any, key: str) -> Iterator[int]:
    """Ports of a value of JSON: of URLs and of ``host:port``, and what stands under a key such as `port` or `service_port`."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _of_value(inner, str(name))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _of_value(inner, key)
    elif isinstance(value, str | int) and key.rpartition("_")[2] == "port" and str(value).isdecimal():
        yield int(value)
    elif isinstance(value, str):
        yield from _of_text(value)
        yield from (int(port) for port in _HOST.findall(value))


def _of_text(text: str) -> Iterator[int]:
    """Ports of the URLs in a text."""
    yield from (int(port) if port else _SCHEMES[scheme] for scheme, port in _URL.findall(text))


def _beginning(file: str) -> str:
    path = Path(file)
    try:
        if not path.is_file():
            return ""
        with path.open(errors="replace") as opened:
            return opened.read(LARGEST)
    except OSError:  # the job will say so, if it needs the file
        return ""
