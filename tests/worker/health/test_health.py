"""The health endpoints over a state that the test publishes, and through a real worker."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from peers.port import free_port
from prometheus_client.parser import text_string_to_metric_families
from waiting import CAP, NO_ANSWER, until

from supervisor.published import PublishedState, create
from worker.config.settings import Settings
from worker.health.app import create_app
from worker.version import __version__

ROOT = pathlib.Path(__file__).resolve().parents[3]


def published(**more) -> dict:
    database = {"configured": True, "state": "up", "since": 0, "error": "", "schema": "0002"}
    connector = {"name": "ldap", "enabled": True, "status": "completed", "last_sync_at": None, "next_sync_at": None, "error": ""}
    metrics = [["connector_sync_total", "counter", {"connector": "ldap", "status": "completed"}, 2]]
    histogram = {"buckets": [0.1, 1.0], "counts": [1, 2], "sum": 0.7, "count": 3}
    return {
        "version": 1,
        "beat": time.monotonic(),
        "draining": False,
        "spawn_problem": "",
        "warnings": [],
        "pools": {},
        "jobs": [],
        "services": {},
        "isolation": {},
        "metrics": [["discovery_running", "gauge", {}, 1], ["discovery_kill_latency_seconds", "histogram", {}, histogram]],
        "report": {"database": database, "discovery": {}, "connectors": [connector], "metrics": metrics},
        "report_age": 0.1,
        **more,
    }


@pytest.fixture
def client():
    state = PublishedState(create())
    client = create_app(state.fd, Settings(discovery_max_concurrent=7)).test_client()
    client.publish = lambda **more: state.write(json.dumps(published(**more)).encode())
    return client


@pytest.mark.parametrize("path", ["/", "/status", "/nothing"])
@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example", "worker", "[::1", ""]
)
def test_pages_are_not_shown_under_a_foreign_name(client, path, host):
    client.publish()

    answer = client.get(path, headers={"Host": host})

    assert answer.status_code == 403
    assert "HEALTH_CHECK_NAMES" in answer.json["error"]


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "LOCALHOST.", "127.0.0.1:8000", "10.1.2.3", "[::1]:8000", "[fd00::7]", "Status.Example:8000"]
)
def test_pages_are_shown_under_localhost_addresses_and_configured_names(host):
    state = PublishedState(create())
    client = create_app(state.fd, Settings(health_check_names=("status.example",))).test_client()
    state.write(json.dumps(published()).encode())

    assert [client.get(path, headers={"Host": host}).status_code for path in ("/", "/status")] == [200, 200]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_probes_and_scrapes_come_under_every_name(client, path):
    client.publish()

    assert client.get(path, headers={"Host": "elder-worker.elder.svc:8000"}).status_code == 200


def test_h01_healthy_means_that_the_loop_turns(client):
    assert client.get("/healthz").status_code == 503
    client.publish()
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json["status"], answer.json["service"]) == (200, "healthy", "elder-worker")
    client.publish(beat=time.monotonic() - 60)
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert "has not turned for 60 s" in answer.json["error"]


def test_a_database_that_is_away_is_a_matter_of_readiness(client):
    report = published()["report"]
    report["database"].update(state="down", error="nobody answers")
    client.publish(report=report)
    assert client.get("/healthz").status_code == 200
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["error"]) == (503, "the database is out of reach: nobody answers")
    assert client.get("/status").json["status"] == "degraded"


def test_a_writer_that_does_not_report_is_not_ready(client):
    client.publish(report_age=100)
    assert client.get("/readyz").status_code == 503
    client.publish(draining=True)
    assert client.get("/readyz").json["error"] == "the worker is stopping"


def test_status_as_the_quick_start_expects_it(client):
    client.publish()
    status = client.get("/status").json
    assert {"status", "service", "running", "connectors", "settings", "report_age_seconds"} <= set(status)
    assert status["settings"]["discovery_max_concurrent"] == 7
    assert status["connectors"][0]["name"] == "ldap"


def test_metrics_can_be_parsed_and_have_the_quick_starts_names(client):
    client.publish()
    families = {family.name: family for family in text_string_to_metric_families(client.get("/metrics").text)}
    assert {"connector_sync", "connector_entities_synced", "connector_sync_errors", "discovery_jobs", "elder_worker_up"} <= set(families)
    assert [sample.value for sample in families["discovery_kill_latency_seconds"].samples][:3] == [1, 2, 3]


def test_restarts_unkillable_jobs_and_the_version_are_metrics(client):
    client.publish(services={"writer": {"restarts": 3}}, pools={"discovery": {"unkillable": 1}})
    text = client.get("/metrics").text
    assert 'supervisor_restarts_total{process="writer"} 3.0' in text
    assert 'supervisor_unkillable_jobs{pool="discovery"} 1.0' in text
    assert f'elder_build_info{{service="elder-worker",version="{__version__}"}} 1.0' in text


def test_the_page_and_a_page_that_is_not_there(client):
    client.publish()
    assert "Elder Worker" in client.get("/").text
    assert client.get("/nothing").status_code == 404


def start(tmp_path, **environ):
    clean = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HEALTH_CHECK_HOST": "127.0.0.1", **environ}
    out = (tmp_path / "out").open("wb")
    with out:
        return subprocess.Popen([sys.executable, "-m", "worker.cli", "run"], env=clean, cwd=ROOT, stdout=out, stderr=out)


def test_a_worker_whose_database_is_away_is_alive_and_says_so(tmp_path):
    port = free_port()
    process = start(tmp_path, HEALTH_CHECK_PORT=str(port), DATABASE_URL="postgresql://elder:canary-password@127.0.0.1:1/elder")
    try:
        status = until(lambda: (result := status_of(port)) and result["database"].get("error") and result, "the database is missed")
        assert (status["status"], status["running"], status["database"]["state"]) == ("degraded", True, "down")
        others = [pid for pid in os.listdir("/proc") if pid.isdigit() and _parent(pid) == process.pid]
        assert len(others) == 2
        for pid in (*others, str(process.pid)):
            assert b"canary" not in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
            try:
                assert b"canary" not in pathlib.Path(f"/proc/{pid}/environ").read_bytes()
            except PermissionError:
                assert os.geteuid() != 0, "from others of its own user a service hides its environment"
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(CAP) == 0
    assert "canary" not in (tmp_path / "out").read_text() + json.dumps(status)


def test_b11_a_web_worker_that_is_killed_or_wedged_is_replaced(tmp_path):
    """SIGKILL and SIGSTOP for gunicorn's worker, then SIGKILL for gunicorn itself: the supervisor stays who it is, /healthz comes back."""
    port = free_port()
    process = start(tmp_path, HEALTH_CHECK_PORT=str(port))
    try:
        gunicorn = until(lambda: (result := status_of(port)) and result["services"]["http"]["pid"], "it answers")
        for number in (signal.SIGKILL, signal.SIGSTOP):
            [before] = until(lambda: _children(gunicorn), "gunicorn has a worker")
            os.kill(before, number)
            until(lambda before=before: status_of(port) and before not in _children(gunicorn), f"another answers after {number.name}")
        os.kill(gunicorn, signal.SIGKILL)
        services = until(
            lambda: (result := status_of(port)) and result["services"]["http"]["pid"] not in (gunicorn, None) and result["services"],
            "again",
        )
        assert services["http"]["restarts"] == 1
        assert services["writer"]["restarts"] == 0
        assert process.poll() is None
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(CAP) == 0


