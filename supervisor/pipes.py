"""The pipes of a job: start, control, data, and what it prints."""

from __future__ import annotations

import os
from collections.abc import Mapping

from supervisor.errors import SpawnError

PIPES = {"start": True, "control": False, "data": False, "stdout": False, "stderr": False}
"""Name of the pipe -> whether the job has its read end."""


def make() -> tuple[dict[str, int], dict[str, int]]:
    """Makes all pipes, or none: the supervisor's ends and the job's. `copy` is the writer's end of the data pipe. Raises `SpawnError`."""
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
    """Closes all of the ends."""
    for end in ends.values():
        os.close(end)
