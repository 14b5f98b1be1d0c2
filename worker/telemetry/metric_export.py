"""Sends the worker's metrics at intervals, as the supervisor has published them: what /metrics shows, by OTLP over HTTP."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.sdk.metrics.export import MetricExportResult, MetricsData, ResourceMetrics, ScopeMetrics
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from worker.config.telemetry import TelemetrySettings
from worker.health.metrics import families
from worker.telemetry import sender
from worker.telemetry.delivery import Delivery
from worker.telemetry.measurements import measurements
from worker.telemetry.process_resource import SERVICE
from worker.telemetry.sender import Sender, refusal
from worker.version import __version__

PATH = "/v1/metrics"

SECONDS = 60.0
"""Seconds between two exports, as the specification has it."""

State = Callable[[], dict[str, Any]]
"""The state that the supervisor has published last; empty before the first."""


class MetricExport:
    """A thread that sends the metrics. A receiver that is away or slow costs that export: the next one has the numbers as they are then."""

    def __init__(self, settings: TelemetrySettings, resource: Resource, delivery: Delivery, state: State) -> None:
        url = settings.otel_exporter_otlp_endpoint.rstrip("/") + PATH
        self._sender = Sender(
            url, refusal(ExportMetricsServiceResponse, "rejected_data_points", "numbers"), settings.otel_exporter_otlp_certificate, delivery
        )
        self._exporter = OTLPMetricExporter(
            endpoint=url,
            certificate_file=settings.otel_exporter_otlp_certificate or None,
            headers=settings.otlp_headers(),
            timeout=sender.TIMEOUT,
            session=self._sender.session,
            max_request_size=sender.LARGEST_REQUEST,
            meter_provider=NoOpMeterProvider(),
        )
        self._resource, self._state = resource, state
        self._over = threading.Event()
        self.thread = threading.Thread(target=self._run, name="metrics", daemon=True)

    def close(self) -> None:
        """Begins to send the metrics once more, and ends."""
        self._over.set()

    def _run(self) -> None:
        over = False
        while not over:
            over = self._over.wait(SECONDS)
            self.send()
        self._sender.close()
        self._exporter.shutdown()

    def send(self) -> None:
        """Sends the metrics as they are now, if the supervisor has published any; raises nothing."""
        self._sender.send(self._export, 1)

    def _export(self) -> bool:
        state = self._state()
        if not state:
            return True
        now = time.time_ns()
        found = list(measurements(families(state), int(state["started_at"] * 1e9), now))
        scope = ScopeMetrics(InstrumentationScope(SERVICE, __version__), found, "")
        data = MetricsData([ResourceMetrics(self._resource, [scope], "")])
        return self._exporter.export(data) is MetricExportResult.SUCCESS
