"""A web worker's sign of life for its master, in a file that is in memory only: gunicorn's own needs a folder that can be written."""

from __future__ import annotations

import os

from gunicorn.config import Config
from gunicorn.workers import base
from gunicorn.workers.workertmp import WorkerTmp


class Heartbeat(WorkerTmp):  # type: ignore[misc]
    """Its time of change says when the worker was alive last; the master and the worker share the descriptor."""

    def __init__(self, _settings: Config) -> None:
        self._tmp = os.fdopen(os.memfd_create("heartbeat"), "w+b", 0)


def keep_in_memory() -> None:
    """Makes the workers of this process use it. gunicorn has no setting for the class."""
    base.WorkerTmp = Heartbeat
