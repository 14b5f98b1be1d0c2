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
    """It claims once before it knows, is alive and not ready; the other one gets all jobs; it takes jobs again when the limit is lifted."""
    limited = workbench.worker(options={"control_groups": False})
    until(lambda: limited.report().get("database", {}).get("state") == "up", "it is connected")
    with process_limit(limited.process.pid, *descendants(limited.process.pid)) as limit:
        limit.spare(0)
        jobs = [workbench.job(resources=3)]
        until(lambda: "is returned to the queue" in limited.log.read_text(), "the job goes back")
        state = until(lambda: (s := limited.state()) and s["spawn_problem"] and s, "it says so")
        assert unhealthy(state) == ""
        assert unready(state).startswith("the worker cannot start processes: ")
        jobs += [workbench.job(resources=3) for _ in range(2)]
        other = workbench.worker()
        for job in jobs:
            assert workbench.ended(job)["status"] == "completed"
            until(lambda job=job: f"discovery completed for job_id: {job}" in other.log.read_text(), "the other one has read it")
        assert limited.log.read_text().count("is returned to the queue") == 1
        assert workbench.one("select count(*) from discovery_history") == len(jobs), "each was claimed by the other one alone"
        other.stop()
        limit.lift()
        until(lambda: not limited.state()["spawn_problem"], "the limit is noticed to be gone")
        assert workbench.ended(workbench.job(resources=3))["status"] == "completed"
    assert workbench.one("select count(*) from discovery_history where status <> 'completed'") == 0
    assert workbench.one("select count(*) from discovery_jobs where status = 'parked'") == 0
