"""What the container we run in allows: memory, and where there is tmpfs."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
UNLIMITED = 1 << 50
PREFIX = "elder-worker-"


def memory_limit_mb() -> int | None:
    """The container's limit, or None when there is none."""
    for path in LIMITS:
        try:
            text = Path(path).read_text().strip()
        except OSError:
            continue
        if text.isdigit() and int(text) < UNLIMITED:
            return int(text) >> 20
    return None


def can_write() -> bool:
    """Whether there is a folder for temporary files, as jobs need one."""
    try:
        return bool(tempfile.gettempdir())
    except FileNotFoundError:
        return False


def runtime_folder() -> str:
    """A new folder of ours alone, on tmpfs where there is one; those that killed workers have left there are removed.

    It is locked for as long as this process lives, also after an exec, and whatever nobody holds a lock on is nobody's.
    """
    places = (os.environ.get("XDG_RUNTIME_DIR"), "/dev/shm", tempfile.gettempdir())
    base = next((path for path in places if path and os.access(path, os.W_OK)), tempfile.gettempdir())
    for old in Path(base).glob(PREFIX + "*"):
        with contextlib.suppress(OSError), _locked(str(old)):  # another user's, in use, or gone meanwhile
            shutil.rmtree(old, ignore_errors=True)
    while True:
        folder = tempfile.mkdtemp(prefix=PREFIX, dir=base)
        with contextlib.suppress(OSError):  # one that starts just now took it for abandoned
            os.set_inheritable(_lock(folder), True)
            if Path(folder).exists():
                return folder


def _lock(folder: str) -> int:
    """A descriptor that holds it. Raises `OSError` when somebody else's does."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        raise
    return fd


@contextlib.contextmanager
def _locked(folder: str) -> Iterator[None]:
    fd = _lock(folder)
    try:
        yield
    finally:
        os.close(fd)
