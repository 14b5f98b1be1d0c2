"""Regions that fall silent while they are read: once their calls have waited for a while, the region is probed again.

A call may rightly wait a minute for its answer, and is repeated once, so that time-outs alone find a silent region after two minutes. A
region that answers its probe is slow, and its calls wait on. From one that does not, the calls that wait are cut off.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from providers.errors import TimedOut

SILENT_AFTER = 8.0
"""Seconds without any answer of a region in which calls wait, after which it is probed."""


class Attempt:
    """One attempt of a call, which waits for its answer."""

    __slots__ = ("began", "connection")

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.connection: Any = None

    def cut_off(self) -> None:
        """Ends the connection under the thread that waits at it, whose read then fails."""
        with contextlib.suppress(OSError, AttributeError):  # it is not connected yet, or not any more
            socket.socket.shutdown(self.connection.sock, socket.SHUT_RDWR)


class SilenceWatch:
    """Notices that a region which is being read no longer answers. Used by all threads of a run."""

    def __init__(self, declare_dead: Callable[[str], None], is_dead: Callable[[str], bool], silent_after: float = SILENT_AFTER) -> None:
        """`declare_dead` is told of a region whose calls have waited for `silent_after` seconds and whose probe got no answer."""
        self._declare_dead, self._is_dead, self._silent_after = declare_dead, is_dead, silent_after
        self._lock = threading.Lock()
        self._waiting: dict[str, set[Attempt]] = {}
        self._answered: dict[str, float] = {}
        self._probes: dict[str, Callable[[], bool]] = {}
        self._asked: dict[str, threading.Thread] = {}
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def expect(self, region: str, probe: Callable[[], bool]) -> None:
        """Watches a region from now on. `probe` asks it once, with short time-outs, and is true when it answers."""
        with self._lock:
            self._probes[region] = probe
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="silence", daemon=True)
                self._thread.start()

    @contextlib.contextmanager
    def waiting(self, region: str) -> Iterator[Attempt]:
        """An attempt of a call in a region, from its beginning to its end. Raises `TimedOut` where the region is dead."""
        attempt = Attempt()
        with self._lock:
            if self._is_dead(region):
                raise silence(region)
            self._waiting.setdefault(region, set()).add(attempt)
        try:
            yield attempt
        finally:
            with self._lock:
                self._waiting[region].discard(attempt)

    def answered(self, region: str) -> None:
        """Notes that a region has answered something."""
        self._answered[region] = time.monotonic()

    def close(self) -> None:
        """Ends the thread, after what is being asked."""
        self._over.set()
        for thread in filter(None, (self._thread, *self._asked.values())):
            thread.join()

    def _run(self) -> None:
        while not self._over.wait(self._silent_after / 8):
            for region in self._silent():
                self._asked[region] = threading.Thread(target=self._ask, args=(region,), name=f"probe of {region}", daemon=True)
                self._asked[region].start()

    def _silent(self) -> list[str]:
        """The regions in which a call waits, none has been answered lately, and none is being probed."""
        before = time.monotonic() - self._silent_after
        with self._lock:
            return [
                region
                for region in self._probes
                if not self._is_dead(region)
                and any(attempt.began < before for attempt in self._waiting.get(region, ()))
                and self._answered.get(region, 0.0) < before
                and not (region in self._asked and self._asked[region].is_alive())
            ]

    def _ask(self, region: str) -> None:
        """Probes a region; from one that does not answer, cuts off all calls that wait."""
        if self._probes[region]():
            self.answered(region)
            return
        with self._lock:
            if self._answered.get(region, 0.0) > time.monotonic() - self._silent_after:
                return
            self._declare_dead(region)
            waiting = set(self._waiting.get(region, ()))
        for attempt in waiting:
            attempt.cut_off()


def silence(region: str) -> TimedOut:
    """The one sentence for everything that is not read because its region is dead."""
    return TimedOut(f"region {region} does not answer: nothing more of it is read in this run; `exclude_regions` leaves it out for good")
