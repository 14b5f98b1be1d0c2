"""Alerts and metrics, as Prometheus itself understands them: promtool on the rules, and a real scrape of a real worker."""

from __future__ import annotations

import re

import pytest
from peers.prometheus import FOLDER, RULES, needed, promtool, serving
from peers.service import Part, get
from waiting import until

FROM_A_RUN = {"connector_sync_total", "discovery_jobs_total", "connector_sync_errors_total"}
"""Announced from the start, with a series as soon as there was one."""


@pytest.fixture(scope="module", autouse=True)
def prometheus_is_here():
    needed()


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
    """A Prometheus with our rules, which scrapes that worker."""
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(FOLDER / "alerts.yaml")],
        "scrape_configs": [{"job_name": "elder", "static_configs": [{"targets": [worker.url.removeprefix("http://")]}]}],
    }
    with serving(tmp_path, config) as server:
        yield server


def test_a_real_prometheus_scrapes_a_real_worker(worker, prometheus):
    """And knows every metric that an alert is made of by the very name that the alert uses."""

    promtool("check", "metrics", given=get(f"{worker.url}/metrics"))
    answer = prometheus.answer
    [series] = until(lambda: prometheus.query("elder_worker_up"), "Prometheus has not scraped the worker")
    assert series["value"][1] == "1"
    known = set(until(lambda: answer("metadata"))) | set(answer("label/__name__/values"))
    used = {name for rule in RULES for name in re.findall(r"\b(?:elder|supervisor|discovery|connector|inventory)_\w+", rule["expr"])}
    of_the_api = {"elder_api_errors_total", "elder_api_slowed_down_requests_total", "elder_webhook_attempts_total"}
    assert used - of_the_api <= known | FROM_A_RUN  # the API's own are in test_dashboards.py
    assert {name.removesuffix("_total") for name in FROM_A_RUN} <= {name.removesuffix("_total") for name in answer("metadata")}
    up = [("up", "")]  # the latest look may have been a slow one
    until(lambda: [(one["health"], one["lastError"]) for one in (answer("targets") or {}).get("activeTargets", [])] == up, "it is not up")
    rules = until(lambda: answer("rules"))["groups"][0]["rules"]
    assert {rule["health"] for rule in rules} <= {"ok", "unknown"}
