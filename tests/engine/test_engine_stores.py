"""A job whose secret lies in a store: read by the job alone, in no row, log line or answer, and each failure ends the run with a sentence."""

from __future__ import annotations

import json

import msgspec
import pytest
from peers.moto import KEYS
from waiting import until

from providers import registry
from worker.config import settings

SECRET = "s3cret-of-the-store-77"


@pytest.fixture
def store(moto):
    """Puts a secret into the simulated AWS Secrets Manager."""
    return lambda name, text: moto.client("secretsmanager").create_secret(Name=name, SecretString=text)


@pytest.fixture
def start(workbench, moto, tmp_path, monkeypatch):
    """Starts a worker that may read every secret of that account, and whose jobs may name those under `jobs/`."""
    keys = tmp_path / "aws-keys.json"
    keys.write_text(json.dumps(KEYS))
    environ = {"AWS_ENDPOINT_URL": moto.url, "AWS_CREDENTIALS_FILE": str(keys), "AWS_DEFAULT_REGION": "us-east-1"}
    monkeypatch.setitem(registry.BUILT_IN, "hostile", "providers.hostile:Hostile")
    registry.get.cache_clear()
    sources = msgspec.to_builtins(settings.load(environ).sources)
    yield lambda **more: workbench.worker(sources=sources, **({"secret_reference_aws": ("jobs/*",)} | more))
    registry.get.cache_clear()


def everything(workbench) -> str:
    """Every row of every table."""
    tables = workbench.rows(
        "select quote_ident(schemaname) || '.' || quote_ident(tablename) as name from pg_tables where schemaname !~ '^(pg_|information_schema)'"
    )
    return "\n".join(workbench.one(f"select coalesce(string_agg(t::text, E'\\n'), '') from {row['name']} t") for row in tables)


def test_the_secret_is_with_the_job_alone(workbench, start, store, elder):
    """Whatever the job does with it: an error that quotes it, and output past Python as it dies."""
    store("jobs/password", json.dumps({"password": SECRET}))
    worker = start(log_level="DEBUG", discovery_max_concurrent=2)
    reference = {"$aws": "jobs/password", "key": "password"}

    blurted = workbench.ended(workbench.job(behaviour="blurt", password=reference))
    whispered = workbench.ended(workbench.job(behaviour="whisper", password=reference))

    assert "cannot log in with ***" in str(blurted) + str(workbench.scopes(blurted))
    assert "lines left out: the job has secrets that its process alone can mask" in whispered["error_detail"]
    shown = [elder.call("GET", path).get_data(as_text=True) for path in ("discovery/jobs", "discovery/history", "/jobs", "/status")]
    assert reference == workbench.one("select config -> 'password' from discovery_jobs limit 1")
    for place in (everything(workbench), worker.log.read_text(errors="replace"), json.dumps(worker.state()), *shown):
        assert SECRET not in place
        assert KEYS["secret_access_key"] not in place


def test_a_job_reads_with_it_and_the_next_run_takes_the_new_value(workbench, start, store, moto):
    store("jobs/password", "one-of-the-secrets")
    start()
    job = workbench.job(password={"$aws": "jobs/password"}, resources=3)
    assert workbench.ended(job)["status"] == "completed"

    moto.client("secretsmanager").delete_secret(SecretId="jobs/password", ForceDeleteWithoutRecovery=True)
    workbench.queue(job)
    run = workbench.ended(job, 2)
    assert (run["status"], run["error_kind"]) == ("error", "config")
    assert run["error"].startswith('`password`: {"$aws": "jobs/password"} is not there')
    assert workbench.entities() == 3


def test_a_secret_that_is_not_allowed_is_not_asked_for(workbench, start, store):
    store("prod/root", SECRET)
    start()
    run = workbench.ended(workbench.job(password={"$aws": "prod/root"}))
    assert (run["status"], run["error_kind"]) == ("error", "config")
    assert "is not a secret that jobs may name (the worker's SECRET_REFERENCE_AWS is jobs/*)" in run["error"]


def test_the_test_of_a_job_reads_it_too(elder, start, store):
    start()
    config = {"server": "https://127.0.0.1:9", "cluster_name": "prod", "token": {"$aws": "jobs/cluster"}}
    job = elder.post("discovery/jobs", {"name": "prod", "provider": "kubernetes", "config": config, "enabled": False})
    path = f"discovery/jobs/{job['id']}"
    assert elder.get(path)["config"]["token"] == {"$aws": "jobs/cluster"}

    def tested() -> str:
        answer = until(lambda: (one := elder.call("POST", f"{path}/test")).status_code == 200 and one, "a worker answers")
        return answer.get_data(as_text=True)

    assert "is not there: AWS Secrets Manager has no such secret" in tested()
    store("jobs/cluster", SECRET)
    answer = tested()
    assert "127.0.0.1" in answer
    assert "Secrets Manager" not in answer
    assert SECRET not in answer


def test_a_secret_in_vault_is_with_the_job_alone_and_no_token_is_left(workbench, start, openbao, elder):
    openbao.call("POST", "secret/data/jobs/password", {"data": {"password": SECRET}})
    mount, role, secret_id = openbao.approle('path "secret/data/*" { capabilities = ["read"] }')
    before = openbao.tokens()
    given = {"vault_addr": openbao.url, "vault_auth_mount": mount, "vault_role_id": role, "vault_secret_id": secret_id}
    worker = start(log_level="DEBUG", secret_reference_vault=("jobs/*",), **given)
    reference = {"$vault": "jobs/password", "key": "password"}

    blurted = workbench.ended(workbench.job(behaviour="blurt", password=reference))
    assert "cannot log in with ***" in str(blurted) + str(workbench.scopes(blurted))
    assert workbench.ended(workbench.job(password=reference, resources=3))["status"] == "completed"
    assert openbao.tokens() == before

    openbao.call("DELETE", "secret/data/jobs/password")
    run = workbench.ended(workbench.job(password=reference))
    assert (run["status"], run["error_kind"]) == ("error", "config")
    assert '`password`: {"$vault": "jobs/password", "key": "password"} is deleted' in run["error"]
    shown = [elder.call("GET", path).get_data(as_text=True) for path in ("discovery/jobs", "discovery/history", "/jobs", "/status")]
    for place in (everything(workbench), worker.log.read_text(errors="replace"), json.dumps(worker.state()), *shown):
        assert SECRET not in place
        assert secret_id not in place
