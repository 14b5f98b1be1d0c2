"""GCP as a discovery job of a real worker, and as a connector into the API: then again, with nothing to write, and with a scope that fails."""

from __future__ import annotations

import contextlib
import json
import subprocess
import urllib.request

import pytest
from cryptography.fernet import Fernet
from gcp_assets import METHOD, Inventory
from peers import google_refusals as refusals
from peers.google_cloud import CANARY, PROJECTS, in_project
from peers.google_tokens import FEDERATED
from peers.service import CAP, CHECK, ROOT, Part, environment, get

ONE, OTHER = PROJECTS
DISKS = "compute.disks.aggregatedList"


def post(url: str, body: dict) -> dict:
    return _send("POST", url, body)


def _send(method: str, url: str, body: dict) -> dict:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=20) as response:
        return json.loads(response.read())


def secrets_of(google) -> list[str]:
    lines = google.key()["private_key"].splitlines()
    return [CANARY, "ya29.canary", google.key()["private_key_id"], *(line for line in lines if len(line) > 20 and "-----" not in line)]


@pytest.fixture
def settings(google, company, tmp_path):
    """As in the quick start, but against the contract server."""
    path = tmp_path / "gcp-credentials.json"
    path.write_text(json.dumps(google.key()))
    return {
        "GCP_ENABLED": "true",
        "GCP_PROJECT_ID": ONE,
        "GCP_CREDENTIALS_PATH": str(path),
        "GCP_SYNC_INTERVAL": "600",
        **google.operator,
    }


def test_a_project_without_a_database_and_nothing_to_write_the_second_time(google, settings, api, start_worker, sql):
    def synced(status: str) -> dict:
        worker = start_worker(**settings)
        ended = worker.wait(lambda: (one := worker.connector("gcp"))["status"] not in ("never", "running") and one, "no sync ended")
        assert ended["status"] == status, (ended, worker.log.read_text())
        worker.stop()
        said.append(worker.log.read_text() + json.dumps(ended))
        return ended

    said: list[str] = []
    found = synced("completed")["entities"]
    assert (found["updated"], found["deleted"]) == (0, 0)
    assert found["created"] == sql.execute("select count(*) from entities").fetchone()[0] > 80
    named_again = found["unchanged"]  # users whom policies of several types name
    assert named_again == sql.execute("select count(*) from elder_worker.sightings").fetchone()[0]
    names = {one["name"]: one for one in get(f"{api.url}/api/v1/organizations?per_page=100")["organizations"]}
    assert set(names) == {"GCP", f"GCP Project: {ONE}"}
    assert names[f"GCP Project: {ONE}"]["parent_id"] == names["GCP"]["id"]
    assert get(f"{api.url}/api/v1/entities?sub_type=gce_instance")["total"] == 8
    in_vpc = "select count(*) from dependencies where dependency_type = 'in_vpc' and target_id is not null"
    assert sql.execute(in_vpc).fetchone()[0] >= 8

    before = sql.execute("select id, xmin::text from entities order by id").fetchall()
    assert synced("completed")["entities"] == {"created": 0, "updated": 0, "unchanged": found["created"] + named_again, "deleted": 0}
    assert sql.execute("select id, xmin::text from entities order by id").fetchall() == before

    everything = "".join(said) + api.log.read_text() + str(sql.execute("select * from entities").fetchall())
    assert not [secret for secret in secrets_of(google) if secret in everything]


@pytest.fixture
def service(google, database, tmp_path):
    """An API that can keep secrets, and a worker over the same database."""
    shared = {"DATABASE_URL": database, "ELDER_SECRET_KEYS": Fernet.generate_key().decode()}
    with contextlib.ExitStack() as parts:
        api = Part(tmp_path / "keeping-api.log", "api", shared, "ELDER_API_PORT")
        parts.callback(api.stop)
        api.wait(lambda: get(f"{api.url}/healthz"), "the API does not answer")
        worker = Part(tmp_path / "worker.log", "run", {**shared, "ELDER_API_URL": api.url, **google.operator}, "HEALTH_CHECK_PORT")
        parts.callback(worker.stop)
        yield api, worker


