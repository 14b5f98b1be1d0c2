"""The Elder API with whole workers: its answers about runs, tests and cancellations agree with what happened to the processes."""

from __future__ import annotations

import msgspec
import pytest
from peers.elder import ElderClient
from waiting import until

from providers import registry


@pytest.fixture
def api(elder_app, monkeypatch):
    """A client of the API on the workers' database. It knows the hostile provider."""
    monkeypatch.setitem(registry.BUILT_IN, "hostile", "providers.hostile:Hostile")
    return ElderClient(elder_app)


def add(api, workbench, **config):
    return api.post("discovery/jobs", {"name": "job", "provider": "hostile", "config": config, "organization_id": workbench.organization})[
        "id"
    ]


def ended(api, job, count=1):
    """The newest run, as the API shows it, once so many have ended."""

    def look():
        runs = [run for run in api.get(f"discovery/jobs/{job}/history")["results"] if run["completed_at"]]
        return len(runs) >= count and runs[-1]

    return until(look, f"run {count} of job {job}")


def test_a_cancelled_job_dies_with_what_escaped_from_it(api, workbench):
    """The job has a grandchild in another session that ignores SIGTERM and holds every pipe."""
    worker = workbench.worker()
    until(lambda: worker.report().get("database", {}).get("state") == "up", "the worker is there")
    idle = set(worker.processes())
    job = add(api, workbench, behaviour="grandchild", regions=["a", "b"], resources=600)
    workbench.await_fault("grandchild")
    assert len(worker.processes()) >= len(idle) + 2

    api.post(f"discovery/jobs/{job}/cancel", status=202)
    run = ended(api, job)

    assert (run["status"], run["error_kind"], run["error"]) == ("cancelled", "", "the run was cancelled")
    assert run["outcomes"] == {"complete": 1, "skipped": 1}
    assert run["entities_discovered"] == workbench.entities() >= 1100, "what it had found is kept"
    assert set(worker.processes()) == idle
    assert api.get(f"discovery/jobs/{job}")["status"] == "cancelled"
    assert "nothing to cancel" in api.post(f"discovery/jobs/{job}/cancel", status=409)["error"]


def test_a_job_is_cancelled_although_its_worker_is_gone_and_is_not_run_again(api, workbench):
    """The cancellation takes effect within LEASE_TTL, without another worker."""
    worker = workbench.worker(lease_ttl=3)
    job = add(api, workbench, behaviour="sleep")
    workbench.await_fault("sleep")
    worker.kill()
    api.post(f"discovery/jobs/{job}/cancel", status=202)

    run = ended(api, job)
    assert (run["status"], run["error"]) == ("cancelled", "the run was cancelled; the worker that ran it is gone")
    assert api.get(f"discovery/jobs/{job}")["next_run_at"] is None

    workbench.worker()
    assert ended(api, add(api, workbench))["status"] == "completed"
    assert api.get(f"discovery/jobs/{job}/history")["total"] == 1


def test_a_job_whose_worker_is_gone_does_not_look_as_if_it_ran(api, workbench):
    """No other worker is running that could notice it: the API does, when the worker's lease and grace are over."""
    context = api.app.extensions["elder"]
    context.settings = msgspec.structs.replace(context.settings, lease_ttl=3, outage_grace=0)
    worker = workbench.worker(lease_ttl=3)
    job = add(api, workbench, behaviour="sleep")
    workbench.await_fault("sleep")
    worker.kill()

    assert ended(api, job)["error_kind"] == "lost"
    assert api.get(f"discovery/jobs/{job}")["status"] == "pending"


def test_a_worker_that_stops_does_not_give_a_cancelled_job_back(api, workbench):
    worker = workbench.worker(options={"shutdown_grace": 0.2})
    job = add(api, workbench, behaviour="sleep")
    workbench.await_fault("sleep")
    workbench.sql.execute("update discovery_jobs set cancel_requested = true")  # a person's, of which the worker has not heard yet

    assert worker.stop() == 0
    assert ended(api, job)["status"] == "cancelled"


def providers_counted(worker):
    return {labels["provider"] for name, _, labels, _ in worker.state()["metrics"] if name == "discovery_jobs_total"}


ROWS = {
    "a list": ("hostile", "[1]", "not a JSON object"),
    "null": ("hostile", "null", "not a JSON object"),
    "nested too deeply": (
        "hostile",
        '{"account": ' * 3000 + "1" + "}" * 3000,
        "the job's config is n",
    ),  # not an object to one Python, nested too deeply to another
    "too large": ("hostile", '{"account": "%s"}' % ("x" * 5_000_000), "a job can be given 4,194,304"),
    "a provider that there is not": ("nobody's", "{}", "unsupported provider"),
}


