"""Counters that alerts read are in /metrics at 0 before anything has happened: Prometheus takes no first value for an increase."""

from __future__ import annotations

import ast
import itertools
import pathlib

import pytest
from prometheus_client.parser import text_string_to_metric_families

from worker.health.metrics import exposition
from worker.run.outcome import ERROR_KINDS

ROOT = pathlib.Path(__file__).resolve().parents[3]


def counters(name: str, *metrics, **report) -> dict[tuple[str, ...], float]:
    """Values of the labels, in the order of their names -> value, of a worker that reports this."""
    text = exposition({"metrics": list(metrics), "report": {"database": {"state": "up"}, **report}}, "")[0].decode()
    [family] = [one for one in text_string_to_metric_families(text) if one.name == name]
    return {tuple(value for _, value in sorted(one.labels.items())): one.value for one in family.samples if one.name == f"{name}_total"}


def test_failed_runs_are_counted_from_zero_for_every_provider_and_error_kind():
    failed = ["discovery_jobs_total", "counter", {"provider": "aws", "status": "error", "error_kind": "memory"}, 3]
    found = counters("discovery_jobs", failed, discovery={"enabled": True, "providers": ["aws", "ldap"]})
    errors = {labels: value for labels, value in found.items() if labels[2] == "error"}
    assert errors.pop(("memory", "aws", "error")) == 3
    assert set(errors) | {("memory", "aws", "error")} == set(itertools.product(ERROR_KINDS, ("aws", "ldap", "unknown"), ("error",)))
    assert set(errors.values()) == {0}
    assert {labels[2] for labels in found} == {"completed", "partial", "error", "cancelled"}


@pytest.mark.parametrize("discovery", [{}, {"enabled": False, "providers": ["aws"]}, {"enabled": True}])
def test_a_worker_without_a_database_and_one_of_an_older_release_count_no_runs(discovery):
    assert counters("discovery_jobs", discovery=discovery) == {}


def test_syncs_are_counted_from_zero_for_every_connector_that_is_enabled():
    connectors = [{"name": "ldap", "enabled": True}, {"name": "okta", "enabled": False}]
    partial = ["connector_sync_total", "counter", {"connector": "ldap", "status": "partial"}, 1]
    assert counters("connector_sync_errors", connectors=connectors) == {("ldap",): 0}
    assert counters("connector_sync", connectors=connectors, metrics=[partial]) == {
        ("ldap", "completed"): 0, ("ldap", "partial"): 1, ("ldap", "error"): 0, ("ldap", "cancelled"): 0,
    }  # fmt: skip


def test_every_error_kind_in_the_code_is_one_that_is_counted_from_zero():
    """A kind that a job sends is one of `wire.FAILURE_KINDS`; the others are named where they arise."""
    named = set()
    for path in (ROOT / "worker").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.keyword) and node.arg == "error_kind" and isinstance(node.value, ast.Constant):
                named.add(node.value.value)
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "error_kind" and isinstance(node.value, ast.Constant):
                named.add(node.value.value)
    assert {"lost", "database", "data"} <= named
    assert named - set(ERROR_KINDS) == set()
