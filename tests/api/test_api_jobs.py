"""Discovery jobs: made, shown, changed, queued, cancelled, deleted, with every complaint a caller may hear."""

from __future__ import annotations

import datetime as dt

import pytest
from peers.elder import KEY, ElderClient, settings
from store_runs import claim

from api.app import create_app
from worker.config.secretbox import SecretBox

SECRET = "s3cret-canary"


@pytest.fixture
def organization(elder):
    return elder.post("organizations", {"name": "one"})["id"]


def stored_config(sql, job: int):
    return sql.execute("select config from discovery_jobs where id = %s", [job]).fetchone()[0]


def refusal(elder, body, status=400):
    answer = elder.post("discovery/jobs", body, status)
    return " ".join([answer["error"], *answer["details"]])


def test_a_new_job_is_pending_and_due(elder, sql, organization):
    job = elder.job(organization_id=organization)

    assert (job["name"], job["provider"], job["status"]) == ("scan", "aws", "pending")
    assert job["created_at"].endswith("Z")
    assert abs(dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(job["created_at"])) < dt.timedelta(minutes=5)
    assert job["config"]["_organization_id"] == organization
    assert sql.execute("select next_run_at <= now() from discovery_jobs").fetchone() == (True,)


def test_secrets_are_sealed_in_the_database_and_redacted_in_every_answer(elder, sql):
    job = elder.job()

    assert job["config"]["secret_access_key"] == "***REDACTED***"
    assert job["config"]["regions"] == ["us-east-1"]
    config = stored_config(sql, job["id"])
    assert SECRET not in str(config)
    assert SecretBox([KEY]).open(config)["secret_access_key"] == SECRET
    for path in (f"discovery/jobs/{job['id']}", "discovery/jobs"):
        assert SECRET not in elder.call("GET", path).get_data(as_text=True)


@pytest.mark.parametrize("change", ["put", "patch"])
def test_get_then_put_keeps_the_secret_and_the_organization(elder, sql, organization, change):
    job = elder.job(organization_id=organization, schedule_interval=3600)
    shown = elder.get(f"discovery/jobs/{job['id']}")
    fields = {name: shown[name] for name in ("name", "provider", "config", "organization_id", "schedule_interval")}

    changed = getattr(elder, change)(f"discovery/jobs/{job['id']}", {**fields, "name": "renamed"})

    assert changed["name"] == "renamed"
    assert changed["organization_id"] == organization
    assert changed["schedule_interval"] == 3600
    assert SecretBox([KEY]).open(stored_config(sql, job["id"]))["secret_access_key"] == SECRET


@pytest.mark.parametrize("change", ["put", "patch"])
def test_a_change_names_what_is_to_change_and_nothing_else(elder, sql, organization, change):
    job = elder.job(organization_id=organization)

    getattr(elder, change)(f"discovery/jobs/{job['id']}", {"config": {"regions": ["eu-west-1"]}})

    config = SecretBox([KEY]).open(stored_config(sql, job["id"]))
    assert config == {"access_key_id": "AKIAXXXXXXXXXXXXXXXX", "secret_access_key": SECRET, "regions": ["eu-west-1"]}
    assert elder.get(f"discovery/jobs/{job['id']}")["organization_id"] == organization


def test_null_takes_a_key_away(elder, sql):
    job = elder.job()

    elder.patch(f"discovery/jobs/{job['id']}", {"config": {"access_key_id": None, "secret_access_key": None}})

    assert stored_config(sql, job["id"]) == {"regions": ["us-east-1"]}


