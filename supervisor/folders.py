"""The jobs' temporary folders: one for each, under one of this supervisor's own, removed by a thread, as that may take long.

A supervisor that is killed leaves its own behind. It held a lock on it, which the kernel has let go: the next start removes it.
"""

from __future__ import annotations

import collections
import contextlib
import fcntl
import os
import queue
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from supervisor.errors import SpawnError

PREFIX = "elder-jobs-"


def hold(place: Path) -> tuple[Path, int]:
    """A new folder there, and the descriptor whose lock says that it is ours while we live. Raises `OSError`."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
        with contextlib.suppress(FileNotFoundError):  # another's start took it for abandoned before it was locked
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if folder.exists():
                return folder, lock
            os.close(lock)


def remove_abandoned(place: Path, remove: Callable[[Path], None]) -> None:
    """Calls `remove` for each folder there that nobody holds any more."""
    for folder in place.glob(PREFIX + "*"):
        with contextlib.suppress(OSError):  # another user's, another's, or gone meanwhile
            fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove(folder)
            finally:
                os.close(fd)


def remove(folder: str | Path) -> None:
    """All of it, however deep it is nested: what lies in a folder of its comes up beside that, a level at a time.

    `shutil.rmtree` goes down by recursion, and whoever filled the folder may have gone deeper than Python can follow, or locked it behind
    him. What cannot be removed stays.
    """
    left = collections.deque([os.fspath(folder)])
    while left:
        with contextlib.suppress(OSError):
            left += _emptied(left[0], os.fspath(folder))
        with contextlib.suppress(OSError):
            os.rmdir(left.popleft())


def _emptied(folder: str, top: str) -> list[str]:
    """Removes its files; where its folders are now, beside the topmost one."""
    os.chmod(folder, 0o700)
    moved = []
    with os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    os.chmod(entry.path, 0o700)  # a folder without rights for its owner cannot be moved either
                    os.rename(entry.path, up := f"{top}.{os.urandom(8).hex()}")
                    moved.append(up)
                else:
                    os.unlink(entry.path)
    return moved


class Folders:
    """Makes and discards."""

    def __init__(self) -> None:
        place = Path(tempfile.gettempdir())
        remove_abandoned(place, remove)
        self._base, self._lock = hold(place)
        self._discarded: queue.SimpleQueue[tuple[str, Callable[[], None]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._discard, name="folders", daemon=True)
        self._thread.start()

    def make(self) -> str:
        """A new one. Raises `SpawnError`."""
        try:
            return tempfile.mkdtemp(dir=self._base)
        except OSError as error:
            raise SpawnError(f"a job needs a temporary folder under {self._base}: {error.strerror}") from error

    def discard(self, folder: str, also: Callable[[], None] = lambda: None) -> None:
        """Removes it, soon, and calls what else may take long."""
        self._discarded.put((folder, also))

    def close(self, patience: float = 5.0) -> None:
        """Removes what is left; gives up after so many seconds, as the next start will do it."""
        self._discarded.put(None)
        self._thread.join(patience)
        os.close(self._lock)

    def _discard(self) -> None:
        while discarded := self._discarded.get():
            folder, also = discarded
            remove(folder)
            also()
        remove(self._base)
