"""The part of ``make soak`` about the loss of a whole worker: how long its job waits for another one, with the lease that is usual."""

from __future__ import annotations

import pathlib
import random
import tempfile
import time

from waiting import until
from workbench import Workbench

from bench.part import Row, allowance
from worker.local.postgres import running
from worker.store.migrate import migrate

BAR = 45.0


def rescue(count: int) -> list[Row]:
    """E9: SIGKILL for a worker whose job is at work, at a random moment of its lease; another worker has been waiting."""
    random.seed(9)
    waited = []
    with tempfile.TemporaryDirectory() as folder, running(pathlib.Path(folder) / "postgres") as server:
        migrate(server.url())
        workbench = Workbench(server.url(), pathlib.Path(folder))
        for _ in allowance.numbers(count):
            lost = workbench.worker()
            job = workbench.job(behaviour="sleep")
            until(lambda job=job: _runs(workbench, job) == 1, "it is claimed")
            waiting = workbench.worker()
            again = time.monotonic() + random.uniform(0, 10)
            until(lambda again=again: time.monotonic() >= again, "a moment of its lease")
            lost.kill()
            began = time.monotonic()
            until(lambda job=job: _runs(workbench, job) == 2, "somebody else has it", cap=120, pause=0.05)
            waited.append(time.monotonic() - began)
            waiting.kill()
            workbench.sql.execute("update discovery_jobs set enabled = false, next_run_at = null")
        workbench.sql.close()
    shown = f"{len(waited)} times: {min(waited):.1f} to {max(waited):.1f} s"
    return [Row("worker killed -> its job claimed elsewhere, LEASE_TTL=30", shown, f"<= {BAR:g} s", max(waited) <= BAR)]


def _runs(workbench, job: int) -> int:
    count: int = workbench.one("select count(*) from discovery_history where job_id = %s", job)
    return count
