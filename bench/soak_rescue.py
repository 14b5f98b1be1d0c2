"""The part of ``make soak`` about the loss of a whole worker: how long its job waits for another one, with the lease that is usual."""

from __future__ import annotations

import pathlib
import random
import tempfile
import time

from waiting import until
from workbench import Elder

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
        elder = Elder(server.url(), pathlib.Path(folder))
        for _ in allowance.numbers(count):
            lost = elder.worker()
            job = elder.job(behaviour="sleep")
            until(lambda job=job: _runs(elder, job) == 1, "it is claimed")
            waiting = elder.worker()
            again = time.monotonic() + random.uniform(0, 10)
            until(lambda again=again: time.monotonic() >= again, "a moment of its lease")
            lost.kill()
            began = time.monotonic()
            until(lambda job=job: _runs(elder, job) == 2, "somebody else has it", cap=120, pause=0.05)
            waited.append(time.monotonic() - began)
            waiting.kill()
            elder.sql.execute("update discovery_jobs set enabled = false, next_run_at = null")
        elder.sql.close()
    told = f"{len(waited)} times: {min(waited):.1f} to {max(waited):.1f} s"
    return [Row("worker killed -> its job claimed elsewhere, LEASE_TTL=30", told, f"<= {BAR:g} s", max(waited) <= BAR)]


def _runs(elder, job: int) -> int:
    count: int = elder.one("select count(*) from discovery_history where job_id = %s", job)
    return count
