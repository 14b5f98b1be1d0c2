"""docker-compose.yml, as docker-compose itself reads it: what the quick start starts, who is where, and who gets what.

tests/container/test_container_compose.py starts what it says.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess

import pytest
import yaml
from peers.absent import missing
from quickstart import step_1

from providers import registry
from worker.config import settings, sources
from worker.config.environment import SettingsError

ROOT = pathlib.Path(__file__).resolve().parents[2]
STEP_1 = step_1()

OWN = {"elder_api_key", "elder_sync_key", "elder_secret_keys", "database_url"}


@pytest.fixture
def config(tmp_path):
    """What docker-compose makes of the file beside an .env with these values."""
    if not shutil.which("docker-compose"):
        missing("docker-compose is not installed")
    shutil.copy(ROOT / "docker-compose.yml", tmp_path)

    def run(**values: str) -> dict:
        (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in values.items()))
        environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
        done = subprocess.run(["docker-compose", "config"], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=100)
        assert done.returncode == 0, done.stderr
        return yaml.safe_load(done.stdout)

    return run


def secret_names() -> set[str]:
    """Every variable that holds a secret."""
    built_in = (one for each in registry.descriptions() for one in sources.variables(each))
    return {one.name for one in (*settings.variables(settings.Settings), *built_in) if one.secret}


def test_with_the_env_of_step_1_alone_everything_is_there(config):
    services = config(**STEP_1)["services"]
    assert set(services) == {"secrets", "postgres", "migrate", "api", "worker"}
    worker, api = services["worker"], services["api"]
    assert worker["environment"]["ELDER_API_URL"] == "http://api:5000"
    assert worker["container_name"] == "elder-worker", "`docker stats elder-worker`"
    assert {str(port).removesuffix("/tcp") for service in (worker, api) for port in service["ports"]} == {
        "127.0.0.1:8000:8000", "127.0.0.1:5000:5000",
    }  # fmt: skip
    order = {name: set(service.get("depends_on", ())) for name, service in services.items()}
    assert order == {"secrets": set(), "postgres": {"secrets"}, "migrate": {"postgres"}, "api": {"migrate"}, "worker": {"migrate"}}


def test_our_services_have_no_rights_that_they_do_not_need(config):
    services = config(**STEP_1)["services"]
    for name in services:
        assert (services[name]["read_only"], services[name]["cap_drop"]) == (True, ["ALL"]), name
        assert services[name]["security_opt"] == ["no-new-privileges:true"], name
    assert {name: service["user"] for name, service in services.items() if "user" in service} == {"secrets": "0", "postgres": "postgres"}
    assert set(services["postgres"]["tmpfs"]) == {"/tmp", "/run/postgresql"}, "what PostgreSQL writes beside its volume"
    assert [name for name, service in services.items() if any("secrets_owner" in str(one) for one in service["volumes"])] == [
        "migrate", "postgres", "secrets",
    ]  # fmt: skip
    assert not [
        one
        for name in ("postgres", "migrate", "api", "worker")
        for one in services[name]["volumes"]
        if "secrets" in one and ":ro" not in one
    ]


def test_the_front_network_has_the_api_alone_and_is_the_one_from_which_no_key_is_asked(config):
    found = config(**STEP_1)
    at = {name: set(service.get("networks", ())) for name, service in found["services"].items()}
    assert at == {"secrets": set(), "postgres": {"back"}, "migrate": {"back"}, "api": {"front", "back"}, "worker": {"back", "outside"}}
    assert found["services"]["secrets"]["network_mode"] == "none"
    assert found["networks"]["back"]["internal"] is True
    [front] = found["networks"]["front"]["ipam"]["config"]
    assert front["subnet"] == found["services"]["api"]["environment"]["ELDER_API_OPEN_NETWORK"] == "172.31.255.0/29"

    other = config(**STEP_1, ELDER_API_OPEN_NETWORK="10.7.7.0/29")
    assert other["networks"]["front"]["ipam"]["config"] == [{"subnet": "10.7.7.0/29"}]
    assert other["services"]["api"]["environment"]["ELDER_API_OPEN_NETWORK"] == "10.7.7.0/29"
    off = config(**STEP_1, ELDER_API_OPEN_NETWORK="")
    assert off["services"]["api"]["environment"]["ELDER_API_OPEN_NETWORK"] == "", "then everybody needs a key"


def test_each_service_gets_its_own_secrets_and_no_others(config):
    names = secret_names()
    services = config(**{**STEP_1, **dict.fromkeys(names | {"POSTGRES_PASSWORD"}, "canary")})["services"]
    got = {name: {key for key, value in service.get("environment", {}).items() if value == "canary"} for name, service in services.items()}
    assert got["secrets"] == {"POSTGRES_PASSWORD", "ELDER_API_KEY", "ELDER_SYNC_KEY", "ELDER_SECRET_KEYS"}
    assert got["api"] == {"ELDER_OIDC_CLIENT_SECRET"}
    assert (got["postgres"], got["migrate"]) == (set(), set())
    assert got["worker"] == names - {"DATABASE_URL", "ELDER_API_KEY", "ELDER_SYNC_KEY", "ELDER_SECRET_KEYS", "ELDER_OIDC_CLIENT_SECRET"}
    assert [name for name, service in services.items() if any("secrets_app" in str(one) for one in service["volumes"])] == [
        "api",
        "secrets",
    ]
    assert [name for name, service in services.items() if any("secrets_worker" in str(one) for one in service["volumes"])] == [
        "secrets", "worker",
    ]  # fmt: skip


def test_what_the_api_is_given_are_settings_that_it_takes(config, tmp_path):
    """A connector that is switched on in .env is the worker's; the API, which has none of its settings, starts all the same."""
    switched_on = {f"{name.upper()}_ENABLED": "true" for name in registry.BUILT_IN}
    environ = {key: str(value) for key, value in config(**STEP_1 | switched_on)["services"]["api"]["environment"].items()}
    for name in OWN:
        (tmp_path / name).write_text("x" * 32)
        environ[f"{name.upper()}_FILE"] = str(tmp_path / name)
    try:
        loaded = settings.load(environ)
    except SettingsError as error:
        pytest.fail(str(error))
    assert loaded.elder_api_key == "x" * 32
    known = {one.name for one in settings.variables(settings.Settings)} | {f"{name.upper()}_ENABLED" for name in registry.BUILT_IN}
    assert {key.removesuffix("_FILE") for key in environ} <= known
