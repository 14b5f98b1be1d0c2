"""The limits of the container: memory, and whether there is a folder for temporary files."""

from __future__ import annotations

import tempfile
from pathlib import Path

LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
UNLIMITED = 1 << 50


def memory_limit_mb() -> int | None:
    """The memory limit of the container, or None without one."""
    for path in LIMITS:
        try:
            text = Path(path).read_text().strip()
        except OSError:
            continue
        if text.isdigit() and int(text) < UNLIMITED:
            return int(text) >> 20
    return None


def can_write() -> bool:
    """True when a folder for temporary files can be written; jobs need one."""
    try:
        return bool(tempfile.gettempdir())
    except FileNotFoundError:
        return False
