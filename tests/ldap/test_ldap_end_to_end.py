"""A directory of 10,000 into the Elder API, by a worker that has no database; then again, with nothing to write."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import sys
import urllib.request

import pytest
from peers.slapd import USERS, free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]
CAP = 100


def get(url: str):
    with urllib.request.urlopen(url, timeout=20) as response:
        body = response.read()
    return json.loads(body) if response.headers["Content-Type"].startswith("application/json") else body.decode()


class Part:
    """The API or the worker, as a process."""

    def __init__(self, log: pathlib.Path, command: str, environ: dict[str, str]) -> None:
        self.log = log
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("DATABASE_", "ELDER_", "LDAP_", "AWS_"))}
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "worker.cli", command], env={**clean, **environ}, cwd=ROOT, stdout=out, stderr=out
            )

    def wait(self, holds, complaint: str):
        """The first true value of `holds`."""
        import time

        deadline = time.monotonic() + CAP
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            try:
                found = holds()
            except OSError:
                found = None
            if found:
                return found
            time.sleep(0.05)
        raise AssertionError(f"{complaint}\n{self.log.read_text()[-4000:]}")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) in (0, -signal.SIGTERM), self.log.read_text()


@pytest.fixture
def api(database, tmp_path):
    port = free_port()
    part = Part(tmp_path / "api.log", "api", {"DATABASE_URL": database, "ELDER_API_PORT": str(port)})
    part.url = f"http://127.0.0.1:{port}"
    part.wait(lambda: get(f"{part.url}/healthz"), "the API does not answer")
    yield part
    part.stop()


@pytest.fixture
def worker(api, slapd, tmp_path):
    port = free_port()
    environ = {
        "LDAP_ENABLED": "true",
        "LDAP_SERVER": "localhost",
        "LDAP_PORT": str(slapd.port),
        "LDAP_START_TLS": "true",
        "LDAP_CA_CERT": str(slapd.ca),
        "LDAP_BIND_DN": slapd.config()["bind_dn"],
        "LDAP_BIND_PASSWORD": slapd.config()["bind_password"],
        "LDAP_BASE_DN": slapd.config()["base_dn"],
        "LDAP_USER_FILTER": "(objectClass=inetOrgPerson)",
        "LDAP_SYNC_INTERVAL": "10",
        "ELDER_API_URL": api.url,
        "HEALTH_CHECK_PORT": str(port),
        "SYNC_BATCH_SIZE": "1000",
    }
    part = Part(tmp_path / "worker.log", "run", environ)
    part.url = f"http://127.0.0.1:{port}"
    yield part
    part.stop()


def ldap_status(worker):
    return next(one for one in get(f"{worker.url}/status")["connectors"] if one["name"] == "ldap")


def test_ten_thousand_users_without_a_database_and_nothing_to_write_the_second_time(api, worker, sql):
    worker.wait(lambda: "sync completed" in worker.log.read_text(), "no sync was completed")
    status = worker.wait(lambda: (one := ldap_status(worker))["status"] == "completed" and one, "the status does not say so")
    assert status["entities"] == {"created": USERS + 1 + 3 + 4, "updated": 0, "unchanged": 0, "deleted": 0}
    assert get(f"{api.url}/api/v1/entities?entity_type=user")["total"] == USERS + 1
    assert get(f"{api.url}/api/v1/entities?sub_type=ldap_group")["total"] == 3
    names = {one["name"]: one for one in get(f"{api.url}/api/v1/organizations?per_page=100")["organizations"]}
    assert {"LDAP: localhost", "People", "Engineering", "Ops, EMEA"} <= set(names)
    assert names["Engineering"]["parent_id"] == names["People"]["id"]
    members = sql.execute(
        "select count(*) from dependencies d join entities g on g.id = d.target_id where g.name = 'big' and dependency_type = 'member_of'"
    ).fetchone()
    assert members == (5001,)
    metrics = get(f"{worker.url}/metrics")
    assert 'connector_sync_total{connector="ldap",status="completed"} 1.0' in metrics
    assert f'connector_entities_synced_total{{connector="ldap",operation="created"}} {float(USERS + 8)}' in metrics

    before = sql.execute("select id, xmin::text from entities order by id").fetchall()
    status = worker.wait(lambda: (one := ldap_status(worker))["entities"]["unchanged"] == USERS + 8 and one, "there was no second sync")
    assert status["entities"] == {"created": 0, "updated": 0, "unchanged": USERS + 8, "deleted": 0}
    assert sql.execute("select id, xmin::text from entities order by id").fetchall() == before
    assert "canary" not in worker.log.read_text() + api.log.read_text()
