"""What a part of the soak gives, and how long it may take."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple


class Row(NamedTuple):
    """One figure."""

    what: str
    measured: str
    bar: str
    held: bool
    timed: bool = False
    """Whether it says something about this machine and its other work too."""


class Allowance:
    """Time that a part may take; it ends early when that is over, and tells how far it came."""

    def __init__(self) -> None:
        self._end = float("inf")

    def grant(self, minutes: float | None) -> None:
        """From now on."""
        self._end = float("inf") if minutes is None else time.monotonic() + minutes * 60

    @property
    def over(self) -> bool:
        """Whether to come to an end."""
        return time.monotonic() >= self._end

    def numbers(self, count: int, step: int = 1) -> Iterator[int]:
        """0, `step`, ... below `count`; at least one."""
        for number in range(0, count, step):
            if number and self.over:
                return
            yield number


allowance = Allowance()
