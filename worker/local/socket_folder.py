"""The folder of the embedded server's socket: a short path of its own under the folder for temporary files, removed when it is left behind.

The process that made a folder holds a lock on it, which the kernel lets go however that process ends. A later start removes the folders
that nobody holds and in which no server listens.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

PREFIX = "elder-postgres-"
NAME = ".s.PGSQL.5432"


class SocketFolder:
    """A new folder for one server. A socket's path may have 107 bytes, and a data folder may be deep."""

    def __init__(self) -> None:
        """Makes the folder, and holds it."""
        self.path, self._held = _made()

    def close(self) -> None:
        """Removes the folder; a second time it does nothing."""
        if self._held >= 0:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._held)
            self._held = -1


def _made() -> tuple[Path, int]:
    """A folder and the descriptor that holds it; a second one if a start has removed the first before it was held."""
    path = Path(tempfile.mkdtemp(prefix=PREFIX))
    with contextlib.suppress(FileNotFoundError):
        held = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(held, fcntl.LOCK_EX)
        if os.fstat(held).st_nlink:
            return path, held
        os.close(held)
    return _made()


def remove_left() -> None:
    """Removes the folders of this user whose process has ended and whose server does not listen any more."""
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError), _unheld(path):
            if not _listens(path / NAME):
                shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def _unheld(path: Path) -> Iterator[None]:
    """Holds a folder of this user that nobody else holds. Raises `OSError` for any other."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(folder).st_uid != os.geteuid():
            raise PermissionError(path)
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(folder)


def _listens(path: Path) -> bool:
    """True where a server takes connections, or may: only a refusal, or no socket at all, says that there is none."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1.0)
        try:
            connection.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            return True
    return True
