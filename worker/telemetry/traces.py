"""The traces of all runs of this process: the SDK's provider with a bounded queue, and how it ends."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Mapping

import structlog
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from worker.config.telemetry import TelemetrySettings
from worker.logs.redact import Redactor
from worker.run.inventory import Inventory
from worker.run.outcome import Verdict
from worker.telemetry.delivery import Delivery
from worker.telemetry.exporter import Exporter
from worker.telemetry.inventory import TracedInventory
from worker.telemetry.process_resource import SERVICE
from worker.telemetry.run_trace import RunTrace, Value
from worker.version import __version__

QUEUE, BATCH = 2048, 512
"""Spans that wait at most, and that one request has at most; what comes while the queue is full takes the place of the oldest."""

SECONDS = 5.0
"""Seconds between two requests while fewer spans wait."""

_LABELS = {"job_id": "elder.job.id", "provider": "elder.provider", "name": "elder.job.name", "connector": "elder.connector"}
"""Labels of a run, and the attributes that they become."""

_log = structlog.get_logger("worker.telemetry")


class Traces:
    """Makes the traces of runs and sends them. A receiver that is away or slow costs spans and nothing else."""

    def __init__(self, settings: TelemetrySettings, redactor: Redactor, resource: Resource, delivery: Delivery) -> None:
        """`redactor` knows the secrets of the settings; `delivery` is told of spans that do not arrive."""
        exporter = Exporter(
            settings.otel_exporter_otlp_endpoint, settings.otlp_headers(), settings.otel_exporter_otlp_certificate, delivery
        )
        processor = BatchSpanProcessor(exporter, QUEUE, SECONDS * 1000, BATCH, meter_provider=NoOpMeterProvider())
        self._host, self._redactor = socket.gethostname(), redactor
        self._provider = TracerProvider(
            sampler=ALWAYS_ON,
            resource=resource,
            shutdown_on_exit=False,
            meter_provider=NoOpMeterProvider(),
        )
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer(SERVICE, __version__)

    def begin(
        self, run: str, label: Mapping[str, str], inventory: Inventory, secrets: tuple[str, ...]
    ) -> tuple[RunTrace, Inventory] | None:
        """Begins the trace of a run; returns it with the inventory that records in it. None for a connectivity test, which is no run."""
        trace = self._trace(run, label, Redactor(secrets)) if label.get("kind") != "test" else None
        return (trace, TracedInventory(inventory, trace)) if trace is not None else None

    def without_process(self, run: str, label: Mapping[str, str], verdict: Verdict, seconds: float) -> None:
        """Makes the trace of a run that has ended and had no process of this worker; it began so many seconds ago."""
        if trace := self._trace(run, label, Redactor(), seconds):
            trace.ended(verdict, None, {})

    def _trace(self, run: str, label: Mapping[str, str], secrets: Redactor, seconds: float = 0.0) -> RunTrace | None:
        """The trace of a run that begins; None where the SDK fails, which is no reason for the run to fail."""
        found: dict[str, Value] = {name: label[key] for key, name in _LABELS.items() if key in label}
        found |= {"elder.run.id": run, "elder.worker": label.get("worker") or self._host}
        name, began = f"run {label.get('provider', '')}", time.monotonic_ns() - int(seconds * 1e9)
        try:
            return RunTrace(self._tracer, name, found, lambda text: self._redactor.text(secrets.text(text)), began)
        except Exception as error:  # noqa: BLE001 - as above
            _log.error("the trace of a run could not be begun", run=run, error=f"{type(error).__name__}: {error}")
            return None

    def close(self) -> threading.Thread:
        """Begins to send what waits; returns the thread that does."""
        closing = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
        closing.start()
        return closing
