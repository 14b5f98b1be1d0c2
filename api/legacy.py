"""``/run?legacy=true``: a job run beside the API, as by ``elder-worker run --once``, under the same supervisor as everywhere."""

from __future__ import annotations

import os
import subprocess
import threading

from api.context import Context
from api.errors import Unavailable
from worker.config.sealed import seal
from worker.service import command

_running: set[int] = set()
_lock = threading.Lock()


def start(context: Context, job: int) -> None:
    """Starts it. Raises `Unavailable` when as many as DISCOVERY_MAX_CONCURRENT are running beside this API already."""
    with _lock:
        if len(_running) >= context.settings.discovery_max_concurrent:
            raise Unavailable(f"{len(_running)} jobs are running beside the API, which is as many as may: use /queue")
        settings = seal(context.settings)
        try:
            words = command("worker.service", str(settings), str(job))
            child = subprocess.Popen(words, stdin=subprocess.DEVNULL, start_new_session=True, pass_fds=[settings])
        finally:
            os.close(settings)
        _running.add(child.pid)
    threading.Thread(target=_reap, args=[child], daemon=True, name=f"legacy run of job {job}").start()


def _reap(child: subprocess.Popen[bytes]) -> None:
    child.wait()
    with _lock:
        _running.discard(child.pid)