def test_rows_that_were_put_there_past_the_api_end_their_own_runs_and_no_other(api, workbench):
    """Rows written by plain SQL may hold anything; a worker that crashed on one would crash again and again."""
    worker = workbench.worker()
    service = until(lambda: (worker.state() or {}).get("services", {}).get("writer"), "the writer is there")
    odd = {
        workbench.one(
            "insert into discovery_jobs (name, provider, config) values (%s, %s, %s::jsonb) returning id", name * 20_000, provider, config
        ): sentence
        for name, (provider, config, sentence) in ROWS.items()
    }
    job = add(api, workbench, resources=20)

    for number, sentence in odd.items():
        run = workbench.ended(number)
        assert (run["status"], run["error_kind"]) == ("error", "config")
        assert sentence in run["error"]
    assert ended(api, job)["status"] == "completed"
    assert worker.state()["services"]["writer"] == service, "it is the same process still"
    assert {one["id"] for one in api.get("discovery/jobs")["jobs"]} == {job, *odd}
    until(
        lambda: providers_counted(worker) == {"hostile", "unknown"}, lambda: f"a label for each is not there: {providers_counted(worker)}"
    )
    first = min(odd)
    assert api.put(f"discovery/jobs/{first}", {"config": {"resources": 5}})["config"]["resources"] == 5


def test_a_running_job_is_not_deleted_and_a_deleted_one_leaves_what_it_found(api, workbench):
    workbench.worker()
    job = add(api, workbench, behaviour="sleep", resources=500)
    workbench.await_fault("sleep")
    assert "cancel it first" in api.delete(f"discovery/jobs/{job}", 409)["error"]

    api.post(f"discovery/jobs/{job}/cancel", status=202)
    run = ended(api, job)
    api.delete(f"discovery/jobs/{job}")

    api.get(f"discovery/jobs/{job}/history", 404)
    api.get(f"runs/{run['id']}", 404)
    until(lambda: workbench.one("select count(*) from discovery_jobs") == 0, "a worker deletes the rest of it")
    assert workbench.one("select count(*) from run_scopes") == 0
    assert api.get("entities")["total"] == 500
    assert api.get("changes")["total"] == api.get("changes?operation=created")["total"]


def test_a_history_tells_of_each_run_with_its_scopes(api, workbench):
    workbench.worker()
    job = add(api, workbench, regions=["a", "b"], resources=20)
    ended(api, job)
    api.patch(f"discovery/jobs/{job}", {"config": {"behaviour": "deny", "resources": 10}})
    api.post(f"discovery/jobs/{job}/queue", status=202)
    run = ended(api, job, 2)

    assert (run["status"], run["attempt"], run["identity"]["account"]) == ("partial", 1, "hostile-1")
    assert [(one["region"], one["outcome"], one["permission"], one["deleted"]) for one in run["scopes"]] == [
        ("b", "denied", "hostile:ListThings", 0),
        ("a", "complete", "", 10),
    ]
    assert run["started_at"] <= run["completed_at"]
    whole = api.get(f"runs/{run['id']}")
    assert whole == {**run, "reading": []}


def test_a_connectivity_test_says_who_we_are_and_a_hanging_one_is_killed(api, workbench, monkeypatch):
    monkeypatch.setenv("HOSTILE_TEST_SECONDS", "25")
    good, bad, deaf = (add(api, workbench, behaviour=behaviour) for behaviour in ("well", "refuse_credentials", "sleep_in_check"))
    assert "no worker is there" in api.post(f"discovery/jobs/{good}/test", status=503)["error"]
    for job in (good, bad, deaf):
        api.post(f"discovery/jobs/{job}/cancel", status=202)  # only the tests are to run
    worker = workbench.worker()
    until(lambda: workbench.one("select count(*) from elder_worker.workers"), "the worker is seen")
    idle = set(worker.processes())

    answer = api.post(f"discovery/jobs/{good}/test", status=200)
    assert (answer["success"], answer["message"], answer["identity"]["account"]) == (True, "connected to hostile as hostile", "hostile-1")
    answer = api.post(f"discovery/jobs/{bad}/test", status=200)
    assert (answer["success"], answer["error_kind"], answer["identity"]) == (False, "credentials", None)
    answer = api.post(f"discovery/jobs/{deaf}/test", status=200)
    assert (answer["success"], answer["error_kind"]) == (False, "timeout")
    assert answer["message"] == "no answer within 25 s: can the worker reach the source, or is it behind a firewall or a proxy?"
    assert set(worker.processes()) == idle
    assert workbench.one("select count(*) from discovery_history") == 0
