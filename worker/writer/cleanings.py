"""Counts of what retention has deleted since the start of this writer, and when it last ran, for the report and the metrics."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import structlog

from supervisor.metrics import Metrics
from worker.run.queue import Cleaned

_log = structlog.get_logger("worker.retention")


class Cleanings:
    """Counts deleted rows; the backlog's thread adds, the main thread reads."""

    def __init__(self) -> None:
        self.started_at = time.time()
        self.deleted: dict[str, int] = {}
        """Rows that were deleted, by kind."""
        self.last_run: float | None = None
        """Unix time at which retention last looked for rows that are kept no longer; None before the first time."""

    def add(self, cleaned: Cleaned) -> None:
        """Counts a batch that is committed."""
        deleted = {what: rows for what, rows in cleaned.rows.items() if rows}
        if deleted:
            self.deleted = {what: self.deleted.get(what, 0) + deleted.get(what, 0) for what in self.deleted | deleted}
            _log.info("deleted what is kept no longer", **deleted)
        self.last_run = time.time()

    def report(self) -> dict[str, Any]:
        """Returns when retention last ran, in ISO 8601 or None, and the rows that it has deleted by kind."""
        at = self.last_run
        last = None if at is None else dt.datetime.fromtimestamp(at, dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        return {"last_run_at": last, "deleted_rows": self.deleted}

    def measure(self, metrics: Metrics) -> None:
        """Sets the metrics of retention."""
        for what, rows in self.deleted.items():
            metrics.total("retention_deleted_rows_total", rows, what=what)
        metrics.set("retention_started_timestamp", self.started_at)
        if self.last_run is not None:
            metrics.set("retention_last_run_timestamp", self.last_run)
