"""The writer's messages to a receiver of OTLP: traces of runs, metrics, or both."""

from __future__ import annotations

import logging
import threading
import time

from worker.config.telemetry import OTLP, TelemetrySettings
from worker.logs.redact import Redactor
from worker.telemetry.delivery import METRICS, TRACES, Delivery
from worker.telemetry.metric_export import MetricExport, State
from worker.telemetry.process_resource import process_resource
from worker.telemetry.traces import Traces

CLOSE_TIMEOUT = 3.0
"""Seconds for what still waits when the process ends; the writer stores what is left of its own meanwhile."""


class Telemetry:
    """The traces and the metrics of a process, those of them that are switched on."""

    def __init__(self, settings: TelemetrySettings, redactor: Redactor, state: State) -> None:
        """`redactor` knows the secrets of the settings; `state` is what the supervisor publishes."""
        resource, url = process_resource(settings, redactor), settings.otel_exporter_otlp_endpoint
        spans = Delivery(url, TRACES)
        _quieten(spans)
        self.traces = Traces(settings, redactor, resource, spans) if settings.otel_traces_exporter == OTLP else None
        self._metrics = MetricExport(settings, resource, Delivery(url, METRICS), state) if settings.otel_metrics_exporter == OTLP else None
        self._closing: list[threading.Thread] = []
        self._closed_at = 0.0
        if self._metrics:
            self._metrics.thread.start()

    def close(self) -> None:
        """Begins to send what waits, in threads of its own. `wait` waits for them."""
        self._closed_at = time.monotonic()
        if self._metrics:
            self._metrics.close()
            self._closing.append(self._metrics.thread)
        if self.traces:
            self._closing.append(self.traces.close())

    def wait(self) -> None:
        """Waits for what `close` has begun, for a bounded time; what is not sent by then is lost."""
        for thread in self._closing:
            thread.join(max(0.0, self._closed_at + CLOSE_TIMEOUT - time.monotonic()))


def _quieten(delivery: Delivery) -> None:
    """Leads the SDK's log records to `delivery`, and to no other place: it logs each batch that fails."""
    logger = logging.getLogger("opentelemetry")
    logger.handlers[:] = [delivery]
    logger.propagate = False
