"""Where a job may never connect to, whatever address, spelling, name or redirect in its config leads there.

The cloud's metadata service gives whoever asks the credentials of the machine: only the provider of that cloud may speak to it, and it
knows the address by itself. The look is at the address that a socket is about to connect to, after all names are resolved.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
from typing import Any

from providers.errors import ConfigError

METADATA = frozenset(map(ipaddress.ip_address, ("100.100.100.200", "fd00:ec2::254", "fd00:ec2::23", "168.63.129.16", "192.0.0.192")))
"""Metadata services that are not at a link-local address."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def forbid_metadata() -> None:
    """From now on, for this process: a connection to such an address raises `ConfigError` before it is made."""
    sys.addaudithook(_check_connect)


def _check_connect(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect":
        return
    connection, address = arguments
    if connection.family in (socket.AF_INET, socket.AF_INET6) and is_forbidden(str(address[0])):
        raise ConfigError(f"the source is said to be at {address[0]}, an address of this machine's cloud that no job may reach")


def is_forbidden(host: str) -> bool:
    """Whether it is an address that is link-local, a metadata service, nobody's, or many's."""
    try:
        address = ipaddress.ip_address(socket.inet_ntoa(socket.inet_aton(host)) if ":" not in host else host.partition("%")[0])
    except (OSError, ValueError):  # a name, which is looked at when it has been resolved
        return False
    if isinstance(address, ipaddress.IPv6Address):
        packed = address.packed
        inner = address.ipv4_mapped or address.sixtofour or (ipaddress.IPv4Address(packed[-4:]) if address in _NAT64 else None)
        address = inner or address
    return address.is_link_local or address.is_multicast or address.is_unspecified or address in METADATA