def test_a_discovery_job_reads_its_projects_and_neither_a_denied_list_nor_another_feed_takes_anything_away(google, company, service, sql):
    api, worker = service
    job = post(f"{api.url}/api/v1/discovery/jobs", {"name": "GCP Projects Scan", "provider": "gcp", "config": company.config()})["id"]

    def run(number: int) -> dict:
        def ended():
            results = get(f"{api.url}/api/v1/discovery/jobs/{job}/history")["results"]
            return len(results) >= number and results[number - 1]["status"] not in ("pending", "running") and results[number - 1]

        return worker.wait(ended, "the job has not ended")

    first = run(1)
    assert (first["status"], first["error"]) == ("completed", None), first
    assert first["entities_discovered"] >= first["entities_created"] == sql.execute("select count(*) from entities").fetchone()[0] > 160
    before = sql.execute("select id, xmin::text from entities order by id").fetchall()

    with google.failing(refusals.denied("compute.disks.list"), in_project(OTHER, DISKS)):
        post(f"{api.url}/api/v1/discovery/jobs/{job}/queue", {})
        second = run(2)
    assert second["status"] == "partial"
    [denied] = [scope for scope in second["scopes"] if scope["outcome"] != "complete"]
    assert (denied["outcome"], denied["permission"], denied["account"]) == ("denied", "compute.disks.list", OTHER)
    assert OTHER in str(get(f"{api.url}/api/v1/discovery/jobs/{job}"))
    assert sql.execute("select id, xmin::text from entities order by id").fetchall() == before

    Inventory(company)
    _send("PATCH", f"{api.url}/api/v1/discovery/jobs/{job}", {"config": company.config(feed="assets")})
    post(f"{api.url}/api/v1/discovery/jobs/{job}/queue", {})
    third = run(3)
    assert third["status"] == "completed", [scope for scope in third["scopes"] if scope["outcome"] != "complete"]
    assert google.asked(METHOD)
    assert sql.execute("select id, xmin::text from entities order by id").fetchall() == before

    shown = json.dumps(get(f"{api.url}/api/v1/discovery/jobs/{job}")) + json.dumps([first, second])
    stored = str(sql.execute("select * from entities").fetchall()) + str(sql.execute("select * from discovery_jobs").fetchall())
    everything = shown + stored + worker.log.read_text() + api.log.read_text()
    assert not [secret for secret in secrets_of(google) if secret in everything]


def check(google, settings) -> dict:
    """What the connectivity test says of GCP."""
    done = subprocess.run(CHECK, env=environment(settings), cwd=ROOT, capture_output=True, text=True, timeout=3 * CAP)
    assert not [secret for secret in secrets_of(google) if secret in done.stdout + done.stderr]
    return next(one for one in json.loads(done.stdout) if one["name"] == "GCP")


def test_a_confined_process_reads_the_token_that_the_operators_credential_file_names(google, company, settings, tmp_path):
    token, path = tmp_path / "token", tmp_path / "federated.json"
    token.write_text(FEDERATED)
    key = {"type": "external_account", "audience": "//iam.googleapis.com/p", "subject_token_type": "urn:ietf:params:oauth:token-type:jwt"}
    key |= {"token_url": "https://sts.googleapis.com/v1/token", "credential_source": {"file": str(token)}}
    path.write_text(json.dumps(key))

    answer = check(google, settings | {"GCP_CREDENTIALS_PATH": "", "GOOGLE_APPLICATION_CREDENTIALS": str(path)})
    assert answer["success"] is True, answer


def test_the_connectivity_test_says_as_whom_or_what_is_wrong(google, company, settings):
    answer = check(google, settings)
    assert answer["success"] is True
    assert (answer["identity"]["name"], answer["identity"]["account"]) == (f"reader@{ONE}.iam.gserviceaccount.com", ONE)
    with google.failing(refusals.INVALID_GRANT, "token"):
        answer = check(google, settings)
    assert answer["success"] is False
    assert "make a new" in answer["message"]
