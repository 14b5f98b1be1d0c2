"""``/run?legacy=true``: a job run beside the API, by ``elder-worker run --once``, under the same supervisor as everywhere."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

from api.context import Context
from api.errors import Unavailable

_running: set[int] = set()
_lock = threading.Lock()


def start(context: Context, job: int) -> None:
    """Starts it. Raises `Unavailable` when as many as DISCOVERY_MAX_CONCURRENT are running beside this API already."""
    with _lock:
        if len(_running) >= context.settings.discovery_max_concurrent:
            raise Unavailable(f"{len(_running)} jobs are running beside the API, which is as many as may: use /queue")
        command = [sys.executable, "-m", "worker.cli", "run", "--once", "--job", str(job)]
        child = subprocess.Popen(command, env=dict(os.environ), stdin=subprocess.DEVNULL, start_new_session=True)
        _running.add(child.pid)
    threading.Thread(target=_reap, args=[child], daemon=True, name=f"legacy run of job {job}").start()


def _reap(child: subprocess.Popen[bytes]) -> None:
    child.wait()
    with _lock:
        _running.discard(child.pid)
