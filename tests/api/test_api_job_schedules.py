"""Schedules of jobs and copies of jobs, in the API, on the pages and in the command line."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from api.pages import job_form
from worker.run import cron

BROWSER = {"Accept": "text/html"}
SECRET = "s3cret-canary"
NIGHTLY = {"schedule_cron": "30 3 * * *", "schedule_timezone": "Asia/Kathmandu"}
FORM = {"provider": "aws", "name": "scan", "queue": "default", "enabled": "true", "action": "save"}
KEYS = {"access_key_id": "AKIAXXXXXXXXXXXXXXXX", "secret_access_key": SECRET}


@pytest.fixture
def page(elder):
    return lambda path: elder.call("GET", path, headers=BROWSER).get_data(as_text=True)


def test_a_job_runs_at_the_times_of_its_time_zone(elder, page):
    job = elder.job(**NIGHTLY)

    assert datetime.fromisoformat(job["next_run_at"]) == cron.next_time("30 3 * * *", "Asia/Kathmandu", datetime.now(UTC))
    assert (job["schedule_interval"], job["schedule_timezone"]) == (None, "Asia/Kathmandu")
    shown = page(f"/jobs/{job['id']}")
    assert "at 03:30 every day, Asia/Kathmandu" in shown
    assert "Run now" in shown, "it does not wait for a worker"
    assert "next run" in shown
    assert "when a worker is free" not in page("/")


def test_an_interval_and_times_take_the_place_of_each_other(elder):
    job = elder.job(schedule_interval=86_400)["id"]

    assert elder.patch(f"discovery/jobs/{job}", NIGHTLY)["schedule_interval"] is None
    changed = elder.patch(f"discovery/jobs/{job}", {"schedule_interval": 60})
    assert (changed["schedule_cron"], changed["schedule_interval"]) == (None, 60)
    assert datetime.fromisoformat(changed["next_run_at"]) - datetime.now(UTC) <= timedelta(seconds=60)
    assert elder.patch(f"discovery/jobs/{job}", {"schedule_interval": None})["schedule_interval"] is None


@pytest.mark.parametrize(
    ("schedule", "sentence"),
    [
        ({"schedule_cron": "0 3 * *"}, "has 5 fields"),
        ({"schedule_cron": "0 0 31 2 *"}, "makes no sense: bad day-of-month"),
        ({"schedule_cron": "0 3 * * *", "schedule_timezone": "Berlin"}, "is Europe/Berlin meant?"),
        ({"schedule_cron": "0 3 * * *", "schedule_interval": 60}, "and not both"),
        ({"schedule_cron": "0 3 * * *\0"}, "cron expression"),
        ({"schedule_timezone": "a\0b"}, "time zone"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(elder, schedule, sentence):
    job = elder.job()["id"]

    assert sentence in str(elder.patch(f"discovery/jobs/{job}", schedule, status=400)["details"])
    assert sentence in str(elder.post("discovery/jobs", {"name": "x", "provider": "aws", **schedule}, status=400)["details"])


def test_what_was_written_by_hand_is_said_on_the_page(elder, page, sql):
    job = elder.job()["id"]
    sql.execute("update discovery_jobs set schedule_cron = 'nonsense'")

    assert "never: a cron expression has 5 fields" in page(f"/jobs/{job}")


def test_the_form_takes_and_shows_times(elder, send_form, page):
    response, _ = send_form("/jobs/new", {**FORM, "cron": "30 3 * * *", "timezone": "Asia/Kathmandu"})
    job = int(response.headers["Location"].rpartition("/")[2])

    assert {key: elder.get(f"discovery/jobs/{job}")[key] for key in NIGHTLY} == NIGHTLY
    shown = page(f"/jobs/{job}/edit")
    assert 'name="cron" value="30 3 * * *"' in shown
    assert 'name="timezone" value="Asia/Kathmandu"' in shown
    assert send_form(f"/jobs/{job}/edit", {**FORM, "every": "2", "unit": "hours", "cron": ""})[0].status_code == 303
    changed = elder.get(f"discovery/jobs/{job}")
    assert (changed["schedule_interval"], changed["schedule_cron"]) == (7200, None)


@pytest.mark.parametrize(
    ("times", "sentence"),
    [
        ({"every": "2", "unit": "hours", "cron": "0 3 * * *"}, "leave one of the two empty"),
        ({"cron": "nonsense"}, "has 5 fields"),
        ({"cron": "0 3 * * *", "timezone": "Nowhere"}, "there is no time zone"),
    ],
)
def test_the_form_refuses_a_schedule_that_makes_no_sense(send_form, sql, times, sentence):
    response, shown = send_form("/jobs/new", {**FORM, **times})

    assert response.status_code == 400
    assert sentence in shown
    assert sql.execute("select count(*) from discovery_jobs").fetchone() == (0,)


def test_a_copy_has_the_secrets_without_showing_them(elder, send_form, page, sql):
    job = elder.job(name="scan", config={**KEYS, "regions": ["us-east-1"]}, **NIGHTLY)["id"]
    shown = page(f"/jobs/new?copy={job}")

    assert 'value="Copy of scan"' in shown
    assert "as in scan; leave empty to keep it" in shown
    assert SECRET not in shown
    assert f'href="/jobs/new?copy={job}"' in page(f"/jobs/{job}")

    response, _ = send_form("/jobs/new", {**FORM, "copy": str(job), "name": "other", "config.regions": "eu-west-1"})
    made = int(response.headers["Location"].rpartition("/")[2])
    [first], [second] = sql.execute("select config from discovery_jobs order by id").fetchall()
    assert made != job
    assert second["secret_access_key"] == first["secret_access_key"]
    assert second["regions"] == ["eu-west-1"]


def test_a_copy_is_tested_with_the_secrets_of_its_model(elder, send_form, sql, monkeypatch):
    asked = []
    failed = {"success": False, "message": "the key is unknown", "identity": None, "error_kind": "credentials"}
    monkeypatch.setattr(job_form, "probe", lambda _context, _connection, job: asked.append(job) or failed)
    job = elder.job(config=KEYS)["id"]
    _, shown = send_form("/jobs/new", {**FORM, "copy": str(job), "action": "test"})

    assert "The connection does not work" in shown
    assert f'name="copy" value="{job}"' in shown
    assert asked[0]["config"]["secret_access_key"] == sql.execute("select config from discovery_jobs").fetchone()[0]["secret_access_key"]


def test_a_copied_secret_goes_only_where_it_was_given_for(elder):
    job = elder.job(provider="kubernetes", config={"server": "https://one.example", "token": SECRET})["id"]
    copy = {"name": "x", "provider": "kubernetes", "copy_of": job, "config": {"server": "https://attacker.example"}}

    assert "`token` was given for the `server` that is stored" in str(elder.post("discovery/jobs", copy, status=400)["details"])


@pytest.mark.parametrize(
    ("changes", "status", "sentence"), [({"copy_of": 99}, 404, "no job 99"), ({"provider": "gcp"}, 400, "is of the provider 'aws'")]
)
def test_a_copy_of_what_is_not_there_or_of_another_provider_is_refused(elder, changes, status, sentence):
    job = elder.job(config=KEYS)["id"]

    assert sentence in elder.post("discovery/jobs", {"name": "x", "provider": "aws", "copy_of": job, **changes}, status=status)["error"]
    assert elder.call("GET", "/jobs/new?copy=99", headers=BROWSER).status_code == 404


def test_the_command_line_sets_times_and_copies(elder_command, elder):
    keys = [f"--config={key}={value}" for key, value in KEYS.items()]
    made = elder_command("jobs", "create", "scan", "aws", *keys, "--cron", "30 3 * * *", "--timezone", "Asia/Kathmandu")
    assert made.stdout.startswith("job 1 is created and due at 20")

    assert "job 2 is created and due at 20" in elder_command("jobs", "duplicate", "1", "other", "--config", "regions=eu-west-1").stdout
    copy = elder.get("discovery/jobs/2")
    assert {key: copy[key] for key in NIGHTLY} == NIGHTLY
    assert (copy["name"], copy["config"]["regions"], copy["config"]["secret_access_key"]) == ("other", ["eu-west-1"], "***REDACTED***")

    assert "job 3 is created and due now" in elder_command("jobs", "duplicate", "1", "third", "--every", "2h").stdout
    assert elder_command("jobs", "edit", "2", "--on-demand").stdout == "job 2 is changed\n"
    assert elder.get("discovery/jobs/2")["schedule_cron"] is None
    listed = json.loads(elder_command("-o", "json", "jobs", "list").stdout)
    assert [job["schedule_cron"] for job in listed] == [None, None, "30 3 * * *"]
