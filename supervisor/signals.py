"""Signals as events of the loop: the handlers do nothing, the loop makes the calls."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Mapping
from types import FrameType

from supervisor.loop import Loop


class Signals:
    """A context in which the given signals make calls from the loop."""

    def __init__(self, loop: Loop, calls: Mapping[signal.Signals, Callable[[], None]]) -> None:
        self._loop, self._calls = loop, calls
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> None:
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._wakeup = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        for number in self._calls:
            self._before[number] = signal.signal(number, _ignore)
        self._loop.watch(self._read, self._deliver)

    def __exit__(self, *_: object) -> None:
        self._loop.forget(self._read)
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        signal.set_wakeup_fd(self._wakeup)
        os.close(self._read)
        os.close(self._write)

    def _deliver(self) -> None:
        with contextlib.suppress(BlockingIOError):
            for number in dict.fromkeys(os.read(self._read, 4096)):
                call = self._calls.get(signal.Signals(number))
                if call is not None:
                    call()


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Does nothing: the signal's number is in the wake-up descriptor."""
