"""What is fetched or unpacked once and kept in .cache, for test processes side by side."""

from __future__ import annotations

import contextlib
import fcntl
import pathlib
from collections.abc import Iterator

CACHE = pathlib.Path(__file__).resolve().parents[2] / ".cache"


@contextlib.contextmanager
def alone(folder: pathlib.Path) -> Iterator[None]:
    """One process at a time fills the folder, which is made; who comes later finds what is there."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
