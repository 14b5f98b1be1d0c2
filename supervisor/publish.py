"""The published state: one JSON file, replaced atomically, so that a reader sees either the old whole or the new whole."""

from __future__ import annotations

import contextlib
import os
import tempfile

import msgspec


def publish(path: str, state: object) -> None:
    """Replaces the file at `path`. Raises `OSError`."""
    data = msgspec.json.encode(state)
    fd, temporary = tempfile.mkstemp(prefix=".state-", dir=os.path.dirname(path))
    try:
        with open(fd, "wb") as file:
            file.write(data)
            os.fchmod(fd, 0o644)
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
