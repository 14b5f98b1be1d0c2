"""Alerts and metrics, as Prometheus itself understands them: promtool on the rules, and a real scrape of a real worker."""

from __future__ import annotations

import json
import pathlib
import re
import shutil
import subprocess
import urllib.parse

import pytest
import yaml
from peers import mortal
from peers.absent import missing
from peers.port import free_port
from peers.service import Part, get
from waiting import NO_ANSWER, until

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "prometheus"
RULES = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"][0]["rules"]
FROM_A_RUN = {"connector_sync_total", "discovery_jobs_total", "connector_sync_errors_total"}
"""Announced from the start, with a series as soon as there was one."""


@pytest.fixture(scope="module", autouse=True)
def prometheus_is_here():
    if not shutil.which("promtool") or not shutil.which("prometheus"):
        missing("prometheus is not installed")


def promtool(*arguments: str, given: str = "") -> str:
    done = subprocess.run(["promtool", *arguments], input=given, capture_output=True, text=True, cwd=FOLDER, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_rules_are_rules():
    assert f"{len(RULES)} rules found" in promtool("check", "rules", "alerts.yaml")


def test_each_alert_fires_when_it_should_and_not_before():
    promtool("test", "rules", "alerts.test.yaml")
    tested = set(re.findall(r"alertname: (\w+)", (FOLDER / "alerts.test.yaml").read_text()))
    assert tested == {rule["alert"] for rule in RULES}


@pytest.fixture
def worker(database, tmp_path):
    """A worker of which Prometheus asks."""
    part = Part(tmp_path / "worker.log", "run", {"DATABASE_URL": database}, "HEALTH_CHECK_PORT")
    try:
        part.wait(lambda: get(f"{part.url}/readyz"), "the worker is not ready")
        yield part
    finally:
        part.stop()


@pytest.fixture
def prometheus(worker, tmp_path):
    """The URL of a Prometheus with our rules, which scrapes that worker."""
    port, target = free_port(), worker.url.removeprefix("http://")
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(FOLDER / "alerts.yaml")],
        "scrape_configs": [{"job_name": "elder", "static_configs": [{"targets": [target]}]}],
    }
    (tmp_path / "prometheus.yml").write_text(json.dumps(config))
    command = ["prometheus", f"--config.file={tmp_path / 'prometheus.yml'}", f"--storage.tsdb.path={tmp_path / 'tsdb'}"]
    with (tmp_path / "prometheus.log").open("wb") as log:
        process = mortal.start([*command, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def test_a_real_prometheus_scrapes_a_real_worker(worker, prometheus):
    """And knows every metric that an alert is made of by the very name that the alert uses."""

    def answer(path: str):
        try:
            return get(f"{prometheus}/api/v1/{path}")["data"]
        except NO_ANSWER:
            return None

    promtool("check", "metrics", given=get(f"{worker.url}/metrics"))
    query = f"query?query={urllib.parse.quote('elder_worker_up')}"
    [series] = until(lambda: (answer(query) or {}).get("result"), "Prometheus has not scraped the worker")
    assert series["value"][1] == "1"
    known = set(until(lambda: answer("metadata"))) | set(answer("label/__name__/values"))
    used = {name for rule in RULES for name in re.findall(r"\b(?:elder|supervisor|discovery|connector|inventory)_\w+", rule["expr"])}
    assert used <= known | FROM_A_RUN
    assert {name.removesuffix("_total") for name in FROM_A_RUN} <= {name.removesuffix("_total") for name in answer("metadata")}
    up = [("up", "")]  # the latest look may have been a slow one
    until(lambda: [(one["health"], one["lastError"]) for one in (answer("targets") or {}).get("activeTargets", [])] == up, "it is not up")
    rules = until(lambda: answer("rules"))["groups"][0]["rules"]
    assert {rule["health"] for rule in rules} <= {"ok", "unknown"}
