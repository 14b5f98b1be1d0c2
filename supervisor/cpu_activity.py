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
"""Share of samples with a runnable thread from which on a tree counts as busy: on an overloaded machine it may get no CPU time."""


class CpuActivity:
    """The CPU use of one job's process tree."""

    def __init__(self) -> None:
        self.busy = False
        """True when the tree computed in the last whole window."""
        self._since, self._used = time.monotonic(), 0
        self._samples = self._runnable = 0

    def sample(self, leader: int, members: list[ProcessInfo], *, namespaced: bool) -> None:
        """Adds one sample of the tree; evaluates the window when it is over.

        `members` are the processes of the tree without the leader. The leader is the job itself, or, when the job is `namespaced`, the
        process that only waits for the job.
        """
        first = kernel.process_info(leader) or kernel.hidden_process(leader)
        tree = [first, *members] if first else members
        self._samples += 1
        self._runnable += any(kernel.runnable(process) for process in (members if namespaced else tree))
        now = time.monotonic()
        if now - self._since < WINDOW:
            return
        used = sum(process.cpu for process in tree)
        self.busy = used - self._used >= BUSY_SHARE * TICKS * (now - self._since) or self._runnable >= RUNNABLE_SHARE * self._samples
        self._since, self._used = now, used
        self._samples = self._runnable = 0
