"""Jobs that read what another job reads already: a warning where a job is made, shown, changed and tested, and no error."""

from __future__ import annotations

import contextlib
import threading

import pytest
from peers.elder import ElderClient
from psycopg.types.json import Jsonb
from store_runs import Run, add_job
from waiting import CAP, until

from providers.records import Identity
from worker.run.inventory import InventoryError
from worker.run.outcome import Status, Verdict
from worker.store import statements

BROWSER = {"Accept": "text/html"}
KUBE = {"server": "https://kube.example", "token": "t0ken-canary"}


def kube(elder, name: str, **config):
    return elder.job(name=name, provider="kubernetes", config={**KUBE, **config})


def test_a_job_with_the_config_of_another_is_made_with_a_warning(elder):
    first = elder.job(name="production")
    assert first["warnings"] == []

    second = elder.job(name="again")

    assert second["warnings"] == [f"what it reads is already read by job {first['id']} 'production'"]
    assert elder.get(f"discovery/jobs/{first['id']}")["warnings"] == [f"what it reads is already read by job {second['id']} 'again'"]
    page = elder.call("GET", f"/jobs/{second['id']}", headers=BROWSER).get_data(as_text=True)
    assert f"what it reads is already read by job {first['id']}" in page
    assert all("warnings" not in one for one in elder.get("discovery/jobs")["jobs"])


@pytest.mark.parametrize(
    "change",
    [
        {"token": "another"},
        {"server": "https://other.example"},
        {"context": "other"},
        {"namespaces": ["b", "c"]},
    ],
    ids=str,
)
def test_a_job_that_reads_something_else_is_made_without(elder, change):
    kube(elder, "one", namespaces=["a"])

    assert kube(elder, "two", **change)["warnings"] == []


def test_lists_that_overlap_and_numbers_and_excluded_types_do_not_set_jobs_apart(elder):
    one = kube(elder, "one", namespaces=["a", "b"], exclude_types=["events"], page_size=10)

    two = kube(elder, "two", namespaces=["b", "c"], exclude_types=["pods"], ignore_fields=["x"])

    assert two["warnings"] == [f"what it reads is already read by job {one['id']} 'one'"]


def test_jobs_without_credentials_are_of_the_workers_of_their_queue(elder):
    elder.job(name="dmz", config={}, queue="dmz")
    assert elder.job(name="here", config={})["warnings"] == []
    assert "'dmz'" in elder.job(name="there", config={}, queue="dmz")["warnings"][0]
    assert elder.job(name="keys")["warnings"] == []


def test_the_source_that_complete_runs_have_found_counts_more_than_the_config(elder, sql):
    one, two = elder.job(name="one"), elder.job(name="two", config={"regions": ["us-east-1"]})
    sql.execute("update discovery_jobs set identity = '111122223333'")

    changed = elder.patch(f"discovery/jobs/{two['id']}", {"description": "x"})

    assert changed["warnings"] == [f"111122223333 is already read by job {one['id']} 'one'"]
    sql.execute("update discovery_jobs set identity = '444455556666' where id = %s", [one["id"]])
    assert elder.get(f"discovery/jobs/{two['id']}")["warnings"] == []
    elder.delete(f"discovery/jobs/{one['id']}")
    sql.execute("update discovery_jobs set identity = '111122223333'")
    assert elder.get(f"discovery/jobs/{two['id']}")["warnings"] == []


def probed(elder_app, worker_queue, method: str, path: str, **more):
    """The response to a request that waits for a test, which the worker passes."""
    box: list = []
    thread = threading.Thread(target=lambda: box.append(ElderClient(elder_app).call(method, path, **more)))
    thread.start()
    asked: list = []
    until(lambda: asked.extend(worker_queue.claim_tests(1)) or asked, "the test is asked for")
    identity = {"name": "reader", "account": "111122223333", "details": {}}
    worker_queue.answer(asked[0], {"success": True, "message": "connected", "identity": identity, "error_kind": ""})
    thread.join(CAP)
    return box[0]


def test_a_test_says_who_reads_the_account_already(elder, elder_app, worker_queue, sql, elder_command):
    one = elder.job(name="one", config={})
    sql.execute("update discovery_jobs set identity = '111122223333'")
    two = elder.job(name="two")
    assert two["warnings"] == []
    sentence = f"111122223333 is already read by job {one['id']} 'one'"

    answer = probed(elder_app, worker_queue, "POST", f"discovery/jobs/{two['id']}/test").json

    assert (answer["success"], answer["warnings"]) == (True, [sentence])
    form = {"provider": "aws", "name": "three", "action": "test", "config.regions": "us-east-1"}
    page = probed(elder_app, worker_queue, "POST", "/jobs/new", data=form, headers=BROWSER).get_data(as_text=True)
    assert "The connection works" in page
    assert f"111122223333 is already read by job {one['id']} &#39;one&#39;" in page
    form = {**form, "name": "one"}
    page = probed(elder_app, worker_queue, "POST", f"/jobs/{one['id']}/edit", data=form, headers=BROWSER).get_data(as_text=True)
    assert "already read" not in page, "a job is not its own rival"
    made = elder_command("jobs", "create", "four", "aws", "--config", "regions=us-east-1")
    assert made.stderr == f"warning: what it reads is already read by job {one['id']} 'one'\n"


def test_among_many_jobs_those_of_the_same_source_are_found_by_an_index(sql):
    sql.execute("insert into discovery_jobs (name, provider, config, identity) select 'x', 'aws', '{}', n from generate_series(1, 20000) n")
    sql.execute("analyze discovery_jobs")
    values = {"provider": "aws", "job": 7, "identity": "7", "texts": Jsonb({}), "secrets": ["x"], "sealed": True}

    plan = sql.execute(b"explain " + statements.get("jobs_alike"), values).fetchall()

    assert not any("Seq Scan" in line for [line] in plan), plan


def test_the_page_of_a_job_that_finds_the_source_of_another_job_elsewhere_names_both_and_lets_a_person_accept(elder, database, sql):
    first, second = add_job(sql, name="prod"), add_job(sql)
    for job, place in ((first, "https://one (ca-1)"), (second, "https://two (ca-2)")):
        run = Run(database, job)
        with contextlib.suppress(InventoryError):
            run.inventory.identity(Identity("reader", "uid", {}, place))
            run.scope([])
        run.finish(Verdict(Status.COMPLETED) if job == first else Verdict(Status.ERROR, "config", "another place"))

    def page(job: int) -> str:
        return elder.call("GET", f"/jobs/{job}", headers=BROWSER).text

    assert ">prod</a> has read <code>uid</code> at <code>https://one (ca-1)</code> so far" in page(second)
    assert "leads to <code>https://two (ca-2)</code>, which says that it is the same" in page(second)
    assert "says that it is the same" not in page(first)
    assert f'action="/jobs/{second}/accept-identity"' in page(second)
    assert elder.call("POST", f"/jobs/{second}/accept-identity", headers=BROWSER).status_code == 303
    assert "says that it is the same" not in page(second)
