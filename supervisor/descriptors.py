"""The limit of open files (``ulimit -n``): raised as far as permitted, and compared with what the jobs need."""

from __future__ import annotations

import resource

OWN = 64
"""Descriptors of the supervisor itself, with room for a survey of the processes."""

PER_JOB = 16
"""Descriptors that one job takes in the supervisor, at its start twice as many as later."""

ENOUGH = 65536


def raise_limit() -> int:
    """Raises the soft limit as far as `ENOUGH` or the hard limit; returns the limit in force."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = max(soft, min(hard, ENOUGH))
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    return limit


def shortage(limit: int, jobs: int) -> str:
    """A sentence when `limit` is too low for so many jobs; else empty."""
    wanted = OWN + PER_JOB * jobs
    if limit >= wanted:
        return ""
    return f"the limit of open files is {limit}, and {jobs} jobs at once may need {wanted}: raise it with `ulimit -n` or run fewer jobs"
