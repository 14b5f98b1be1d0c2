"""The writer's part of the published state: the database, the queue and the connectors."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from providers import registry
from supervisor.metrics import Metrics
from worker.run.queue import Numbers
from worker.writer.backlog import Backlog
from worker.writer.connectors import ConnectorScheduler
from worker.writer.discovery import POOL, Discovery
from worker.writer.dispatcher import RunDispatcher


class Reporter:
    """Composes the report. `backlog` is None when no database is configured: then no discovery jobs run."""

    def __init__(
        self,
        backlog: Backlog | None,
        dispatcher: RunDispatcher,
        discovery: Discovery,
        connectors: ConnectorScheduler,
        metrics: Metrics,
        days: dict[str, int],
    ) -> None:
        """`days` says for how long each kind of row is kept."""
        self._days, self._providers = days, registry.names()
        self._backlog, self._dispatcher, self._discovery, self._connectors, self._metrics = (
            backlog,
            dispatcher,
            discovery,
            connectors,
            metrics,
        )
        self._since = time.time()

    def state(self) -> dict[str, Any]:
        """The state as the health endpoints read it."""
        numbers: dict[str, float] = {"queue_depth": 0, "oldest_due_seconds": 0.0}
        if self._backlog is not None:
            found = self._backlog.numbers
            numbers = {
                "queue_depth": found.depth,
                "oldest_due_seconds": found.oldest_due_seconds,
                "parked": found.parked,
                "abandoned_scopes": found.abandoned_scopes,
                "stale_scopes": found.stale_scopes,
                "held_back": found.held_back,
            }
            self._measure(found)
            self._count_writes()
            self._backlog.cleanings.measure(self._metrics)
        return {
            "database": self._database(),
            "discovery": {"enabled": self._backlog is not None, **numbers, "providers": self._providers},
            "retention": self._retention(),
            "connectors": self._connectors.report(),
            "metrics": self._metrics.samples(),
        }

    def _retention(self) -> dict[str, Any]:
        """Days for which each kind of row is kept (0: for ever), when retention last ran, and what it has deleted."""
        return {"days": self._days, **self._backlog.cleanings.report()} if self._backlog is not None else {}

    def _measure(self, numbers: Numbers) -> None:
        """Sets the gauges of the queue, and of what waits for a person."""
        self._metrics.set("discovery_queue_depth", numbers.depth)
        self._metrics.set("discovery_oldest_due_seconds", numbers.oldest_due_seconds)
        self._metrics.set("discovery_parked_jobs", numbers.parked)
        self._metrics.set("inventory_scopes", numbers.current_scopes, state="current")
        self._metrics.set("inventory_scopes", numbers.abandoned_scopes, state="abandoned")
        self._metrics.set("inventory_stale_scopes", numbers.stale_scopes)
        self._metrics.set("inventory_held_back", numbers.held_back)
        self._metrics.set("discovery_failing_jobs", numbers.failing_jobs)
        self._metrics.set("discovery_denied_jobs", numbers.denied_jobs)
        self._metrics.set("connector_failing", numbers.failing_connectors)
        self._metrics.set("inventory_ending_credentials", numbers.ending_credentials)
        self._metrics.set("elder_ending_keys", numbers.ending_keys)
        self._metrics.set("inventory_unconfirmed", numbers.unconfirmed)

    def _count_writes(self) -> None:
        totals = self._dispatcher.totals(POOL)
        for operation in ("created", "updated", "deleted"):
            self._metrics.total("writer_rows_total", getattr(totals, operation), operation=operation)
        for reason in ("conflict", "unreachable"):
            self._metrics.total("writer_retries_total", totals.retries.get(reason, 0), reason=reason)
        self._metrics.total("writer_refused_writes_total", totals.refused_writes + self._discovery.refused_writes)

    def _database(self) -> dict[str, Any]:
        if self._backlog is None:
            return {"configured": False, "state": "not_configured", "since": self._since, "error": "", "schema": ""}
        return {"configured": True, **msgspec.to_builtins(self._backlog.state)}
