"""Wrong keys, counted by the address that they come from: after a few in a minute it has to wait, whatever it sends."""

from __future__ import annotations

import hashlib
import ipaddress
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any

WRONG_AT_MOST, WINDOW = 10, 60.0
"""Wrong keys that one address may send within so many seconds."""

REMEMBERED = 10_000
"""Addresses, and pairs of address and right key, that are kept in memory."""

RIGHT_FOR = 3600.0
"""Seconds for which a right key stays welcome at an address that others send wrong ones from, such as that of a proxy."""


class Attempts:
    """Counts of one API process. Safe to use from several threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()
        self._right: OrderedDict[tuple[str, bytes], float] = OrderedDict()

    def wait(self, address: str, key: str) -> float:
        """Seconds until a key of this address is looked at again; 0 for now."""
        address, now = network(address), self._clock()
        with self._lock:
            times = self._wrong.get(address)
            if not times or len(times) < WRONG_AT_MOST or now - times[0] >= WINDOW:
                return 0.0
            if now - self._right.get((address, _digest(key)), -RIGHT_FOR) < RIGHT_FOR:
                return 0.0
            return times[0] + WINDOW - now

    def wrong(self, address: str) -> int:
        """Counts a wrong key; returns how many the address sent within the window."""
        address, now = network(address), self._clock()
        with self._lock:
            times = self._wrong.setdefault(address, deque(maxlen=WRONG_AT_MOST))
            times.append(now)
            _trim(self._wrong, address)
            return sum(now - at < WINDOW for at in times)

    def right(self, address: str, key: str) -> None:
        """Remembers a right key."""
        pair = (network(address), _digest(key))
        with self._lock:
            self._right[pair] = self._clock()
            _trim(self._right, pair)


def network(address: str) -> str:
    """The address, or its /64 for IPv6, where a whole network is one customer's."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else str(found)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode(errors="replace")).digest()


def _trim(kept: OrderedDict[Any, Any], newest: Any) -> None:
    kept.move_to_end(newest)
    if len(kept) > REMEMBERED:
        kept.popitem(last=False)
