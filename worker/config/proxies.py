"""The reverse proxies in front of the Elder API that are believed when they say where a request comes from."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(given: Iterable[str]) -> tuple[Network, ...]:
    """Addresses and networks as networks. Raises `ValueError`."""
    return tuple(ipaddress.ip_network(one, strict=False) for one in given)


def unusable(given: Iterable[str]) -> Iterator[str]:
    """A sentence for each that is neither an address nor a network."""
    for one in given:
        try:
            networks((one,))
        except ValueError:
            yield f"ELDER_API_TRUSTED_PROXIES: '{one}' is no address or network: such as 10.0.0.7 or 10.0.0.0/24"
