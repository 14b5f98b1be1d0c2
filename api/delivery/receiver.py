"""Receivers of webhooks: what their URLs may be, and which addresses may be connected to.

A URL comes from a person who may make webhooks, and the API stands in a network that this person may not see. So a name is resolved once,
each address is checked, and the connection goes to that very address.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from providers.address import is_forbidden, is_loopback
from worker.config.proxies import Network

LONGEST = 2000
"""Characters of a URL."""

PORTS = {"https": 443, "http": 80}

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_GLOBAL = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC = (ipaddress.IPv4Network("192.88.99.0/24"), ipaddress.IPv6Network("3fff::/20"))
"""Relays of 6to4 and a network for documentation, which Python takes for public ones."""

_SETTING = "ELDER_WEBHOOK_NETWORKS"


_NEVER = frozenset(' \\"<>^`{|}')
"""Characters that no URL has as they are."""

_UNREADABLE = "its host or port cannot be read: it is such as https://example.com:8443/hooks/elder"


class Refused(Exception):
    """The URL or the address may not be used; the text says why and what to do."""


class Receiver(NamedTuple):
    """The parts of a receiver's URL."""

    scheme: str
    host: str
    port: int
    target: str
    """The path and the query, as they are sent."""


def parse(url: str, allowed: Sequence[Network]) -> Receiver:
    """The parts of a URL that deliveries may go to; `allowed` are the networks of the setting. Looks no name up. Raises `Refused`."""
    receiver = _read(url)
    literal = _is_literal(receiver.host)
    if receiver.scheme == "http" and not allowed:
        raise Refused(f"it begins with http, which anybody on the way can read and change: use https, or set {_SETTING}")
    if not literal and not allowed and is_loopback(receiver.host.rstrip(".")):
        raise Refused(f"{receiver.host} is this machine: list its address in {_SETTING} if that is meant")
    if literal:
        try:
            resolve(receiver, allowed)
        except OSError as error:
            raise Refused(f"{receiver.host} is not an address: {error.strerror or error}") from None
    return receiver


def _read(url: str) -> Receiver:
    """The parts of a URL, which has none that is not needed. Raises `Refused`."""
    if not 0 < len(url) <= LONGEST or not url.isascii() or not url.isprintable() or set(url) & _NEVER:
        raise Refused(f"it is a URL of 1 to {LONGEST} printable ASCII characters, such as https://example.com/hooks/elder")
    if "#" in url:
        raise Refused("it has a fragment (#), which is never sent: leave it out")
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError:
        raise Refused(_UNREADABLE) from None
    if parts.scheme not in PORTS or not host or not url.lower().startswith(f"{parts.scheme}://"):
        raise Refused("it begins with https:// and a host, such as https://example.com/hooks/elder")
    if "@" in parts.netloc:
        raise Refused("it holds a user or a password, which whoever sees the webhook would see: leave them out and check the signature")
    if port == 0 or "%" in parts.netloc:
        raise Refused(_UNREADABLE)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Receiver(parts.scheme, host, port or PORTS[parts.scheme], target)


def resolve(receiver: Receiver, allowed: Sequence[Network]) -> list[str]:
    """The addresses of a receiver. One that may not be reached refuses all. Raises `Refused`, and `OSError` where there is none."""
    found = _resolved(receiver.host, receiver.port)
    check(receiver.host, receiver.scheme, found, allowed)
    return found


def check(host: str, scheme: str, addresses: Sequence[str], allowed: Sequence[Network]) -> None:
    """Checks each address that a host has. Raises `Refused`."""
    for text in addresses:
        address = _inner(ipaddress.ip_address(text.partition("%")[0]))
        named = str(address) if host == text else f"{host} ({text})"
        if is_forbidden(text) or is_forbidden(str(address)):
            raise Refused(f"{named} is link-local, a metadata service, multicast or no address at all, which no webhook may reach")
        listed = any(address in network for network in allowed)
        if not listed and not _is_public(address):
            raise Refused(f"{named} is not a public address: list it, or its network, in {_SETTING} if webhooks may reach it")
        if scheme == "http" and not listed:
            raise Refused(f"http to {named} can be read and changed on the way: use https, or list it in {_SETTING}")


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and (address not in _GLOBAL or address.teredo):
        return False
    return address.is_global and not any(address in network for network in _NOT_PUBLIC)


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 address leads to; the address itself where it leads to none."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    inner = ipaddress.IPv4Address(address.packed[-4:]) if address in _NAT64 else None
    return address.ipv4_mapped or address.sixtofour or inner or address


def _is_literal(host: str) -> bool:
    """True for an address in any spelling that the system's resolver takes for one: 127.1, 0x7f000001, 2130706433."""
    if ":" in host:
        return True
    try:
        socket.inet_aton(host)
    except OSError:
        return False
    return True


def _resolved(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:  # a label that is too long or empty
        raise Refused(f"'{host}' is not a host name") from None
    return list(dict.fromkeys(str(one[4][0]) for one in found))
