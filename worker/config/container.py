"""The limits of the container: memory, and whether there is a folder for temporary files."""

from __future__ import annotations

import tempfile
from pathlib import Path

LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
UNLIMITED = 1 << 50


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