def test_a_new_secret_replaces_the_old_one(elder, sql):
    job = elder.job()

    elder.patch(f"discovery/jobs/{job['id']}", {"config": {"secret_access_key": "another"}})

    assert SecretBox([KEY]).open(stored_config(sql, job["id"]))["secret_access_key"] == "another"


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"name": "x", "provider": "awz", "config": {}}, "unsupported provider 'awz', did you mean 'aws'?"),
        ({"name": "x", "provider": "../../x", "config": {}}, "unsupported provider '../../x'"),
        ({"name": "x", "provider": "os:system", "config": {}}, "unsupported provider 'os:system'"),
        ({"name": "x", "provider": "aws", "config": {"region": ["us-east-1"]}}, "did you mean `regions`?"),
        ({"name": "x", "provider": "aws", "config": {"access_key_id": "A"}}, "`access_key_id` and `secret_access_key` go together"),
        ({"name": "x", "provider": "aws", "config": {"page_size": "many"}}, "`page_size`"),
        ({"name": "x", "provider": "aws", "config": {"endpoint_url": "http://169.254.169.254"}}, "unknown config key `endpoint_url`"),
        ({"name": "x", "provider": "kubernetes", "config": {"kubeconfig_path": "/etc/shadow"}}, "/etc/shadow is not under a folder"),
        (
            {"name": "x", "provider": "kubernetes", "config": {"kubeconfig_path": "/var/run/secrets/../../../etc/x"}},
            "is not under a folder",
        ),
        (
            {"name": "x", "provider": "aws", "config": {"secret_access_key": "***REDACTED***"}},
            "stands for a secret that is stored, and none is",
        ),
        ({"name": "x", "provider": "aws", "config": {"secret_access_key": {"$fernet": "gAAAA"}}}, "give the secret itself"),
        ({"name": "x", "provider": "aws", "config": {"_regions": ["us-east-1"]}}, "unknown config key `_regions`, did you mean `regions`?"),
        ({"name": "x", "provider": "aws", "_name": "y"}, "unknown field `_name`, did you mean `name`?"),
        ({"name": "x", "provider": "aws", "config": {"_organization_id": 7}}, "set `organization_id` beside `config`"),
        ({"name": " ", "provider": "aws"}, "`name` must have 1 to 200 characters"),
        ({"provider": "aws"}, "`name` is missing"),
        ({"name": "x"}, "`provider` is missing"),
        ({"name": "x", "provider": "aws", "confg": {}}, "unknown field `confg`, did you mean `config`?"),
        ({"name": "x", "provider": "aws", "schedule_interval": 5}, "`schedule_interval` is in seconds, from 60"),
        ({"name": "x", "provider": "aws", "organization_id": 999}, "there is no organization 999"),
        ({"name": "x", "provider": "aws", "organization_id": 2**63}, "`organization_id` is the id"),
        ({"name": "a\0b", "provider": "aws"}, "a NUL has no place"),
        ({"name": "x", "provider": "aws", "config": "AKIA"}, "`config`"),
    ],
)
def test_what_is_wrong_with_a_new_job(elder, sql, body, sentence):
    assert sentence in refusal(elder, body)
    assert sql.execute("select count(*) from discovery_jobs").fetchone() == (0,)


def test_every_complaint_at_once(elder):
    config = {"region": "x", "page_size": "many", "secret_access_key": 5}

    details = elder.post("discovery/jobs", {"name": "x", "provider": "aws", "config": config}, 400)["details"]

    assert len(details) == 3


def test_a_complaint_about_a_secret_does_not_quote_it(elder):
    body = {
        "name": "x",
        "provider": "aws",
        "config": {"access_key_id": "AKIA", "secret_access_key": ["canary-1"], "session_token": "canary-2"},
    }

    assert "canary" not in refusal(elder, body)


def test_a_provider_that_is_switched_off_is_refused_with_that_reason(database):
    app = create_app(settings(database, AWS_ENABLED="false"))

    assert "AWS_ENABLED=false" in refusal(ElderClient(app), {"name": "x", "provider": "aws"})

    app.extensions["elder"].pool.close()


def test_without_keys_no_secret_is_taken(database, sql):
    app = create_app(settings(database, ELDER_SECRET_KEYS=""))
    elder = ElderClient(app)
    body = {"name": "x", "provider": "aws", "config": {"access_key_id": "AKIA", "secret_access_key": SECRET}}

    assert "ELDER_SECRET_KEYS is not set" in refusal(elder, body, 503)
    assert sql.execute("select count(*) from discovery_jobs").fetchone() == (0,)
    elder.post("discovery/jobs", {"name": "x", "provider": "aws"})  # the worker's own identity needs no secret

    app.extensions["elder"].pool.close()


def test_a_job_of_a_provider_that_is_not_installed_shows_nothing_of_its_config(elder, sql):
    job = elder.job()["id"]
    sql.execute("update discovery_jobs set provider = 'gone', config = '{\"password\": \"canary\"}' where id = %s", [job])

    assert elder.get(f"discovery/jobs/{job}")["config"] == {"password": "***REDACTED***", "_organization_id": None}