def _children(pid: int) -> list[int]:
    return [int(one) for one in os.listdir("/proc") if one.isdigit() and _parent(one) == pid]


def status_of(port: int) -> dict | None:
    """/status, or None while there is no whole answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/status", timeout=5) as answer:
            return json.loads(answer.read())
    except NO_ANSWER:
        return None


def test_the_supervisor_carries_nothing_but_itself():
    """It lives as long as the service, in every container: no structlog, no settings, no provider, no HTTP client.

    Of providers it has the shapes by which its redactor knows a secret in what a job prints, and nothing else.
    """
    code = (
        "import sys, supervisor.supervisor, worker.supervised\n"
        "heavy = {'structlog', 'flask', 'urllib3', 'psycopg', 'cryptography', 'worker.config.settings'}\n"
        "found = sorted(name for name in sys.modules if name in heavy or name.startswith('providers.'))\n"
        "assert found == ['providers.token_shapes'], found"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=CAP)


def _parent(pid: str) -> int:
    try:
        return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def test_a_port_that_is_taken_is_one_sentence_and_exit_78(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = start(tmp_path, HEALTH_CHECK_PORT=str(taken.getsockname()[1]))
        assert process.wait(CAP) == 78
    assert "choose another with HEALTH_CHECK_PORT" in (tmp_path / "out").read_text()


@pytest.mark.parametrize(
    ("arguments", "environ", "code", "sentence"),
    [
        (["discover", "awss"], {}, 78, "did you mean 'aws'?"),
        (["discover", "azure", "--config", "tenant_id=x"], {}, 78, "go together"),
        (["migrate"], {}, 78, "DATABASE_URL is not set"),
        (["run", "--job", "1"], {}, 78, "--job needs --once"),
        (["run", "--once"], {}, 78, "needs DATABASE_URL"),
        (["run"], {"LEASE_TTL": "x"}, 78, "LEASE_TTL: must be a number"),
        (["api"], {"ELDER_API_HOST": "0.0.0.0"}, 78, "needs ELDER_API_KEY"),
        (["providers", "nothing"], {}, 78, "unsupported provider 'nothing'"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(arguments, environ, code, sentence):
    clean = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environ}
    done = subprocess.run(
        [sys.executable, "-m", "worker.cli", *arguments], env=clean, cwd=ROOT, capture_output=True, text=True, timeout=CAP
    )
    assert done.returncode == code, done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
