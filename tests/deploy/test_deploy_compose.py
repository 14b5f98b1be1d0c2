"""docker-compose.yml, as docker-compose itself reads it: what the quick start starts, and that it does not start without its secrets."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess

import pytest
import yaml
from peers.absent import missing

ROOT = pathlib.Path(__file__).resolve().parents[2]
NEEDED = {"POSTGRES_PASSWORD": "p", "ELDER_SECRET_KEYS": "k", "ELDER_API_KEY": "a"}


@pytest.fixture
def config(tmp_path):
    """What docker-compose makes of the file beside an .env with these values."""
    if not shutil.which("docker-compose"):
        missing("docker-compose is not installed")
    shutil.copy(ROOT / "docker-compose.yml", tmp_path)

    def run(values: dict[str, str]) -> subprocess.CompletedProcess[str]:
        (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in values.items()))
        environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
        return subprocess.run(["docker-compose", "config"], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=100)

    return run


def test_docker_compose_reads_it(config):
    done = config(NEEDED)
    assert done.returncode == 0, done.stderr
    services = yaml.safe_load(done.stdout)["services"]
    assert set(services) == {"postgres", "api", "worker"}
    worker, api = services["worker"], services["api"]
    assert worker["environment"]["DATABASE_URL"] == api["environment"]["DATABASE_URL"] == "postgresql://elder:p@postgres:5432/elder"
    assert worker["environment"]["ELDER_API_URL"] == "http://api:5000"
    assert worker["container_name"] == "elder-worker", "`docker stats elder-worker`"
    assert worker["read_only"] and worker["cap_drop"] == ["ALL"]
    assert {str(port).split(":")[-1].removesuffix("/tcp") for service in (worker, api) for port in service["ports"]} == {"8000", "5000"}


@pytest.mark.parametrize("name", NEEDED)
def test_without_a_secret_it_says_which(config, name):
    done = config({other: value for other, value in NEEDED.items() if other != name})
    assert done.returncode != 0
    assert name in done.stderr
