"""Scopes over HTTP and on the command line: listed, retired, and a job that may read another source."""

from __future__ import annotations

import subprocess
import sys

import pytest
from store_runs import Run, add_job, resources, run_once

from providers.errors import Outcome
from providers.records import Identity, Scope
from worker.run.outcome import Status, Verdict

EAST, WEST = Scope("aws", "111", "us-east-1", "ec2_instance"), Scope("aws", "111", "us-west-2", "ec2_instance")


@pytest.fixture
def job(database, sql):
    """A job whose plan has left out us-east-1, where it had found three instances."""
    number = add_job(sql)
    run = Run(database, number)
    run.inventory.identity(Identity("me", "111"))
    run.scope(resources(3))
    run.finish()
    run = Run(database, number)
    run.scope([], WEST, outcome=Outcome.DENIED, message="no", permission="ec2:DescribeInstances")
    run.finish(Verdict(Status.PARTIAL))
    return number


def cli(database, *words):
    return subprocess.run(
        [sys.executable, "-m", "worker.cli", *map(str, words)], env={"DATABASE_URL": database}, capture_output=True, text=True, check=False
    )


def test_scopes_are_listed_with_when_they_were_read_in_full(elder, job):
    found = elder.get("scopes")
    assert found["total"] == 2
    never, abandoned = found["scopes"]
    assert (never["region"], never["last_complete_at"], never["last_outcome"], never["permission"]) == (
        "us-west-2", None, "denied", "ec2:DescribeInstances",
    )  # fmt: skip
    assert (abandoned["state"], abandoned["entities"], abandoned["owner"]) == ("abandoned", 3, f"job:{job}")
    assert abandoned["last_complete_at"] is not None


@pytest.mark.parametrize(
    ("query", "regions"),
    [
        ("state=abandoned", ["us-east-1"]),
        ("state=current", ["us-west-2"]),
        ("never_complete=true", ["us-west-2"]),
        ("never_complete=false", ["us-east-1"]),
        ("not_complete_for=7d", []),
        ("not_complete_for=0s", ["us-west-2", "us-east-1"]),
        ("provider=aws&account=111&region=us-east-1&resource_type=ec2_instance", ["us-east-1"]),
        ("provider=gcp", []),
    ],
)
def test_scopes_are_filtered(elder, job, query, regions):
    assert [one["region"] for one in elder.get(f"scopes?{query}")["scopes"]] == regions


@pytest.mark.parametrize("query", ["not_complete_for=soon", "state=lost", "page=0", "never_complete=perhaps"])
def test_a_filter_that_makes_no_sense_is_refused(elder, job, query):
    assert elder.get(f"scopes?{query}", 400)


def test_an_abandoned_scope_is_retired_and_its_entities_are_marked_as_deleted(elder, sql, job):
    assert elder.post("scopes/retire", {}, 400)
    assert elder.post("scopes/retire", {"dry_run": True}, 400)
    assert elder.post("scopes/retire", {"account": "222"}, 200) == {"scopes": 0, "entities": 0}
    assert elder.post("scopes/retire", {"owner": f"job:{job}", "dry_run": True}, 200) == {
        "scopes": 1,
        "entities": 3,
        "types": {"ec2_instance": 3},
    }
    assert sql.execute("select count(*) from entities where is_active").fetchone() == (3,)
    assert [line["object"] for line in elder.get("audit?action=scopes%20retired")["audit"]] == ["account=222"]
    assert elder.post("scopes/retire", {"owner": f"job:{job}"}, 200) == {"scopes": 1, "entities": 3}
    assert sql.execute("select count(*), count(deleted_at) from entities where not is_active").fetchone() == (3, 3)
    assert elder.get("changes?operation=deleted")["total"] == 3
    assert elder.post("scopes/retire", {"owner": f"job:{job}"}, 200) == {"scopes": 0, "entities": 0}


