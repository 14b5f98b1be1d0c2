"""The jobs' temporary folders: one for each, under one of this supervisor's own, removed by a thread, as that may take long.

A supervisor that is killed leaves its own behind. It held a lock on it, which the kernel has let go: the next start removes it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import queue
import shutil
import tempfile
import threading
from pathlib import Path

from supervisor.errors import SpawnError

PREFIX = "elder-jobs-"


class Folders:
    """Makes and discards."""

    def __init__(self) -> None:
        _remove_abandoned(Path(tempfile.gettempdir()))
        self._base = tempfile.mkdtemp(prefix=PREFIX)
        self._lock = os.open(self._base, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._discarded: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._discard, name="folders", daemon=True)
        self._thread.start()

    def make(self) -> str:
        """A new one. Raises `SpawnError`."""
        try:
            return tempfile.mkdtemp(dir=self._base)
        except OSError as error:
            raise SpawnError(f"a job needs a temporary folder under {self._base}: {error.strerror}") from error

    def discard(self, folder: str) -> None:
        """Removes it, soon."""
        self._discarded.put(folder)

    def close(self, patience: float = 5.0) -> None:
        """Removes what is left; gives up after so many seconds, as the next start will do it."""
        self._discarded.put(None)
        self._thread.join(patience)
        os.close(self._lock)

    def _discard(self) -> None:
        while folder := self._discarded.get():
            shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(self._base, ignore_errors=True)


def _remove_abandoned(folder: Path) -> None:
    for old in folder.glob(PREFIX + "*"):
        with contextlib.suppress(OSError):  # another user's, or gone meanwhile
            fd = os.open(old, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(old, ignore_errors=True)
            finally:
                os.close(fd)
