"""The address of a service, from its domain as an operator writes it: ``example.okta.com``, ``https://auth.example.com:9443/``; and which
addresses are this machine's own.
"""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

METADATA = frozenset(map(ipaddress.ip_address, ("100.100.100.200", "fd00:ec2::254", "fd00:ec2::23", "168.63.129.16", "192.0.0.192")))
"""Addresses of metadata services outside the link-local ranges."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def base_url(domain: str) -> str:
    """The URL that paths are appended to, without a slash at its end. Raises `ValueError`, which says what is wrong.

    Without a scheme it is https. Plain http goes to this machine only: a token would be readable on the way.
    """
    text = domain.strip().rstrip("/")
    parts = urlsplit(text if "://" in text else f"https://{text}")
    try:
        port = parts.port
    except ValueError:
        raise ValueError(f"'{parts.netloc.rpartition('@')[2]}' has a port that is not a number from 0 to 65535") from None
    if parts.username is not None or parts.query or parts.fragment or not parts.hostname or set(parts.hostname) & set(" ,;<>\"'\\"):
        raise ValueError("it must be a host, with a scheme and a port if need be, such as example.com or https://example.com:9443")
    if parts.scheme not in ("https", "http"):
        raise ValueError(f"'{parts.scheme}' is not a scheme that can be used: it must be https")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError(f"plain http would show the token to everybody on the way to {parts.hostname}: use https")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = {"https": 443, "http": 80}[parts.scheme]
    return f"{parts.scheme}://{host}{f':{port}' if port not in (None, usual) else ''}{parts.path.rstrip('/')}"


def is_loopback(host: str) -> bool:
    """True for names and addresses of this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def display_host(url: str) -> str:
    """A base URL as people write it: host, and port and path where they are not the usual ones."""
    return url.partition("://")[2]


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
