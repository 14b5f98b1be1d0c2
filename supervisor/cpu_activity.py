"""Whether a job computes: a process that holds the GIL in a long call can report nothing, and is yet at work."""

from __future__ import annotations

import time

from supervisor import kernel
from supervisor.kernel import TICKS, Member

WINDOW = 1.0
"""Seconds over which the use of the CPU is measured."""

SHARE = 0.03
"""Of one core, from which on a tree is at work. One that waits for an answer that never comes uses none."""

RUNNABLE = 0.5
"""Share of looks at which one of it wanted a core: on a machine that gives it none, it is at work too."""


class Effort:
    """The CPU time of one job's tree."""

    def __init__(self) -> None:
        self.working = False
        """Whether it computed in the last whole window."""
        self._since, self._used = time.monotonic(), 0
        self._looks = self._runnable = 0

    def take(self, leader: int, members: list[Member]) -> None:
        """One look at the tree."""
        self._looks += 1
        self._runnable += any(member.state == "R" for member in members)
        now = time.monotonic()
        if now - self._since < WINDOW:
            return
        first = kernel.member(leader)
        used = sum(member.cpu for member in members) + (first.cpu if first else 0)
        self.working = used - self._used >= SHARE * TICKS * (now - self._since) or self._runnable >= RUNNABLE * self._looks
        self._since, self._used = now, used
        self._looks = self._runnable = 0
