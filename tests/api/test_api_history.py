"""Runs as the API tells them: oldest first, the newest always there, bounded, and held tombstones let go."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys

import msgspec
import pytest
from store_runs import SCOPE, Link, Run, add_job, resources, run_once

from providers.errors import Outcome
from providers.records import Scope
from worker.run.outcome import Status, Verdict
from worker.store.ledger import SCOPES_SHOWN, shown_of_each

CLI = (sys.executable, "-m", "worker.cli")


def test_the_newest_run_is_the_last_result(elder, database, sql):
    job = add_job(sql)
    for count in (10, 12, 11):
        run_once(database, job, resources(count))

    answer = elder.get(f"discovery/jobs/{job}/history")

    assert (answer["job_id"], answer["total"]) == (job, 3)
    last = answer["results"][-1]
    assert last["id"] == max(run["id"] for run in answer["results"])
    counts = [(r["entities_discovered"], r["entities_created"], r["entities_updated"], r["entities_deleted"]) for r in answer["results"]]
    assert counts == [(10, 10, 0, 0), (12, 2, 0, 0), (11, 0, 0, 1)]
    assert last["status"] == "completed"
    assert last["error"] is None
    started, completed = (dt.datetime.fromisoformat(last[name]) for name in ("started_at", "completed_at"))
    assert started <= completed
    assert last["started_at"].endswith("Z")
    assert last["outcomes"] == {"complete": 1}
    assert (last["scopes"][0]["resource_type"], last["scopes"][0]["resources"]) == ("ec2_instance", 11)


def test_a_history_is_bounded_and_never_hides_the_newest(elder, sql):
    job = add_job(sql)
    sql.execute(
        "insert into discovery_history (job_id, status, entities_discovered) select %s, 'completed', n from generate_series(1, 1200) n",
        [job],
    )

    found = {limit: elder.get(f"discovery/jobs/{job}/history?limit={limit}")["results"] for limit in (1, 1000)}
    default = elder.get(f"discovery/jobs/{job}/history")

    assert [run["entities_discovered"] for run in found[1]] == [1200]
    assert [run["entities_discovered"] for run in found[1000]] == list(range(201, 1201))
    assert (len(default["results"]), default["results"][-1]["entities_discovered"], default["total"]) == (50, 1200, 1200)
    assert "`limit` is from 1 to 1000" in elder.get(f"discovery/jobs/{job}/history?limit=1001", 400)["details"][0]


def test_what_was_not_read_comes_before_what_was(elder, database, sql):
    """And names the permission; a history shows some of a run's scopes, the run itself all."""
    job = add_job(sql)
    run = Run(database, job)
    for number in range(SCOPES_SHOWN + 20):
        run.scope([], Scope("aws", "111", f"region-{number:03}", "ec2_instance"))
    denied = Scope("aws", "111", "us-west-2", "ec2_instance")
    run.scope([], denied, Outcome.DENIED, message="AccessDenied", permission="ec2:DescribeInstances")
    run.finish(Verdict(Status.PARTIAL, "", "1 scope was denied"))

    [shown] = elder.get(f"discovery/jobs/{job}/history")["results"]
    whole = elder.get(f"runs/{shown['id']}")

    assert shown["outcomes"] == whole["outcomes"] == {"complete": SCOPES_SHOWN + 20, "denied": 1}
    assert (len(shown["scopes"]), len(whole["scopes"])) == (SCOPES_SHOWN, SCOPES_SHOWN + 21)
    assert (shown["scopes"][0]["region"], shown["scopes"][0]["permission"]) == ("us-west-2", "ec2:DescribeInstances")
    assert (shown["status"], shown["error"]) == ("partial", "1 scope was denied")


@pytest.mark.parametrize(("runs", "shown"), [(1, 100), (10, 100), (50, 20), (1000, 10)])
def test_a_history_of_many_runs_shows_fewer_scopes_of_each(runs, shown):
    """A thousand runs with a hundred scopes each would be 25 MB."""
    assert shown_of_each(runs) == shown


def test_a_long_history_is_bounded(elder, database, sql):
    job = add_job(sql)
    for _ in range(3):
        run = Run(database, job)
        for number in range(20):
            run.scope([], Scope("aws", "111", f"region-{number:03}", "ec2_instance"))
        run.finish(Verdict(Status.COMPLETED))
    sql.execute("insert into discovery_history (job_id, status) select %s, 'completed' from generate_series(1, 297)", [job])
    found = elder.get(f"discovery/jobs/{job}/history?limit=300")["results"]
    assert [len(one["scopes"]) for one in found if one["outcomes"]] == [10] * 3
    assert [one["outcomes"] for one in found if one["outcomes"]] == [{"complete": 20}] * 3


