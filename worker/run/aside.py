"""Work in a thread of its own, one piece at a time: a run reads and compares on while PostgreSQL stores what came before."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

ResultT = TypeVar("ResultT")


class Aside(Generic[ResultT]):
    """Does one piece of work at a time beside its caller. Used by one thread."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._thread: threading.Thread | None = None
        self._result: ResultT | None = None
        self._error: BaseException | None = None

    @property
    def idle(self) -> bool:
        """True when no work is under way."""
        return self._thread is None or not self._thread.is_alive()

    def start(self, work: Callable[[], ResultT]) -> None:
        """Starts the work; the one before has been waited for. Where no thread can be started, does it here."""
        thread = threading.Thread(target=self._do, args=(work,), name=self._name, daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the limit of processes is reached
            self._do(work)
        else:
            self._thread = thread

    def _do(self, work: Callable[[], ResultT]) -> None:
        try:
            self._result = work()
        except BaseException as error:  # noqa: BLE001 - edge of the thread: raised by `wait`
            self._error = error

    def wait(self) -> ResultT | None:
        """Waits for the work; returns its result once, None when there is none. Raises its error once."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        result, error = self._result, self._error
        self._result = self._error = None
        if error is not None:
            raise error
        return result
