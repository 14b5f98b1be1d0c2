"""Metrics of the API: requests by route and status, and how long they took. Prometheus sends a key with the role `read`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from http import HTTPStatus

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.exposition import choose_encoder

from api.context import Context
from worker.health.metrics import build_info, process_start
from worker.store.webhooks import OUTCOMES

PATH = "/metrics"
NO_ROUTE = "none"
"""Label of requests for a path that there is not."""
BUCKETS = (0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 10.0, 30.0)
"""Upper bounds in seconds; the database ends what takes longer than 25."""


class _Process:
    def __init__(self) -> None:
        self._started_at = time.time()

    def collect(self) -> Iterator[Metric]:
        """Yields the metrics of the version and of the start."""
        yield build_info("elder-api")
        yield process_start(self._started_at)


class _Deliveries:
    def __init__(self, context: Context) -> None:
        self._counts = context.deliveries

    def collect(self) -> Iterator[Metric]:
        """Yields the attempts to deliver events of webhooks."""
        attempts = CounterMetricFamily("elder_webhook_attempts", "Attempts to deliver events of webhooks by outcome", labels=["outcome"])
        for outcome in OUTCOMES:
            attempts.add_metric([outcome], self._counts[outcome])
        yield attempts


def register(app: Flask, context: Context) -> None:
    """Counts every request of the application, and adds the route that tells the numbers.

    An alert for the first request of a kind needs a counter that is there before it, at 0: Prometheus takes no first value for an increase.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Process())
    registry.register(_Deliveries(context))
    labels = ("method", "route")
    requests = Counter("elder_api_requests", "Requests by route and status", (*labels, "status"), registry=registry)
    errors = Counter("elder_api_errors", "Requests that the API answered with a status of 500 and above", ("route",), registry=registry)
    slowed = Counter("elder_api_slowed_down_requests", "Requests refused as too many wrong keys came from their address", registry=registry)
    seconds = Histogram("elder_api_request_duration_seconds", "Duration of requests", labels, registry=registry, buckets=BUCKETS)

    def begin() -> None:
        g.begun = time.monotonic()

    def count(response: Response) -> Response:
        known = request.url_rule is not None  # a path and a method of the caller's choice would make a series each
        route = request.url_rule.rule if request.url_rule else NO_ROUTE
        method = request.method if known else "any"
        requests.labels(method, route, str(response.status_code)).inc()
        errors.labels(route).inc(response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR)
        slowed.inc(response.status_code == HTTPStatus.TOO_MANY_REQUESTS)
        seconds.labels(method, route).observe(time.monotonic() - g.begun)
        return response

    def show() -> Response:
        for route in (NO_ROUTE, *(rule.rule for rule in app.url_map.iter_rules())):
            errors.labels(route)
        encode, kind = choose_encoder(request.headers.get("Accept", ""))
        return Response(encode(registry), content_type=kind)

    app.before_request(begin)
    app.after_request(count)
    app.add_url_rule(PATH, "metrics", show)
    context.roles["metrics"] = "read"
