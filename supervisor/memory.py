"""What a job's tree weighs, how it came to that, and when it is too much."""

from __future__ import annotations

import collections
import time

from supervisor import kernel
from supervisor.kernel import Member

MB = 1024 * 1024

SAMPLE = 0.5
"""Seconds between two weights that are remembered."""

REMEMBERED = 120
TREND = 2.0
"""Seconds from which on growth is called a trend, and told."""


class Memory:
    """The scales of one job. Sizes in bytes."""

    def __init__(self, cap_mb: int) -> None:
        self.cap_mb = cap_mb
        self.now = self.peak = 0
        self._samples: collections.deque[tuple[float, int]] = collections.deque(maxlen=REMEMBERED)

    def weigh(self, leader: int, members: list[Member], *, namespaced: bool) -> bool:
        """Weighs the tree; whether it is over the cap."""
        self.now = _weight(leader, members, namespaced=namespaced)
        self.peak = max(self.peak, self.now)
        at = time.monotonic()
        if not self._samples or at - self._samples[-1][0] >= SAMPLE:
            self._samples.append((at, self.now))
        return self.now > self.cap_mb * MB

    def sentence(self) -> str:
        """What is to be said when it is over the cap: a leak shows as a trend, a burst does not."""
        told = f"the job and its children used {self.now // MB} MB, over their cap of {self.cap_mb} MB"
        began, weight = self._samples[0] if self._samples else (time.monotonic(), 0)
        seconds = time.monotonic() - began
        if seconds < TREND:
            return told
        return f"{told}, after growing by {(self.now - weight) / MB / seconds:.1f} MB/s for {seconds:.0f} s"


def _weight(leader: int, members: list[Member], *, namespaced: bool) -> int:
    sizes = {member: kernel.resident_bytes(member.pid) for member in members}
    if not namespaced:
        return kernel.resident_bytes(leader) + sum(sizes.values())
    beside = [sizes.pop(member) for member in members if member.parent == leader]
    return max(beside, default=0) + sum(sizes.values())  # the holder and the init have but pages that they share with the job
