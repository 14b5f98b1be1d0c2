"""Whole workers to which the kernel refuses processes: others get the jobs, nothing is lost, and the worker says so."""

from __future__ import annotations

import os

import pytest
from driver import descendants
from process_limit import process_limit
from waiting import until

from worker.health.state import unhealthy, unready


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make control groups")
def test_case_eng_4_a_worker_at_its_process_limit_leaves_the_jobs_to_others(workbench):
    """It claims at most once before it knows, is alive and not ready, and takes jobs again when the limit is lifted."""
    limited = workbench.worker(options={"control_groups": False})
    until(lambda: limited.report().get("database", {}).get("state") == "up", "it is connected")
    with process_limit(limited.process.pid, *descendants(limited.process.pid)) as limit:
        limit.spare(1)  # one more thread or process: less than a job needs
        other = workbench.worker()
        until(lambda: other.report().get("database", {}).get("state") == "up", "the other one is connected")
        jobs = [workbench.job(resources=3) for _ in range(4)]
        for job in jobs:
            assert workbench.ended(job)["status"] == "completed"
        returned = limited.log.read_text().count("is returned to the queue")
        assert returned <= 4, "claims that came in one answer, and no more"
        if returned:
            state = until(lambda: (s := limited.state()) and s["spawn_problem"] and s, "it says so")
            assert unhealthy(state) == ""
            assert unready(state).startswith("the worker cannot start processes: ")
        other.stop()
        limit.lift()
        until(lambda: not limited.state()["spawn_problem"], "the limit is noticed to be gone")
        assert workbench.ended(workbench.job(resources=3))["status"] == "completed"
    assert workbench.one("select count(*) from discovery_history where status <> 'completed'") == 0
    assert workbench.one("select count(*) from discovery_jobs where status = 'parked'") == 0
