"""The limits of the container: memory, and whether there is a folder for temporary files."""

from __future__ import annotations

import tempfile
from pathlib import Path

LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
RESERVE_MB = 160
"""For supervisor, writer and http together, with room to breathe."""

DEFAULT_JOB_MB = 512
LEAST_JOB_MB = 64
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


def job_memory(wanted: int | None, slots: int, limit: int | None) -> tuple[int, int | None]:
    """(cap of one job, budget of all) in MB. A cap must bite below the container's limit, or the kernel ends the whole container."""
    if limit is None:
        return wanted or DEFAULT_JOB_MB, None
    budget = max(LEAST_JOB_MB, limit - RESERVE_MB)
    share = max(LEAST_JOB_MB, budget // max(1, slots))
    return min(wanted or min(DEFAULT_JOB_MB, share), budget), budget


def can_write() -> bool:
    """Whether there is a folder for temporary files, as jobs need one."""
    try:
        return bool(tempfile.gettempdir())
    except FileNotFoundError:
        return False
