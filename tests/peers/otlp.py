"""A receiver of OTLP over HTTP: a server of this process that decodes what it is sent by OpenTelemetry's own message definitions."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest, ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from peers.receiver import Receiver
from waiting import until


def plain(value) -> Any:
    """The value of an attribute."""
    return getattr(value, value.WhichOneof("value"))


class Otlp(Receiver):
    """A receiver whose requests are spans, and metrics."""

    def __init__(self, context=None) -> None:
        super().__init__(context)
        self.answers = [200] * 10_000
        self.headers = {"Content-Type": "application/x-protobuf", "Connection": "close"}  # or its threads wait for the next request
        self.base = self.url.partition("/hook")[0]

    def requests(self) -> list[ExportTraceServiceRequest]:
        """Every request with spans; one that is not of that message raises."""
        return [ExportTraceServiceRequest.FromString(request.body) for request in list(self.received) if request.path == "/v1/traces"]

    def exports(self) -> list[dict[str, Any]]:
        """The metrics by name of each request that has any, with the data as the message has it."""
        messages = [ExportMetricsServiceRequest.FromString(one.body) for one in list(self.received) if one.path == "/v1/metrics"]
        return [
            {metric.name: getattr(metric, metric.WhichOneof("data")) for metric in scope.metrics}
            for message in messages
            for resource in message.resource_metrics
            for scope in resource.scope_metrics
        ]

    def resources(self) -> list[dict]:
        """The attributes of the process, of each request."""
        return [
            {one.key: plain(one.value) for one in found.resource.attributes}
            for request in self.requests()
            for found in request.resource_spans
        ]

    def spans(self, name: str = "") -> list:
        """All spans whose names begin so; `attributes` of each is a dict."""
        return [
            Span(span)
            for request in self.requests()
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
            if span.name.startswith(name)
        ]

    def run(self, number: int = 1) -> Any:
        """Waits for the first span of the run with this number, which comes last."""
        return until(lambda: next((one for one in self.spans("run") if one.attributes["elder.run.id"] == str(number)), None), "the trace")

    def refuse(self, spans: int, sentence: str) -> None:
        """Answers from now on that so many spans of each request are refused."""
        answer = ExportTraceServiceResponse()
        answer.partial_success.rejected_spans, answer.partial_success.error_message = spans, sentence
        self.body = answer.SerializeToString()

    def refuse_numbers(self, numbers: int, sentence: str) -> None:
        """Answers from now on that so many numbers of each request are refused."""
        answer = ExportMetricsServiceResponse()
        answer.partial_success.rejected_data_points, answer.partial_success.error_message = numbers, sentence
        self.body = answer.SerializeToString()


def points(data) -> dict[tuple[tuple[str, str], ...], Any]:
    """The points of a metric by their sorted attributes."""
    return {tuple(sorted((one.key, plain(one.value)) for one in point.attributes)): point for point in data.data_points}


class Span:
    """A span as it came."""

    def __init__(self, span) -> None:
        self.name, self.trace, self.id, self.parent = span.name, span.trace_id, span.span_id, span.parent_span_id
        self.began, self.ended, self.status = span.start_time_unix_nano, span.end_time_unix_nano, span.status
        self.attributes = {one.key: plain(one.value) for one in span.attributes}


@pytest.fixture
def otlp():
    """A receiver of traces that takes what it is sent."""
    made = Otlp()
    yield made
    made.close()