def test_a_retired_scope_that_is_read_again_restores_its_entities(elder, database, sql, job):
    elder.post("scopes/retire", {"owner": f"job:{job}"}, 200)
    run_once(database, job, resources(3))
    assert sql.execute("select count(*) from entities where is_active").fetchone()[0] == 3
    assert elder.get("scopes?state=retired")["total"] == 0


def test_what_another_job_sees_of_a_retired_scope_stays(elder, database, sql, job):
    other = add_job(sql)
    run_once(database, other, resources(2))
    assert elder.post("scopes/retire", {"owner": f"job:{job}"}, 200)["entities"] <= 1
    assert sql.execute("select count(*) from entities where is_active").fetchone()[0] == 2


def test_the_scopes_of_a_deleted_job_are_abandoned(elder, database, sql, job):
    run_once(database, job, resources(3))
    assert elder.delete(f"discovery/jobs/{job}")
    assert {one["state"] for one in elder.get("scopes")["scopes"]} == {"abandoned"}
    assert sql.execute("select count(*) from entities where is_active").fetchone()[0] == 3


def test_what_another_job_sees_of_a_deleted_job_is_that_jobs(elder, database, sql, job):
    other = add_job(sql)
    run_once(database, job, resources(3))
    run_once(database, other, resources(2))
    elder.delete(f"discovery/jobs/{job}")
    assert {(one["owner"], one["state"]): one["entities"] for one in elder.get("scopes?region=us-east-1")["scopes"]} == {
        (f"job:{job}", "abandoned"): 1,
        (f"job:{other}", "current"): 2,
    }
    assert elder.post("scopes/retire", {"owner": f"job:{job}"}, 200)["entities"] == 1
    assert elder.get("entities?is_active=true")["total"] == 2
    assert elder.get("changes?operation=deleted")["total"] == 1


def test_the_command_line_lists_and_retires(database, sql, job):
    listed = cli(database, "scopes", "list", "--state", "abandoned")
    assert listed.returncode == 0, listed.stderr
    assert "abandoned" in listed.stdout
    assert "aws 111 us-east-1 ec2_instance" in listed.stdout
    assert cli(database, "scopes", "retire").returncode == 78
    asked = cli(database, "scopes", "retire", "--account", "111")
    assert (asked.returncode, "nobody has said yes: --yes answers" in asked.stderr) == (78, True)
    retired = cli(database, "scopes", "retire", "--account", "111", "--yes")
    assert retired.stdout == "1 abandoned scope is retired; 3 entities are marked as deleted\n"


def test_the_command_line_lists_what_was_not_read_in_full(database, sql, job):
    [never, total] = cli(database, "scopes", "list", "--never-complete").stdout.splitlines()
    assert "us-west-2" in never
    assert never.endswith("denied no")
    assert total == "1 scope"
    assert cli(database, "scopes", "list", "--not-complete-for", "7d").stdout == "0 scopes\n"
    sql.execute("update elder_worker.scopes set last_complete_at = now() - interval '8 days' where last_complete_at is not null")
    assert "us-east-1" in cli(database, "scopes", "list", "--not-complete-for", "7d").stdout
    assert "a number and a unit: 7d" in cli(database, "scopes", "list", "--not-complete-for", "soon").stderr
    assert "go with list alone" in cli(database, "scopes", "retire", "--account", "111", "--never-complete").stderr


def test_a_job_is_let_read_another_source(elder, database, sql, job):
    assert elder.get(f"discovery/jobs/{job}")["identity"] == "111"
    assert "pinned to 111" in elder.post(f"discovery/jobs/{job}/accept-identity", status=200)["message"]
    assert elder.get(f"discovery/jobs/{job}")["identity"] is None
    assert elder.post("discovery/jobs/999/accept-identity", status=404)
    assert "job 999" in cli(database, "jobs", "accept-identity", 999).stderr
    assert cli(database, "jobs", "accept-identity", job).stdout == f"job {job} is due now\n"
