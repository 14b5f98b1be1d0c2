"""The writer's part of the published state: what it knows of the database, the queue and the connectors."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from worker.writer.backlog import Backlog
from worker.writer.connecting import Connecting
from worker.writer.metrics import Metrics


class Reporter:
    """Composes the report. `backlog` is None when no database is configured."""

    def __init__(self, backlog: Backlog | None, connecting: Connecting, metrics: Metrics, *, discovery_enabled: bool) -> None:
        self._backlog, self._connecting, self._metrics = backlog, connecting, metrics
        self._discovery_enabled = discovery_enabled
        self._since = time.time()

    def state(self) -> dict[str, Any]:
        """As the health endpoints read it."""
        numbers = {"queue_depth": 0, "oldest_due_seconds": 0.0}
        if self._backlog is not None:
            found = self._backlog.numbers
            numbers = {"queue_depth": found.depth, "oldest_due_seconds": found.oldest_due_seconds}
            self._metrics.set("discovery_queue_depth", found.depth)
            self._metrics.set("discovery_oldest_due_seconds", found.oldest_due_seconds)
        return {
            "database": self._database(),
            "discovery": {"enabled": self._discovery_enabled, **numbers},
            "connectors": self._connecting.report(),
            "metrics": self._metrics.published(),
        }

    def _database(self) -> dict[str, Any]:
        if self._backlog is None:
            return {"configured": False, "state": "not_configured", "since": self._since, "error": "", "schema": ""}
        return {"configured": True, **msgspec.to_builtins(self._backlog.state)}
