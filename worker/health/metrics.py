"""/metrics: the numbers that the supervisor and the writer publish, in the Prometheus text formats. Nothing is counted here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder

from worker.health.state import age, unready
from worker.run.outcome import ERROR_KINDS, UNKNOWN_PROVIDER, Status
from worker.version import __version__

LABELS: dict[str, tuple[str, ...]] = {
    "connector_sync_total": ("connector", "status"),
    "connector_entities_synced": ("connector", "operation"),
    "connector_sync_errors": ("connector",),
    "connector_sync_duration_seconds": ("connector",),
    "connector_last_sync_timestamp": ("connector",),
    "connector_scopes_total": ("connector", "outcome"),
    "connector_failing": (),
    "discovery_jobs_total": ("error_kind", "provider", "status"),
    "discovery_job_duration_seconds": ("provider",),
    "discovery_running": (),
    "discovery_kill_latency_seconds": (),
    "discovery_entities_total": (),
    "discovery_scopes_total": ("outcome",),
    "discovery_queue_depth": (),
    "discovery_failing_jobs": (),
    "discovery_denied_jobs": (),
    "discovery_parked_jobs": (),
    "inventory_scopes": ("state",),
    "inventory_stale_scopes": (),
    "inventory_held_back": (),
    "inventory_ending_credentials": (),
    "elder_ending_keys": (),
    "inventory_unconfirmed": (),
    "discovery_oldest_due_seconds": (),
    "supervisor_loop_lag_seconds": (),
    "supervisor_spawn_failures_total": (),
    "supervisor_dropped_log_lines": (),
    "writer_rows_total": ("operation",),
    "writer_retries_total": ("reason",),
    "writer_refused_writes_total": (),
    "retention_deleted_rows_total": ("what",),
    "retention_started_timestamp": (),
    "retention_last_run_timestamp": (),
}
"""The metrics that supervisor and writer publish, each with its labels: what dashboards and alerts may name."""

HELP = {
    "connector_sync_total": "Syncs by connector and outcome",
    "connector_entities_synced": "Entities by connector and operation",
    "connector_sync_errors": "Syncs that failed",
    "connector_sync_duration_seconds": "Duration of syncs",
    "connector_last_sync_timestamp": "Unix time of the last sync that read every scope in full",
    "connector_scopes_total": "Scopes of syncs by connector and outcome",
    "connector_failing": "Connectors whose latest sync did not read everything",
    "discovery_jobs_total": "Discovery runs by provider and outcome",
    "discovery_job_duration_seconds": "Lifetime of job processes",
    "discovery_running": "Discovery jobs that hold a slot",
    "discovery_kill_latency_seconds": "Seconds from the decision to kill until the whole process tree was proven dead",
    "discovery_entities_total": "Entities that runs have found",
    "discovery_scopes_total": "Scopes by outcome",
    "discovery_queue_depth": "Jobs that are due and that no worker has claimed",
    "discovery_failing_jobs": "Enabled jobs whose latest ended run was an error",
    "discovery_denied_jobs": "Enabled jobs that do not fail and were denied a scope when they last read it",
    "discovery_parked_jobs": "Jobs that crashed too often in a row and wait for a person",
    "inventory_scopes": "Scopes by state: current, or abandoned by every plan",
    "inventory_stale_scopes": "Current scopes that were not read in full for seven days",
    "inventory_held_back": "Entities, links and attributes that the guard against mass deletion holds back",
    "inventory_ending_credentials": "Jobs and connectors whose credential ends within 30 days, or has ended",
    "elder_ending_keys": "Keys of the API that end within 14 days, or have ended within as many",
    "inventory_unconfirmed": "Entities that have been unconfirmed for seven days",
    "discovery_oldest_due_seconds": "Seconds since the longest waiting of these jobs became due",
    "supervisor_loop_lag_seconds": "Largest delay of a timer of the supervisor since the last published state",
    "supervisor_spawn_failures_total": "Processes that could not be started, trial starts included",
    "supervisor_dropped_log_lines": "Log lines dropped because the log was not read in time",
    "writer_rows_total": "Entity rows that discovery runs have written",
    "writer_retries_total": "Transactions that were retried",
    "retention_deleted_rows_total": "Rows that were kept no longer and are deleted, by kind",
    "retention_started_timestamp": "Unix time since which the worker is to look for rows that are kept no longer: its writer's start",
    "retention_last_run_timestamp": "Unix time at which the worker last looked for rows that are kept no longer",
    "writer_refused_writes_total": "Late writes of runs whose claim another worker had taken over",
}

ALWAYS = ("discovery_jobs_total", "connector_sync_total", "connector_entities_synced", "connector_sync_errors", "connector_scopes_total")
"""Counters that are announced before their first increment."""


ENDS = (Status.COMPLETED, Status.PARTIAL, Status.ERROR, Status.CANCELLED)
"""Statuses with which runs and syncs are counted."""

Sample = tuple[str, str, dict[str, str], Any]
"""Name, type, labels and value of a series, as published."""


class _Collector:
    def __init__(self, state: dict[str, Any]) -> None:
        self._state = state

    def collect(self) -> Iterator[Metric]:
        """Yields every metric family once."""
        report = self._state.get("report") or {}
        families: dict[str, Metric] = {name: _counter(name, LABELS[name]) for name in ALWAYS}
        samples = [*self._state.get("metrics", ()), *report.get("metrics", ())]
        for name, kind, labels, value in (*samples, *_not_yet_counted(report, samples)):
            family = families.get(name) or families.setdefault(name, _FAMILIES[kind](name, tuple(sorted(labels))))
            _add(family, [labels[label] for label in sorted(labels)], value)
        yield from families.values()
        yield from self._own()

    def _own(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("elder_worker_up", "1 when the worker can do its work, else 0")
        up.add_metric([], 0 if unready(self._state) else 1)
        yield up
        beat = GaugeMetricFamily("supervisor_beat_age_seconds", "Seconds since the supervisor published its state")
        if self._state:
            beat.add_metric([], age(self._state))
        yield beat
        yield build_info("elder-worker")
        if "started_at" in self._state:
            yield process_start(self._state["started_at"])
        yield from self._processes()

    def _processes(self) -> Iterator[Metric]:
        restarts = CounterMetricFamily("supervisor_restarts", "Restarts of the worker's own processes", labels=("process",))
        for name, service in self._state.get("services", {}).items():
            restarts.add_metric([name], service["restarts"])
        yield restarts
        unkillable = GaugeMetricFamily("supervisor_unkillable_jobs", "Slots taken by jobs that SIGKILL does not end", labels=("pool",))
        for name, pool in self._state.get("pools", {}).items():
            unkillable.add_metric([name], pool["unkillable"])
        yield unkillable


def _not_yet_counted(report: dict[str, Any], samples: Collection[Sample]) -> Iterator[Sample]:
    """Yields counters that nothing has increased yet, at 0.

    Prometheus takes no first value for an increase: without the 0, an alert would miss the first failures of a provider or a connector.
    """
    counted = {(name, *sorted(labels.items())) for name, _, labels, _ in samples}
    for name, labels in (*_runs(report.get("discovery", {})), *_syncs(report.get("connectors", ()))):
        if (name, *sorted(labels.items())) not in counted:
            yield name, "counter", labels, 0


def _runs(discovery: dict[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yields the counters of discovery runs; none when the worker runs no discovery jobs."""
    providers = (*discovery["providers"], UNKNOWN_PROVIDER) if discovery.get("enabled") and "providers" in discovery else ()
    for provider in providers:
        for status in ENDS:
            for error_kind in ERROR_KINDS if status is Status.ERROR else ("",):
                yield "discovery_jobs_total", {"provider": provider, "status": str(status), "error_kind": error_kind}


