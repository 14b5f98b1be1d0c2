"""The jobs' temporary folders, below one folder of this supervisor. A thread removes them, because that may take long.

A supervisor that is killed leaves its folder behind. The kernel releases the lock on it, and the next start removes it.

Landlock does not keep a job from changing the permissions of what its user owns, such as the folder of all jobs. They are given back.
"""

from __future__ import annotations

import collections
import contextlib
import fcntl
import os
import queue
import stat
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from supervisor.errors import SpawnError

PREFIX = "elder-jobs-"

MIN_FREE = 1024 * 1024
"""Bytes that must be free for a job to be started: an SDK writes certificates and caches there."""


def settle_temporary_folder() -> None:
    """Names the folder that is meant for temporary files while none can be written, as on a full disk; jobs are refused until it can be.

    To be called before `supervisor.supervisor` is imported: dill asks for the folder then.
    """
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        tempfile.tempdir = os.environ.get("TMPDIR") or "/tmp"  # noqa: S108 - tempfile's own first choice; `Folders.make` tells what it lacks


def make_locked(parent: Path) -> tuple[Path, int]:
    """Makes a folder, and a descriptor whose lock marks it as in use while this process lives. Raises `OSError`."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        with contextlib.suppress(FileNotFoundError):  # another supervisor's start removed it before it was locked
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if folder.exists():
                return folder, lock
            os.close(lock)


def remove_abandoned(parent: Path, remove: Callable[[Path], None]) -> None:
    """Calls `remove` for each folder in `parent` that this process's user owns and no process has locked. No link is followed."""
    for folder in parent.glob(PREFIX + "*"):
        with contextlib.suppress(OSError):  # locked, or removed meanwhile
            found = folder.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
                continue
            if not found.st_mode & stat.S_IRUSR:
                os.chmod(folder, 0o700)
            fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove(folder)
            finally:
                os.close(fd)


def remove(folder: str | Path) -> None:
    """Removes a folder tree of any depth, one level at a time: subfolders are moved up beside the topmost folder first.

    `shutil.rmtree` recurses, and a job may have nested folders deeper than Python can follow, or have removed its own permissions. What
    cannot be removed stays.
    """
    left = collections.deque([os.fspath(folder)])
    while left:
        with contextlib.suppress(OSError):
            left += _empty(left[0], os.fspath(folder))
        with contextlib.suppress(OSError):
            os.rmdir(left.popleft())


def _empty(folder: str, top: str) -> list[str]:
    """Removes the files of a folder; returns the new paths of its subfolders, beside the topmost folder."""
    os.chmod(folder, 0o700)
    moved = []
    with os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    os.chmod(entry.path, 0o700)  # a folder without permissions for its owner cannot be moved either
                    os.rename(entry.path, up := f"{top}.{os.urandom(8).hex()}")
                    moved.append(up)
                else:
                    os.unlink(entry.path)
    return moved


class Folders:
    """Makes the folders of jobs and removes them."""

    def __init__(self) -> None:
        self._base: Path | None = None
        self._lock, self._above = -1, 0
        with contextlib.suppress(OSError):  # `make` says so, and tries again
            self._base, self._lock = self._make_base()
        self._discarded: queue.SimpleQueue[tuple[str, Callable[[], None]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._remove_discarded, name="folders", daemon=True)
        self._thread.start()

    def make(self) -> str:
        """Makes a folder. Raises `SpawnError` when the temporary folder is missing, read-only or full."""
        try:
            if self._base is None:
                self._base, self._lock = self._make_base()
            self._restore()
            space = os.statvfs(self._base)
            if space.f_blocks and space.f_bavail * space.f_frsize < MIN_FREE:
                raise SpawnError(f"a job needs a temporary folder, and {self._base.parent} is full: free some space there or set TMPDIR")
            return tempfile.mkdtemp(dir=self._base)
        except OSError as error:
            where = self._base.parent if self._base else "TMPDIR, /tmp or /var/tmp"
            raise SpawnError(f"a job needs a temporary folder under {where}: {error.strerror or error}") from error

    def _make_base(self) -> tuple[Path, int]:
        parent = Path(tempfile.gettempdir())
        self._above = stat.S_IMODE(parent.stat().st_mode)
        remove_abandoned(parent, remove)
        return make_locked(parent)

    def _restore(self) -> None:
        """Gives the folder of all jobs its permissions back, and the one above it, which may belong to the jobs' user too."""
        if self._base is None:
            return
        os.fchmod(self._lock, 0o700)
        try:
            self._base.stat()
        except PermissionError:
            os.chmod(self._base.parent, self._above)

    def discard(self, folder: str, also: Callable[[], None] = lambda: None) -> None:
        """Removes a folder soon, in the thread, and then calls `also` there."""
        self._discarded.put((folder, also))

    def close(self, timeout: float = 5.0) -> None:
        """Removes the remaining folders; gives up after `timeout` seconds, as the next start removes them."""
        self._discarded.put(None)
        self._thread.join(timeout)
        if self._base is not None:
            os.close(self._lock)

    def _remove_discarded(self) -> None:
        while discarded := self._discarded.get():
            folder, also = discarded
            self._remove(folder)
            also()
        if self._base is not None:
            self._remove(self._base)

    def _remove(self, folder: str | Path) -> None:
        with contextlib.suppress(OSError):  # the folder above is another user's, or gone: the next start removes what is left
            self._restore()
        remove(folder)
