"""Logs: structlog, one line an event, JSON or text, redacted at the one place where lines leave the process.

The lines go to stdout. A reader that stalls does not stall us: what does not fit is dropped and counted (`supervisor.output.Outlet`).
"""

from __future__ import annotations

import logging
import re
from typing import Any

import msgspec
import structlog
from structlog.typing import EventDict, WrappedLogger

from supervisor.output import Outlet
from worker.redact import Redactor

QUIET = ("botocore", "boto3", "urllib3", "azure", "google", "kubernetes", "ldap3", "msal", "werkzeug", "gunicorn.access")
"""Loggers that print credentials, or every request, when they are let."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_EXTRA = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class _Exit:
    """Where lines leave the process."""

    def __init__(self, outlet: Outlet, redactor: Redactor) -> None:
        self._outlet, self._redactor = outlet, redactor

    def msg(self, line: str) -> None:
        clean = self._redactor.text(line).encode("utf-8", "backslashreplace")
        self._outlet.write(clean + b"\n")

    debug = info = warning = error = critical = exception = log = msg


class _Bridge(logging.Handler):
    """Records of the standard library become events of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        """Passes a record on, with its extra fields."""
        fields = {name: value for name, value in vars(record).items() if name not in _EXTRA}
        log = structlog.get_logger(record.name)
        log.log(record.levelno, record.getMessage(), exc_info=record.exc_info or None, **fields)


def configure(level: str = "INFO", shape: str = "json", *, redactor: Redactor | None = None, outlet: Outlet | None = None) -> None:
    """Once, at the start of a process. `shape` is ``json`` or ``text``."""
    leave = _Exit(outlet or Outlet(), redactor or Redactor())
    number = logging.getLevelNamesMapping()[level]
    render = _json if shape == "json" else _text
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *names: _Named(leave, names[0] if names else ""),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [_Bridge()]
    root.setLevel(number)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))


class _Named:
    """A logger that knows its name."""

    def __init__(self, leave: _Exit, name: str) -> None:
        self.name = name
        self.msg = leave.msg
        self.debug = self.info = self.warning = self.error = self.critical = self.exception = self.log = leave.msg


def _ordered(logger: WrappedLogger, event: EventDict) -> dict[str, Any]:
    first = {
        "timestamp": event.pop("timestamp"),
        "level": event.pop("level"),
        "logger": getattr(logger, "name", ""),
        "event": event.pop("event"),
    }
    return {**first, **event}


def _json(logger: WrappedLogger, _method: str, event: EventDict) -> str:
    return msgspec.json.encode(_ordered(logger, event), enc_hook=str).decode()


def _text(logger: WrappedLogger, _method: str, event: EventDict) -> str:
    """`time level logger event key=value ...`; control characters are escaped, so that nobody can forge a line."""
    found = _ordered(logger, event)
    head = f"{found.pop('timestamp')} {found.pop('level'):<8} {found.pop('logger')}: {found.pop('event')}"
    fields = " ".join(f"{name}={str(value)!r}" if isinstance(value, str) else f"{name}={value}" for name, value in found.items())
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), f"{head} {fields}".rstrip())
