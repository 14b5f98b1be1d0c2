"""A worker as a user starts it, and its processes as somebody with a signal in hand sees them."""

from __future__ import annotations

import contextlib
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import urllib3

ROOT = pathlib.Path(__file__).resolve().parents[2]
READY_TIMEOUT = 90.0
"""Seconds within which a worker has to be ready again, after whatever."""


class Worker:
    """``elder-worker run``, started again whenever it has ended, as an orchestrator would."""

    def __init__(self, folder: pathlib.Path, site: pathlib.Path, port: int, url: str, queues: str = "default", slots: int = 4) -> None:
        """`queues` are those that it serves, with commas; `slots` is the number of jobs that it runs at once."""
        self.folder, self.port = folder, port
        self.temporary, self.runtime = folder / "tmp", folder / "run"
        for path in (self.temporary, self.runtime):
            path.mkdir(parents=True)
        self.environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{site}{os.pathsep}{ROOT}",
            "TMPDIR": str(self.temporary),
            "XDG_RUNTIME_DIR": str(self.runtime),
            "DATABASE_URL": url,
            "HEALTH_CHECK_HOST": "127.0.0.1",
            "HEALTH_CHECK_PORT": str(port),
            "DISCOVERY_MAX_CONCURRENT": str(slots),
            "DISCOVERY_JOB_TIMEOUT": "180",
            "DISCOVERY_IDLE_TIMEOUT": "30",
            "DISCOVERY_KILL_GRACE": "1",
            "DISCOVERY_JOB_MEMORY_MB": "256",
            "LEASE_TTL": "10",
            "WORKER_QUEUES": queues,
        }
        self._http = urllib3.PoolManager(retries=False, timeout=3.0)
        self._lock = threading.Lock()
        self.starts = 0
        self.ends: list[int] = []
        """Exit codes of those that ended by themselves or were killed."""
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        self.starts += 1
        with (self.folder / "log").open("ab") as log:
            command = [sys.executable, "-m", "worker.cli", "run"]
            return subprocess.Popen(command, env=self.environ, cwd=self.folder, stdout=log, stderr=log, start_new_session=True)

    def has_started(self) -> set[int]:
        """The jobs of which its log says that it has started a run."""
        return {int(number) for number in re.findall(r"started job_id: (\d+)", (self.folder / "log").read_text(errors="replace"))}

    def revive(self) -> None:
        """Starts it again when it has ended."""
        with self._lock:
            code = self.process.poll()
            if code is not None:
                self.ends.append(code)
                self.process = self._start()

    def get(self, path: str) -> urllib3.BaseHTTPResponse | None:
        """An answer of the health endpoints, or None."""
        with contextlib.suppress(urllib3.exceptions.HTTPError):
            return self._http.request("GET", f"http://127.0.0.1:{self.port}{path}")
        return None

    def status(self) -> dict[str, Any]:
        """/status; empty when nobody answers."""
        answer = self.get("/status")
        return answer.json() if answer is not None and answer.status == 200 else {}

    def ready(self) -> bool:
        """Whether it says that it can work."""
        self.revive()
        answer = self.get("/readyz")
        return answer is not None and answer.status == 200

    def renewed(self, what: str, pid: int, killed_at: float) -> bool:
        """Whether another process does the work of the one that was killed, and says so itself."""
        self.revive()
        status = self.status()
        if what == "job":
            return bool(status) and pid not in [job["pid"] for job in status["jobs"]]
        service = status.get("services", {}).get("writer" if what == "supervisor" else what, {}).get("pid")
        fresh = what == "http" or status.get("database", {}).get("since", 0.0) > killed_at
        return service is not None and service != pid and fresh and status["status"] == "healthy"

    def await_ready(self, look: Callable[[], bool] | None = None, cap: float = READY_TIMEOUT) -> float:
        """Seconds until it is ready, or until `look` says so. Raises `TimeoutError`."""
        began = time.monotonic()
        while not (look or self.ready)():
            if time.monotonic() - began > cap:
                raise TimeoutError(f"the worker on port {self.port} is not ready after {cap:g} s: {self.status().get('error')}")
            time.sleep(0.05)
        return time.monotonic() - began

    def pick(self, what: str) -> int | None:
        """The process id of its supervisor, writer, http or one of its jobs; None when there is none, or nobody says."""
        if what == "supervisor":
            return self.process.pid
        status = self.status()
        if what == "job":
            jobs = [job["pid"] for job in status.get("jobs", ())]
            return random.choice([pid for job in jobs for pid in (job, *descendants(job))]) if jobs else None
        return status.get("services", {}).get(what, {}).get("pid")

    def reported_since(self, moment: float) -> bool:
        """True when the health endpoints know of a report of the writer after a moment on the monotonic clock."""
        age = self.status().get("report_age_seconds")
        return age is not None and time.monotonic() - age > moment

    def counted(self, name: str) -> dict[str, float]:
        """Series of one metric: its labels as written -> value."""
        answer = self.get("/metrics")
        text = answer.data.decode() if answer is not None else ""
        return {labels: float(value) for labels, value in re.findall(rf"^{name}(?:{{(.*)}})? (\S+)$", text, re.MULTILINE)}

    def stop(self) -> int:
        """As an operator would; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def left_files(self) -> list[str]:
        """In its temporary and runtime folders."""
        return [str(path) for folder in (self.temporary, self.runtime) for path in folder.rglob("*")]


def left_processes(folder: pathlib.Path) -> list[int]:
    """Processes whose environment names that folder, whoever's children they have become."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if str(folder).encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
    return found


def descendants(pid: int) -> list[int]:
    """Of a process, as the kernel lists them."""
    with contextlib.suppress(OSError):
        children = [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return [one for child in children for one in (child, *descendants(child))]
    return []