def _syncs(connectors: Iterable[dict[str, Any]]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yields the counters of syncs of the connectors that are enabled."""
    for connector in connectors:
        if connector["enabled"]:
            yield "connector_sync_errors", {"connector": connector["name"]}
            for status in ENDS:
                yield "connector_sync_total", {"connector": connector["name"], "status": str(status)}


def build_info(service: str) -> Metric:
    """The metric that tells which version of which service this is."""
    family = GaugeMetricFamily("elder_build_info", "1, with the version of the service", labels=("service", "version"))
    family.add_metric([service, __version__], 1)
    return family


def process_start(moment: float) -> Metric:
    """The metric that tells since when counters count, under the name that every client library gives it.

    The alerts take the counters of a process that has just started whole: Prometheus takes no first value for an increase.
    """
    family = GaugeMetricFamily("process_start_time_seconds", "Unix time of the process's start")
    family.add_metric([], moment)
    return family


def _counter(name: str, labels: tuple[str, ...]) -> CounterMetricFamily:
    return CounterMetricFamily(name, HELP.get(name, name), labels=labels)


def _gauge(name: str, labels: tuple[str, ...]) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, HELP.get(name, name), labels=labels)


def _histogram(name: str, labels: tuple[str, ...]) -> HistogramMetricFamily:
    return HistogramMetricFamily(name, HELP.get(name, name), labels=labels)


_FAMILIES = {"counter": _counter, "gauge": _gauge, "histogram": _histogram}


def _add(family: Metric, labels: list[str], value: Any) -> None:
    if isinstance(family, HistogramMetricFamily):
        buckets = [(str(float(bound)), count) for bound, count in zip(value["buckets"], value["counts"], strict=True)]
        family.add_metric(labels, [*buckets, ("+Inf", value["count"])], value["sum"])
    elif isinstance(family, CounterMetricFamily | GaugeMetricFamily):
        family.add_metric(labels, value)


def families(state: dict[str, Any]) -> Iterator[Metric]:
    """The metrics of a published state, each family once."""
    return _Collector(state).collect()


def exposition(state: dict[str, Any], accept: str) -> tuple[bytes, str]:
    """(body, content type) in the format that the scraper accepts."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(state))
    encode, kind = choose_encoder(accept)
    return encode(registry), kind
