"""Configures structlog: its events and the standard library's records become lines of `worker.logs.line`."""

from __future__ import annotations

import logging
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

from supervisor.output import Outlet
from worker.logs import line as log_line
from worker.logs.redact import Redactor


class _Named:
    """A structlog logger with a name that passes events on."""

    def __init__(self, log: log_line.Log, name: str) -> None:
        self.name = name
        self.msg = self.debug = self.info = self.warning = self.error = self.critical = self.exception = self.log = log.write


def configure(
    level: str = "INFO",
    shape: str = "json",
    *,
    redactor: Redactor | None = None,
    outlet: Outlet | None = None,
    listener: log_line.Listener | None = None,
) -> None:
    """Configures logging at the start of a process. `shape` is ``json`` or ``text``; `listener` gets the lines besides stdout."""
    log = log_line.configure(level, shape, redactor=redactor, outlet=outlet, listener=listener)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            _complete,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=lambda *names: _Named(log, names[0] if names else ""),
        cache_logger_on_first_use=False,
    )


def _complete(logger: WrappedLogger, _method: str, event: EventDict) -> tuple[tuple[dict[str, Any]], dict[str, Any]]:
    return ({**event, "timestamp": log_line.now(), "logger": getattr(logger, "name", "")},), {}
