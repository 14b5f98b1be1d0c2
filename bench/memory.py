"""Memory of supervisor and writer while a job streams ten thousand, a hundred thousand and a million resources through them."""

from __future__ import annotations

import contextlib
import pathlib
import tempfile
import threading

from waiting import until
from workbench import Workbench

from bench.processes import pss, tree
from worker.local.postgres import running
from worker.store.migrate import migrate

SIZES = (10_000, 100_000, 1_000_000)


class Peak(threading.Thread):
    """The highest PSS of the processes that a function names, looked at every 50 ms."""

    def __init__(self, pids) -> None:
        super().__init__(daemon=True)
        self._pids, self._over, self.bytes = pids, threading.Event(), 0

    def run(self) -> None:
        """Until `stop`."""
        while not self._over.wait(0.05):
            with contextlib.suppress(OSError):
                self.bytes = max(self.bytes, sum(pss(pid) for pid in self._pids()))

    def stop(self) -> int:
        """The peak, in bytes."""
        self._over.set()
        self.join()
        return self.bytes


def measure() -> list[tuple[str, str, str, str]]:
    """First run and identical second run of each size, each by a new worker."""
    rows = {}
    with tempfile.TemporaryDirectory() as folder, running(pathlib.Path(folder) / "postgres") as server:
        migrate(server.url())
        workbench = Workbench(server.url(), pathlib.Path(folder))
        for size in SIZES:
            workbench.sql.execute("truncate entities, dependencies cascade")
            job = workbench.job(resources=size, account=str(size), size=200)
            workbench.sql.execute("update discovery_jobs set next_run_at = null")
            rows[size] = [_peak(workbench, job, count) for count in (1, 2)]
        workbench.sql.close()
    return [
        (
            f"supervisor + writer, {which} run of {', '.join(f'{size:,}' for size in SIZES)}",
            " / ".join(f"{rows[size][number] / 2**20:.0f} MB" for size in SIZES),
            "flat (+- 10 %)",
            "",
        )
        for number, which in enumerate(("first", "identical second"))
    ]


def _peak(workbench, job: int, count: int) -> int:
    worker = workbench.worker(discovery_job_timeout=3600)
    peak = Peak(lambda: tree(worker.process.pid)[:2])
    peak.start()
    try:
        workbench.queue(job)
        until(lambda: len(workbench.runs(job)) >= count, f"run {count} of job {job}", cap=1800)
    finally:
        found = peak.stop()
        worker.stop()
    return found


if __name__ == "__main__":
    for row in measure():
        print(row)
