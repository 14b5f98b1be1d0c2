"""The memory use of a job's process tree: its size, its growth, and whether it is over the cap."""

from __future__ import annotations

import collections
import time

from supervisor import kernel
from supervisor.kernel import ProcessInfo

MB = 1024 * 1024

SAMPLE_EVERY = 0.5
"""Seconds between two samples that are kept."""

MAX_SAMPLES = 120
TREND = 2.0
"""Seconds of growth from which on the rate is stated."""


class Memory:
    """The memory of one job's process tree, in bytes."""

    def __init__(self, cap_mb: int) -> None:
        self.cap_mb = cap_mb
        self.now = self.peak = 0
        self._samples: collections.deque[tuple[float, int]] = collections.deque(maxlen=MAX_SAMPLES)

    def measure(self, leader: int, members: list[ProcessInfo], *, namespaced: bool) -> bool:
        """Measures the tree; true when it is over the cap."""
        self.now = _tree_size(leader, members, namespaced=namespaced)
        self.peak = max(self.peak, self.now)
        at = time.monotonic()
        if not self._samples or at - self._samples[-1][0] >= SAMPLE_EVERY:
            self._samples.append((at, self.now))
        return self.now > self.cap_mb * MB

    def sentence(self) -> str:
        """States that the tree is over the cap, and how fast it grew unless that was a burst."""
        sentence = f"the job and its children used {self.now // MB} MB, over their cap of {self.cap_mb} MB"
        since, size = self._samples[0] if self._samples else (time.monotonic(), 0)
        seconds = time.monotonic() - since
        if seconds < TREND:
            return sentence
        return f"{sentence}, after growing by {(self.now - size) / MB / seconds:.1f} MB/s for {seconds:.0f} s"


def _tree_size(leader: int, members: list[ProcessInfo], *, namespaced: bool) -> int:
    sizes = {member: kernel.resident_bytes(member.pid) for member in members}
    if not namespaced:
        return kernel.resident_bytes(leader) + sum(sizes.values())
    beside = [sizes.pop(member) for member in members if member.parent == leader]
    return max(beside, default=0) + sum(sizes.values())  # holder and init only share pages with the job