def test_the_provider_of_a_job_stays(elder):
    job = elder.job()["id"]

    assert "make a new job" in elder.put(f"discovery/jobs/{job}", {"provider": "azure"}, 400)["error"]


def test_queue_answers_the_four_fields_and_wakes_the_workers(elder, sql):
    job = elder.job()["id"]
    sql.execute("update discovery_jobs set status = 'completed', next_run_at = null")
    sql.execute("listen elder_worker")

    answer = elder.post(f"discovery/jobs/{job}/queue", status=202)

    assert answer == {"job_id": job, "success": True, "message": "Job queued for worker execution", "queued_at": answer["queued_at"]}
    assert answer["queued_at"].endswith("Z")
    assert elder.get(f"discovery/jobs/{job}")["status"] == "pending"
    assert list(sql.notifies(timeout=10, stop_after=1))


def test_a_disabled_job_is_not_queued(elder):
    job = elder.job(enabled=False)["id"]

    assert (
        'enable it first (in its form, or by PATCH with {"enabled": true})'
        in elder.post(f"discovery/jobs/{job}/queue", status=409)["error"]
    )


def test_a_parked_job_that_is_queued_has_a_fresh_start(elder, sql):
    job = elder.job()["id"]
    sql.execute("update discovery_jobs set status = 'parked', crashes = 3, next_run_at = null")

    elder.post(f"discovery/jobs/{job}/queue", status=202)

    assert sql.execute("select status, crashes, next_run_at <= now() from discovery_jobs").fetchone() == ("pending", 0, True)


def test_cancel_asks_for_the_end_of_a_running_job(elder, database, sql):
    job = elder.job()["id"]
    claim(database, job=job)

    elder.post(f"discovery/jobs/{job}/cancel", status=202)

    assert sql.execute("select cancel_requested from discovery_jobs").fetchone() == (True,)


@pytest.mark.parametrize(("interval", "next_run"), [(None, None), (3600, False)])
def test_cancel_takes_a_waiting_job_from_the_queue(elder, database, sql, interval, next_run):
    job = elder.job(schedule_interval=interval)["id"]

    elder.post(f"discovery/jobs/{job}/cancel", status=202)

    assert sql.execute("select status, next_run_at <= now() from discovery_jobs").fetchone() == ("cancelled", next_run)
    assert claim(database) == []


def test_there_is_nothing_to_cancel_in_a_job_that_has_ended(elder, sql):
    job = elder.job(schedule_interval=3600)["id"]
    sql.execute("update discovery_jobs set status = 'completed', next_run_at = now() + interval '1 minute'")
    before = sql.execute("select next_run_at from discovery_jobs").fetchone()

    assert "nothing to cancel" in elder.post(f"discovery/jobs/{job}/cancel", status=409)["error"]
    assert sql.execute("select next_run_at from discovery_jobs").fetchone() == before


def test_delete(elder, database):
    job = elder.job()["id"]
    claim(database, job=job)
    assert "cancel it first" in elder.delete(f"discovery/jobs/{job}", 409)["error"]

    other = elder.job()["id"]
    elder.delete(f"discovery/jobs/{other}")

    assert elder.get(f"discovery/jobs/{other}", 404)["error"] == f"there is no job {other}"


@pytest.mark.parametrize("call", ["queue", "cancel", "test", "run?legacy=true"])
def test_a_job_that_is_not_there(elder, call):
    assert elder.post(f"discovery/jobs/7/{call}", status=404)["error"] == "there is no job 7"


def test_the_list_is_paged_and_filtered(elder):
    made = [elder.job(name=f"job {number}")["id"] for number in range(5)]

    page = elder.get("discovery/jobs?per_page=2&page=2")

    assert [job["id"] for job in page["jobs"]] == [made[2], made[1]]
    assert (page["total"], page["pages"]) == (5, 3)
    assert elder.get("discovery/jobs?provider=azure")["total"] == 0
    assert elder.get("discovery/jobs?status=pending")["total"] == 5
    assert "status" in elder.get("discovery/jobs?status=pendin", 400)["details"][0]


def test_run_needs_the_word_legacy(elder):
    job = elder.job()["id"]

    answer = elder.call("POST", f"discovery/jobs/{job}/run")

    assert (answer.status_code, "use /queue" in answer.json["error"]) == (400, True)
