"""The list of what needs attention has a line for each job whose last run had denied scopes."""

from __future__ import annotations

import msgspec
from store_runs import SCOPE, Run, add_job, resources

from providers.errors import Outcome
from worker.run.outcome import Status, Verdict
from worker.store.attention import attention
from worker.store.connection import connect


def read(database: str, job: int, denied: int, status: Status = Status.PARTIAL) -> int:
    """A run of which one scope is complete and the others are denied."""
    run = Run(database, job)
    run.scope(resources(1))
    for number in range(denied):
        run.scope([], msgspec.structs.replace(SCOPE, region=f"region-{number}"), Outcome.DENIED, permission="ec2:DescribeInstances")
    run.finish(Verdict(status, "timeout" if status is Status.ERROR else ""))
    return run.claimed.run_id


def denied(database: str) -> list[tuple[int, str, int]]:
    with connect(database) as connection:
        return [(one["number"], one["name"], one["count"]) for one in attention(connection) if one["kind"] == "denied"]


def test_a_job_of_whose_last_run_scopes_were_denied_is_one_line(database, sql):
    one, two = add_job(sql, name="one"), add_job(sql, name="two")
    read(database, one, 3)
    newest = read(database, one, 2)
    other = read(database, two, 1)

    assert sorted(denied(database)) == [(newest, "one", 2), (other, "two", 1)]


def test_a_run_that_reads_all_ends_the_line_and_so_do_a_failed_one_and_the_job_that_is_switched_off(database, sql):
    job = add_job(sql)
    read(database, job, 1)
    sql.execute("update discovery_jobs set enabled = false")
    assert denied(database) == []
    sql.execute("update discovery_jobs set enabled = true")
    assert len(denied(database)) == 1
    read(database, job, 0, Status.ERROR)
    assert denied(database) == [], "the job is listed as failing"
    read(database, job, 1)
    assert len(denied(database)) == 1
    read(database, job, 0, Status.COMPLETED)
    assert denied(database) == []
