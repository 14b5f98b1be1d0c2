"""Watches whether a job computes. A process that holds the GIL in a long call can report no progress, and is not idle."""

from __future__ import annotations

import time

from supervisor import kernel
from supervisor.kernel import TICKS, ProcessInfo

WINDOW = 1.0
"""Seconds over which the use of the CPU is measured."""

BUSY_SHARE = 0.03
"""Share of one core from which on a tree counts as busy. A tree that waits for an answer uses less."""

RUNNABLE_SHARE = 0.5
"""Share of samples with a runnable process from which on a tree counts as busy: on an overloaded machine it may get no CPU time."""


class CpuActivity:
    """The CPU use of one job's process tree."""

    def __init__(self) -> None:
        self.busy = False
        """True when the tree computed in the last whole window."""
        self._since, self._used = time.monotonic(), 0
        self._samples = self._runnable = 0

    def sample(self, leader: int, members: list[ProcessInfo]) -> None:
        """Adds one sample of the tree; evaluates the window when it is over."""
        self._samples += 1
        self._runnable += any(member.state == "R" for member in members)
        now = time.monotonic()
        if now - self._since < WINDOW:
            return
        first = kernel.process_info(leader) or kernel.hidden_process(leader)
        used = sum(member.cpu for member in members) + (first.cpu if first else 0)
        self.busy = used - self._used >= BUSY_SHARE * TICKS * (now - self._since) or self._runnable >= RUNNABLE_SHARE * self._samples
        self._since, self._used = now, used
        self._samples = self._runnable = 0