def test_the_moment_of_a_snapshot_is_in_the_ledger_and_on_the_page_of_the_run(elder, database, sql):
    run = Run(database, add_job(sql))
    moment = dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
    run.scope(resources(3), as_of=moment)
    run.scope([], msgspec.structs.replace(SCOPE, region="elsewhere"))
    run.finish(Verdict(Status.COMPLETED))

    shown = elder.get(f"runs/{run.claimed.run_id}")["scopes"]
    assert {scope["region"]: scope["as_of"] for scope in shown} == {SCOPE.region: "2024-01-02T03:04:05Z", "elsewhere": None}
    text = elder.http.get(f"/runs/{run.claimed.run_id}", headers={"Accept": "text/html"}).get_data(as_text=True)
    assert text.count("as of <time") == 1
    assert "2024-01-02 03:04:05 UTC" in text


def test_case_dir_3_what_a_run_holds_back_is_listed_by_name(elder, database, sql):
    job = add_job(sql)
    run_once(database, job, [msgspec.structs.replace(one, links=(Link("in_vpc", "vpc"),)) for one in resources(60)])
    run_once(database, job, [msgspec.structs.replace(one, attributes={}) for one in resources(60)][:30])
    run = elder.get(f"discovery/jobs/{job}/history")["results"][-1]

    assert run["error"].startswith("30 entities, 30 links and 60 attributes were missing")
    scope = run["scopes"][0]
    assert (scope["held_back"], scope["held_links"], scope["held_attributes"]) == (30, 30, 60)
    held = elder.get(f"runs/{run['id']}/held?per_page=1000")
    assert (held["total"], len(held["held"])) == (120, 120)
    assert {(one["kind"], one["name"], one["target"]) for one in held["held"]} == {
        ("entity", "", ""),
        ("link", "in_vpc", "vpc"),
        ("attribute", "n", ""),
        ("attribute", "state", ""),
    }
    assert {one["run_id"] for one in held["held"]} == {run["id"]}
    listed = subprocess.run(
        [*CLI, "runs", "held", str(run["id"])], env={"DATABASE_URL": database}, capture_output=True, text=True, check=True
    )
    assert "120 held back of run" in listed.stdout
    assert "link in_vpc -> vpc: ec2_instance name 7 (arn:ec2_instance:7)" in listed.stdout
    assert elder.get("runs/999/held", 404)["error"] == "there is no run 999"

    released = elder.post(f"runs/{run['id']}/release", status=200)
    assert released == {"run_id": run["id"], "released": 30, "links": 30, "attributes": 60}
    assert elder.get(f"runs/{run['id']}/held")["total"] == 0
    assert elder.get(f"runs/{run['id']}")["scopes"][0]["held_links"] == 0


def test_tombstones_that_were_held_back_are_let_go(elder, database, sql):
    job = add_job(sql)
    run_once(database, job, resources(100))
    run_once(database, job, [])
    run = elder.get(f"discovery/jobs/{job}/history")["results"][-1]
    assert run["scopes"][0]["held_back"] == 100
    assert elder.get("entities")["total"] == 100

    assert elder.post(f"runs/{run['id']}/release", status=200) == {"run_id": run["id"], "released": 100, "links": 0, "attributes": 0}

    assert elder.get("entities")["total"] == 0
    assert elder.get("entities?is_active=false")["total"] == 100
    assert elder.get(f"runs/{run['id']}")["entities_deleted"] == 100
    assert elder.post(f"runs/{run['id']}/release", status=200)["released"] == 0


def test_a_run_that_is_not_there(elder):
    assert elder.get("runs/7", 404)["error"] == "there is no run 7"
    assert elder.post("runs/7/release", status=404)["error"] == "there is no run 7"


def test_a_run_that_goes_on(elder, database, sql):
    job = add_job(sql)
    run = Run(database, job)
    run.scope(resources(5), SCOPE)

    [shown] = elder.get(f"discovery/jobs/{job}/history")["results"]

    assert (shown["status"], shown["completed_at"], shown["entities_discovered"]) == ("running", None, 5)
    run.finish()


def test_scopes_that_share_a_reason_are_one_cause(elder, database, sql):
    """A region that refuses 79 types is one cause in the answer."""
    job = add_job(sql)
    run = Run(database, job)
    for number in range(79):
        scope = msgspec.structs.replace(SCOPE, region="eu-south-1", resource_type=f"type_{number}")
        run.scope([], scope, Outcome.DENIED, message="eu-south-1 is closed by a policy")
    run.finish(Verdict(Status.PARTIAL, "", "79 scopes were denied"))

    (cause,) = elder.get(f"runs/{run.claimed.run_id}")["causes"]

    assert (cause["scopes"], cause["outcome"], len(cause["resource_types"]), len(cause["places"])) == (79, "denied", 79, 1)
