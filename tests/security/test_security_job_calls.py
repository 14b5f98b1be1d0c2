"""A job's process calls the Elder API as docker-compose.yml sets it up: without a key it is told nothing, whatever it says of itself."""

from __future__ import annotations

import json
import pathlib
import re
import urllib.request

import calling_package
import pytest
import yaml
from peers.service import Part, get
from third_party import install
from waiting import until

ROOT = pathlib.Path(__file__).resolve().parents[2]


def composed(service: str, secrets: pathlib.Path) -> dict[str, str]:
    """The environment of a service of docker-compose.yml beside an empty .env, with its secrets in a folder of the test."""
    given = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"][service]["environment"]
    values = {name: re.sub(r"\$\{\w+(?::?-([^}]*))?\}", r"\1", value).replace("/secrets/", f"{secrets}/") for name, value in given.items()}
    return {name: value for name, value in values.items() if value}


@pytest.fixture
def system(database, tmp_path):
    """API and worker of docker-compose.yml, the worker with a hostile package, on one machine: a job reaches the API's port."""
    secrets = tmp_path / "secrets"
    for service, key in (("api", "a" * 43), ("worker", "s" * 43)):
        (secrets / service).mkdir(parents=True)
        texts = {"database-url": database, "api-key": key, "sync-key": "s" * 43, "secret-keys": "0" * 43 + "="}
        for name, text in texts.items():
            (secrets / service / name).write_text(text)
    packages = install(tmp_path / "site", calling_package.PROVIDERS, calling_package.MODULES, name="elder-caller")
    api = Part(tmp_path / "api.log", "api", {**composed("api", secrets / "api"), "ELDER_API_HOST": "0.0.0.0"}, "ELDER_API_PORT")
    parts = [api]
    try:
        api.wait(lambda: get(f"{api.url}/healthz"), "the API does not answer")
        environ = {
            **composed("worker", secrets / "worker"),
            "ELDER_API_URL": api.url,
            "PYTHONPATH": packages,
            "DISCOVERY_POLL_INTERVAL": "1",
        }
        parts.append(Part(tmp_path / "worker.log", "run", environ, "HEALTH_CHECK_PORT"))
        parts[1].wait(lambda: get(f"{parts[1].url}/readyz"), "the worker is not ready")
        yield api
    finally:
        for part in reversed(parts):
            part.stop()


def call(api: Part, path: str, body=None):
    """A call with the key of an admin."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {'a' * 43}"}
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{api.url}/api/v1/{path}", data, headers), timeout=30) as response:
        return json.loads(response.read())


@pytest.mark.timeout(300)
def test_a_jobs_process_that_calls_the_api_without_a_key_gets_401_in_every_way(system):
    call(system, "organizations", {"name": "One"})
    made = call(system, "discovery/jobs", calling_package.job("127.0.0.1", int(system.url.rpartition(":")[2])))

    def ended():
        runs = call(system, f"discovery/jobs/{made['id']}/history")["results"]
        return next((run for run in runs if run["status"] != "running"), None)

    run = until(ended, "the job has not ended", 100)
    assert (run["status"], run["entities_discovered"]) == ("completed", len(calling_package.EXPECTED)), run
    assert calling_package.told(call(system, "entities?per_page=100")["entities"]) == calling_package.EXPECTED
