"""State of the way to the receiver, and its log lines: one when nothing arrives any more, and one when it arrives again."""

from __future__ import annotations

import logging
import threading
import time
from typing import NamedTuple

import structlog

QUIET_SECONDS = 600.0
"""Seconds after a line about a failure in which no other is logged: a receiver that comes and goes does not fill the log."""

_log = structlog.get_logger("worker.telemetry")


class Signal(NamedTuple):
    """A kind of telemetry, as log lines name it: traces are lost as spans."""

    name: str
    unit: str
    consequence: str


TRACES = Signal("traces", "spans", "runs go on, and their spans are dropped until it takes them")
METRICS = Signal("metrics", "exports", "/metrics has them, and they are sent as they stand then once it takes them")


class Delivery(logging.Handler):
    """Counts what is lost and logs changes. It takes the place of the SDK's own log lines, of which there is one for each batch.

    Safe to use from several threads: the exporter's, and those of the runs, which drop spans when the queue is full.
    """

    def __init__(self, endpoint: str, signal: Signal) -> None:
        super().__init__()
        self._endpoint, self._signal, self._mutex = endpoint, signal, threading.Lock()
        self._failing = self._logged = False
        self._lost = 0
        self._quiet_until = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """Takes a log record of the SDK: one of a full queue is a failure, and all others are known by the result of the export."""
        if "Queue full" in record.getMessage():
            self.failed(0, "it takes spans more slowly than runs make them, and the queue is full")

    def failed(self, amount: int, reason: str) -> None:
        """Counts what was not delivered, and logs the first failure of several."""
        with self._mutex:
            self._lost += amount
            now = time.monotonic()
            first, self._failing = not self._failing, True
            if not first or now < self._quiet_until:
                return
            self._logged, self._quiet_until = True, now + QUIET_SECONDS
        _log.warning(f"{self._signal.name} do not reach {self._endpoint}: {reason}; {self._signal.consequence}")

    def succeeded(self) -> None:
        """Logs the first success after failures that were logged."""
        if not self._failing:
            return
        with self._mutex:
            logged, lost = self._logged, self._lost
            self._failing = self._logged = False
            self._lost = 0
        if logged:
            _log.info(f"{self._signal.name} reach {self._endpoint} again", **{f"lost_{self._signal.unit}": lost})
