"""The life of scopes in whole workers: runs that are cut off go on where the last one ended."""

from __future__ import annotations


def test_case_eng_1_runs_that_are_cut_off_reach_new_scopes_each_time(workbench):
    """400 scopes of 0.2 s, a time-out of 8 s: the job goes on by itself, and what was not reached is in the ledger."""
    regions = [f"r{number:03d}" for number in range(400)]
    job = workbench.job(regions=regions, resources=1, pause=0.2)
    workbench.worker(discovery_job_timeout=8)
    workbench.ended(job, count=3)

    reached: list[set[str]] = []
    for run in workbench.runs(job)[:3]:
        assert (run["status"], run["error_kind"], run["scopes_planned"]) == ("error", "timeout", len(regions))
        lines = workbench.scopes(run)
        assert set(lines) == set(regions), "each planned scope has a line"
        reached.append({region for region, line in lines.items() if line["outcome"] == "complete"})
        missed = {region for region, line in lines.items() if line["outcome"] == "not_reached"}
        assert len(set(regions) - reached[-1] - missed) <= 1, "one may have been cut off while it was read"
    assert all(reached)
    assert sum(map(len, reached)) == len(set.union(*reached)), "a scope was read again before others were reached at all"
