"""The exporter of spans: that of the SDK, by OTLP over HTTP."""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from worker.telemetry import sender
from worker.telemetry.delivery import Delivery
from worker.telemetry.sender import Sender, refusal

PATH = "/v1/traces"


class Exporter(SpanExporter):
    """The exporter of the SDK, whose results become log lines of `Delivery`."""

    def __init__(self, endpoint: str, headers: dict[str, str], ca_file: str, delivery: Delivery) -> None:
        url = endpoint.rstrip("/") + PATH
        self._sender = Sender(url, refusal(ExportTraceServiceResponse, "rejected_spans", "spans"), ca_file, delivery)
        self._inner = OTLPSpanExporter(
            endpoint=url,
            certificate_file=ca_file or None,
            headers=headers,
            timeout=sender.TIMEOUT,
            session=self._sender.session,
            max_request_size=sender.LARGEST_REQUEST,
        )

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Sends spans. Called by the thread of the span processor, one call at a time; it raises nothing."""
        sent = self._sender.send(lambda: self._inner.export(spans) is SpanExportResult.SUCCESS, len(spans))
        return SpanExportResult.SUCCESS if sent else SpanExportResult.FAILURE

    def shutdown(self) -> None:
        """Ends retries and closes the connections."""
        self._sender.close()
        self._inner.shutdown()  # type: ignore[no-untyped-call]

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """True: nothing waits here."""
        return self._inner.force_flush(timeout_millis)
