"""Metrics by OTLP: what /metrics shows arrives with the same names, labels and numbers, and a receiver that is away costs an export."""

from __future__ import annotations

import time

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_CUMULATIVE
from peers.otlp import points
from prometheus_client.parser import text_string_to_metric_families
from waiting import until

from worker.config.settings import Settings
from worker.health.metrics import exposition
from worker.logs.redact import Redactor
from worker.telemetry import metric_export
from worker.telemetry.telemetry import Telemetry

STARTED = 1_700_000_000.5
STATE = {
    "started_at": STARTED,
    "beat": 0.0,
    "draining": False,
    "spawn_problem": "",
    "services": {"writer": {"restarts": 2}},
    "pools": {"discovery": {"unkillable": 1}},
    "metrics": [("discovery_kill_latency_seconds", "histogram", {}, {"buckets": [0.1, 1], "counts": [2, 5], "count": 6, "sum": 4.5})],
    "report": {
        "database": {"state": "up"},
        "discovery": {"enabled": True, "providers": ["aws"]},
        "metrics": [
            ("discovery_jobs_total", "counter", {"provider": "aws", "status": "completed", "error_kind": ""}, 7),
            ("discovery_job_duration_seconds", "histogram", {"provider": "aws"}, {"buckets": [1], "counts": [1], "count": 2, "sum": 9.0}),
            ("discovery_job_duration_seconds", "histogram", {"provider": "gcp"}, {"buckets": [1], "counts": [0], "count": 3, "sum": 30.0}),
            ("discovery_queue_depth", "gauge", {}, 4),
        ],
    },
}


@pytest.fixture
def made(otlp):  # which is there until they are closed
    """Makes the metrics of a process that publishes a state; they are closed at the end."""
    found = []

    def make(state=STATE):
        settings = Settings(otel_enabled=True, otel_traces_exporter="none", otel_exporter_otlp_endpoint=otlp.base)
        found.append(Telemetry(settings, Redactor(settings.secret_values()), lambda: state))
        return found[-1]

    yield make
    for one in found:
        one.close()
        one.wait()
        until(lambda one=one: not one._metrics.thread.is_alive(), "the thread of the metrics ends")


def warnings(lines):
    return [line for line in lines if line["log_level"] in ("warning", "error")]


def test_every_number_of_metrics_arrives_under_its_name_and_labels(made, otlp):
    before = time.time_ns()
    made()._metrics.send()
    [sent] = otlp.exports()

    shown = [family for family in text_string_to_metric_families(exposition(STATE, "")[0].decode()) if family.samples]
    assert set(sent) == {family.name for family in shown}
    for family in shown:
        if family.type != "histogram":
            wanted = {tuple(sorted(sample.labels.items())): sample.value for sample in family.samples}
            found = {labels: getattr(point, point.WhichOneof("value")) for labels, point in points(sent[family.name]).items()}
            assert found.keys() == wanted.keys()
            assert all(found[key] == wanted[key] or family.name == "supervisor_beat_age_seconds" for key in wanted), family.name
    runs = sent["discovery_jobs"]
    assert (runs.is_monotonic, runs.aggregation_temporality) == (True, AGGREGATION_TEMPORALITY_CUMULATIVE)
    for point in runs.data_points:
        assert point.start_time_unix_nano == int(STARTED * 1e9)
        assert before <= point.time_unix_nano <= time.time_ns()


def test_a_histogram_has_the_counts_of_its_buckets_and_no_least_and_largest(made, otlp):
    made()._metrics.send()
    [sent] = otlp.exports()

    [latency] = sent["discovery_kill_latency_seconds"].data_points
    assert (list(latency.explicit_bounds), list(latency.bucket_counts), latency.count, latency.sum) == ([0.1, 1.0], [2, 3, 1], 6, 4.5)
    assert not latency.HasField("min") and not latency.HasField("max")
    by_provider = points(sent["discovery_job_duration_seconds"])
    assert {labels: list(point.bucket_counts) for labels, point in by_provider.items()} == {
        (("provider", "aws"),): [1, 1],
        (("provider", "gcp"),): [0, 3],
    }


def test_they_are_sent_at_intervals_and_once_more_at_the_end(made, otlp, monkeypatch):
    monkeypatch.setattr(metric_export, "SECONDS", 0.05)
    one = made()
    until(lambda: len(otlp.exports()) >= 2, "two exports")
    monkeypatch.setattr(metric_export, "SECONDS", 3600.0)
    count = len(otlp.exports())
    one.close()
    one.wait()
    assert len(otlp.exports()) > count
    assert otlp.exports()[0]["elder_worker_up"]


def test_before_the_supervisor_has_published_anything_nothing_is_sent(made, otlp, log_lines):
    made({})._metrics.send()

    assert (otlp.received, log_lines) == ([], [])


def test_a_receiver_that_takes_no_metrics_is_logged_once_and_once_when_it_does(made, otlp, log_lines):
    otlp.answers = [404, 404, 200]
    one = made()
    for _ in range(3):
        one._metrics.send()

    assert [line["log_level"] for line in log_lines] == ["warning", "info"]
    assert log_lines[0]["event"].startswith(f"metrics do not reach {otlp.base}: it answers 404")
    assert "/metrics has them" in log_lines[0]["event"]
    assert log_lines[1]["lost_exports"] == 2


def test_refused_numbers_are_logged(made, otlp, log_lines):
    otlp.refuse_numbers(3, "too old")
    made()._metrics.send()

    [line] = warnings(log_lines)
    assert "it refuses 3 numbers: too old" in line["event"]


def test_each_signal_can_be_switched_off(otlp):
    settings = Settings(otel_enabled=True, otel_traces_exporter="none", otel_metrics_exporter="none", otel_exporter_otlp_endpoint=otlp.base)
    one = Telemetry(settings, Redactor(), dict)
    one.close()
    one.wait()

    assert (one.traces, otlp.received) == (None, [])
