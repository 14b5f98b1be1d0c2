"""Keeps a job from connecting to metadata services, whatever address, spelling, name or redirect in its config leads there.

A cloud's metadata service gives the machine's credentials to every caller; only providers that use ambient credentials may reach it. The
check sees the address that a socket is about to connect to, after names are resolved.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
from typing import Any

from providers.errors import ConfigError

METADATA = frozenset(map(ipaddress.ip_address, ("100.100.100.200", "fd00:ec2::254", "fd00:ec2::23", "168.63.129.16", "192.0.0.192")))
"""Addresses of metadata services outside the link-local ranges."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def forbid_metadata() -> None:
    """Makes every later connection of this process to such an address raise `ConfigError`."""
    sys.addaudithook(_check_connect)


def _check_connect(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect":
        return
    connection, address = arguments
    if connection.family in (socket.AF_INET, socket.AF_INET6) and is_forbidden(str(address[0])):
        raise ConfigError(
            f"the config leads to {address[0]}, a metadata-service, link-local, unspecified or multicast address that jobs may not reach"
        )


def is_forbidden(host: str) -> bool:
    """True for link-local, metadata-service, unspecified and multicast addresses."""
    try:
        address = ipaddress.ip_address(socket.inet_ntoa(socket.inet_aton(host)) if ":" not in host else host.partition("%")[0])
    except (OSError, ValueError):  # a name is checked after it is resolved
        return False
    if isinstance(address, ipaddress.IPv6Address):
        packed = address.packed
        inner = address.ipv4_mapped or address.sixtofour or (ipaddress.IPv4Address(packed[-4:]) if address in _NAT64 else None)
        address = inner or address
    return address.is_link_local or address.is_multicast or address.is_unspecified or address in METADATA
