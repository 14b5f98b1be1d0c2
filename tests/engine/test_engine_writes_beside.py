"""The writer is killed while rows are being written beside the reading: nothing is lost, doubled, tombstoned, or without an end."""

from __future__ import annotations

import os
import signal

import pytest
from held_writes import MOMENTS, VARIABLE, Hold
from psycopg.types.json import Jsonb
from waiting import until

SESSION = "select state from pg_stat_activity where application_name like 'elder-worker/%% run ' || %s and datname = current_database()"


@pytest.fixture
def hold(request, tmp_path, monkeypatch):
    """Holds the writes of the workers that start in the test."""
    one = Hold(request.param, tmp_path)
    monkeypatch.setenv(VARIABLE, one.environment)
    return one


def content(workbench):
    """Every entity with its links, as the source has it."""
    return workbench.rows(
        "select e.external_id, e.attributes ->> 'generation' as generation, e.is_active, array_agg(d.target_external_id) as links,"
        " count(*) filter (where d.target_external_id is not null and d.target_id is null) as unresolved"
        " from entities e left join dependencies d on d.source_id = e.id and d.dependency_type = 'beside' group by e.id order by 1"
    )


def source(resources: int, changed: int):
    """The entities and links of the hostile source, in the form of `content`."""
    things = [(region, number) for region in ("a", "b") for number in range(resources)]
    found = [
        {
            "external_id": f"{region}/{number}",
            "generation": "1" if number < changed else "0",
            "is_active": True,
            "links": [f"{region}/{number - 1}" if number else None],
            "unresolved": 0,
        }
        for region, number in things
    ]
    return sorted(found, key=lambda one: one["external_id"])


@pytest.mark.parametrize("hold", MOMENTS, indirect=True, ids=MOMENTS)
def test_a_writer_that_is_killed_in_the_middle_of_a_write_loses_and_doubles_nothing(workbench, hold):
    """Three runs of one job: one that fills the inventory, one whose writer dies, one that makes it right. It takes as long as a lease, twice."""
    worker = workbench.worker(lease_ttl=3, outage_grace=0)
    job = workbench.job(regions=["a", "b"], resources=1500)
    assert workbench.ended(job)["status"] == "completed"

    workbench.sql.execute(
        "update discovery_jobs set config = config || %s where id = %s", [Jsonb({"resources": 1700, "generation": 1, "changed": 1600}), job]
    )
    hold.arm()
    workbench.queue(job)
    until(hold.held, "the thread beside the reading is in the middle")
    running = workbench.one("select id from discovery_history where status = 'running'")
    assert workbench.rows(SESSION, str(running)) == [{"state": MOMENTS[hold.environment.partition(":")[0]]}]
    os.kill(worker.state()["services"]["writer"]["pid"], signal.SIGKILL)
    run = workbench.ended(job, 3)

    assert [(one["status"], one["error_kind"]) for one in workbench.runs(job)] == [("completed", ""), ("error", "lost"), ("completed", "")]
    assert (run["attempt"], run["entities_deleted"], run["entities_discovered"]) == (2, 0, 3400)
    assert content(workbench) == source(1700, 1600)
    assert workbench.one("select count(*) from discovery_history where status = 'running' or completed_at is null") == 0
    assert workbench.one("select count(*) from elder_worker.held") == 0
    created = workbench.one("select sum(entities_created) from discovery_history")
    assert created == 3400, "the rows of the run that was killed are counted where they were committed, once"
    assert worker.state()["services"]["writer"]["restarts"] == 1
