"""Formats, redacts and writes log lines; the only place where lines leave the process.

It needs the standard library's logging only, so that the supervisor does not import structlog. Lines go to stdout; a reader that stalls
does not block the process: lines that do not fit are dropped and counted (`supervisor.output.Outlet`). A job's process has a listener
besides, which sends lines to the writer.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, get_args

import msgspec

from supervisor.output import Outlet
from supervisor.plain import plain, plain_json
from worker.logs.redact import Redactor

QUIET = ("botocore", "boto3", "urllib3", "azure", "google", "kubernetes", "ldap3", "msal", "werkzeug", "gunicorn.access")
"""Loggers that print credentials or every request below WARNING."""

FIRST = ("timestamp", "level", "logger", "event")

Level = Literal["info", "warning", "error", "critical"]

LISTENED = get_args(Level)
"""Levels of the lines that the listener gets."""

Event = Mapping[str, Any]


class Line(NamedTuple):
    """A log line for its listener: redacted, on one line, with its fields in the text."""

    at: dt.datetime
    level: Level
    logger: str
    text: str


Listener = Callable[[Line], None]
"""Gets lines after they were written. It never raises."""

_OF_EVERY_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_traceback = logging.Formatter().formatException


class Log:
    """Writes events as lines of JSON or text."""

    def __init__(self, shape: str, redactor: Redactor, outlet: Outlet, listener: Listener | None = None) -> None:
        """`shape` is ``json`` or ``text``."""
        self._render, self._redactor, self._outlet, self._listener = _json if shape == "json" else _text, redactor, outlet, listener

    def write(self, event: Event) -> None:
        """Writes one line for an event, which has at least the fields of `FIRST`."""
        whole = {name: event[name] for name in FIRST} | {name: value for name, value in event.items() if name not in FIRST}
        ordered = {name: self._redactor.text(value) if isinstance(value, str) else value for name, value in whole.items()}
        clean = self._redactor.text(self._render(ordered))
        self._outlet.write(clean.encode("utf-8", "backslashreplace") + b"\n")
        if self._listener is not None and ordered["level"] in LISTENED:
            self._listener(self._line(ordered))

    def _line(self, event: dict[str, Any]) -> Line:
        """The line of a redacted event. Its time is the present: a record may carry any value as its own."""
        logger, text = (self._redactor.text(plain(part)) for part in (str(event["logger"]), _words(event)))
        return Line(dt.datetime.now(dt.UTC), event["level"], logger, text)


class _Records(logging.Handler):
    """Passes records of the standard library on as events."""

    def __init__(self, write: Callable[[Event], None]) -> None:
        super().__init__()
        self._write = write

    def emit(self, record: logging.LogRecord) -> None:
        """Writes a record, with its extra fields."""
        head = (now(), record.levelname.lower(), record.name, record.getMessage())
        fields = {name: value for name, value in vars(record).items() if name not in _OF_EVERY_RECORD}
        if record.exc_info:
            fields["exception"] = _traceback(record.exc_info)
        self._write(dict(zip(FIRST, head, strict=True)) | fields)


def configure(
    level: str = "INFO",
    shape: str = "json",
    *,
    redactor: Redactor | None = None,
    outlet: Outlet | None = None,
    listener: Listener | None = None,
) -> Log:
    """Configures logging at the start of a process: every record becomes a line on stdout, and goes to the listener."""
    log = Log(shape, redactor or Redactor(), outlet or Outlet(), listener)
    root = logging.getLogger()
    root.handlers[:] = [_Records(log.write)]
    root.setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))
    return log


def now() -> str:
    """The current time as ISO 8601 in UTC."""
    return dt.datetime.now(dt.UTC).isoformat().replace("+00:00", "Z")


def _json(event: dict[str, Any]) -> str:
    try:
        encoded = msgspec.json.encode(event, enc_hook=str).decode()
    except UnicodeEncodeError:  # half of a character, as in a file name that is not UTF-8
        encoded = json.dumps(event, default=str)
    return plain_json(encoded)


def _text(event: dict[str, Any]) -> str:
    """Formats `time level logger: event key=value ...`; control characters are escaped, so that no value can forge a line."""
    line = f"{event['timestamp']} {event['level']:<8} {event['logger']}: {_words(event)}".rstrip()
    return plain(line)


def _words(event: dict[str, Any]) -> str:
    fields = ((name, value) for name, value in event.items() if name not in FIRST)
    shown = " ".join(f"{name}={value!r}" if isinstance(value, str) else f"{name}={value}" for name, value in fields)
    return f"{event['event']} {shown}".rstrip()
