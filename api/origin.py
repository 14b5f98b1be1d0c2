"""The address that a request comes from: the connection's, or behind a proxy that the operator trusts the one that it names."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from worker.config.proxies import Network


def origin(peer: str, forwarded: str, trusted: Sequence[Network]) -> str:
    """The caller's address. `forwarded` is X-Forwarded-For, to which each proxy appends the address that it was called from.

    It is read from its end, as long as the addresses are of proxies that are trusted; what stands further in front may be a lie.
    """
    found = peer
    for hop in reversed(forwarded.split(",") if forwarded else ()):
        named = _address(hop.strip())
        if not named or not is_one_of(found, trusted):
            break
        found = named
    return found


def is_one_of(address: str, networks: Sequence[Network]) -> bool:
    """True for an address in one of the networks; an IPv4 address may be written as IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
        parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    except ValueError:
        return False
    return any(parsed in network for network in networks)


def _address(hop: str) -> str:
    """The address of one entry; empty for what is none."""
    try:
        return str(ipaddress.ip_address(hop))
    except ValueError:
        return ""
