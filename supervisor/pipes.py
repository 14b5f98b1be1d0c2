"""The pipes of a job: start, control, data, and what it prints."""

from __future__ import annotations

import os
from collections.abc import Mapping

from supervisor.errors import SpawnError

PIPES = {"start": True, "control": False, "data": False, "stdout": False, "stderr": False}
"""Name -> whether the job reads it."""


def make() -> tuple[dict[str, int], dict[str, int]]:
    """All of them, or none: our ends and the job's. `copy` is the writer's of our end of the data pipe."""
    ours: dict[str, int] = {}
    theirs: dict[str, int] = {}
    try:
        for name, job_reads in PIPES.items():
            read, write = os.pipe()
            theirs[name], ours[name] = (read, write) if job_reads else (write, read)
        ours["copy"] = os.dup(ours["data"])
    except OSError as error:
        close(ours)
        close(theirs)
        raise SpawnError(f"a process could not be started: {error.strerror}") from error
    return ours, theirs


def close(ends: Mapping[str, int]) -> None:
    """All of them."""
    for end in ends.values():
        os.close(end)
