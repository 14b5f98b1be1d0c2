"""Attempts of a job's process to get out of its sandbox. Each returns what it got, and raises or returns nothing when it is refused."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import socket
import stat
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

from providers.hostile.config import HostileConfig

WORD = re.compile(rb"[\w-]{16,512}")
LARGEST = 4 * 1024 * 1024
"""Bytes that are read of one file."""


def open_the_database_socket(config: HostileConfig) -> str:
    """Speaks to the PostgreSQL socket in the folder `target`; refused when the server asks for a password."""
    code = _authentication(Path(config.target) / ".s.PGSQL.5432")
    if code == 0:
        return "the server trusts whoever comes"
    raise PermissionError(f"the server answers {code}")


def find_what_is_hidden(config: HostileConfig) -> str:
    """Looks for the word whose SHA-256 is `digest`, in environments, command lines, descriptors and files."""
    holders = [str(path) for path in _hiding_places() if holds(path, config.digest)]
    return f"it is in {holders}" if holders else ""


def holds(path: Path, digest: str) -> bool:
    """True when the file can be read and holds a word with that SHA-256."""
    with contextlib.suppress(OSError):
        return any(hashlib.sha256(word).hexdigest() == digest for word in WORD.findall(_read(path)))
    return False


def _authentication(path: Path) -> int:
    """The code of the server's first answer: 0 when it trusts the caller, 10 when it asks for a password by SCRAM."""
    body = struct.pack(">I", 196608) + b"user\0elder\0database\0elder\0\0"
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(path))
        connection.sendall(struct.pack(">I", len(body) + 4) + body)
        answer = connection.recv(9)
    return int(struct.unpack(">I", answer[5:9])[0]) if answer[:1] == b"R" else -1


def _hiding_places() -> Iterator[Path]:
    for process in Path("/proc").glob("[0-9]*"):
        yield from (process / "environ", process / "cmdline")
        with contextlib.suppress(OSError):
            yield from (process / "fd").iterdir()
    for folder in ("/tmp", "/run", "/dev/shm", "."):
        for root, _, files in os.walk(folder):
            yield from (Path(root) / name for name in files)


def _read(path: Path) -> bytes:
    """The beginning of a file; nothing of a pipe or a socket, which this process itself may use."""
    if not stat.S_ISREG(path.stat().st_mode):
        return b""
    with path.open("rb") as file:
        return file.read(LARGEST)


INTRUSIONS: dict[str, Callable[[HostileConfig], str]] = {
    attempt.__name__: attempt for attempt in (open_the_database_socket, find_what_is_hidden)
}
