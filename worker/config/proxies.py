"""Networks that settings of the Elder API name: of proxies that are believed, of webhooks' receivers, and the one without keys."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LARGEST = {4: 24, 6: 120}
"""The shortest prefix of a network from which no key is asked, by IP version: such a network has one container."""


def networks(given: Iterable[str]) -> tuple[Network, ...]:
    """Addresses and networks as networks. Raises `ValueError`."""
    return tuple(ipaddress.ip_network(one, strict=False) for one in given)


def unusable(given: Iterable[str], name: str) -> Iterator[str]:
    """A sentence for each that is neither an address nor a network; `name` is the setting."""
    for one in given:
        try:
            networks((one,))
        except ValueError:
            yield f"{name}: '{one}' is not an address or network: such as 10.0.0.7 or 10.0.0.0/24"


def open_to_many(given: str) -> Iterator[str]:
    """A sentence for a network from which no key may be asked: one that is none, or is larger than a network for one container."""
    try:
        [network] = networks((given,))
    except ValueError:
        yield f"ELDER_API_OPEN_NETWORK: '{given}' is not a network: such as 172.31.255.0/29"
        return
    if network.prefixlen < LARGEST[network.version]:
        yield (
            f"ELDER_API_OPEN_NETWORK: {network} would let {network.num_addresses} addresses in without a key: it is a network that has the "
            f"API alone, /{LARGEST[network.version]} or smaller"
        )
