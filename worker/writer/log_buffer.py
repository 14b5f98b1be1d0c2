"""Buffer of the log lines of one run: the first and the last ones, within bounds whatever the job sends."""

from __future__ import annotations

import collections
import datetime as dt
from collections.abc import Iterable

from supervisor.plain import plain
from worker.logs.redact import Redactor
from worker.run import wire
from worker.run.outcome import MOST_LINES, RunLog

FIRST = 100
LAST = MOST_LINES - FIRST
"""Most lines that are kept from the beginning and from the end of a run."""

FIRST_CHARACTERS, LAST_CHARACTERS = 20_000, 80_000
"""Most characters of them."""

NEWS_SECONDS = 5.0
"""Seconds between two writes of the log of a run that goes on."""

Shown = tuple[str, wire.LogLevel, str, str]
"""Time, level, logger and text of a line, redacted."""


class _Kept:
    """A line that is kept: as the job has sent it, and, once somebody has asked for it, redacted."""

    __slots__ = ("line", "shown")

    def __init__(self, line: wire.LogLine) -> None:
        self.line = line
        self.shown: Shown | None = None


class LogBuffer:
    """Used by the thread of one run."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """`secrets` are those that the job was given."""
        self._redactor = Redactor(secrets)
        self._first: list[_Kept] = []
        self._last = collections.deque[_Kept]()
        self._first_open = True
        self._first_size = self._last_size = self._left_out = 0
        self._changed, self._given_at = False, float("-inf")

    def add(self, log: wire.LogLines) -> None:
        """Takes lines of the job. The first gap, made by the job or by this buffer, ends the first lines."""
        self._changed |= bool(log.lines)
        if log.left_out:
            self._first_open = False
            self._left_out += log.left_out
        for line in log.lines:
            self._add(line)

    def _add(self, line: wire.LogLine) -> None:
        size = _size(line)
        self._first_open &= len(self._first) < FIRST and self._first_size + size <= FIRST_CHARACTERS
        if self._first_open:
            self._first.append(_Kept(line))
            self._first_size += size
            return
        self._last.append(_Kept(line))
        self._last_size += size
        while len(self._last) > LAST or self._last_size > LAST_CHARACTERS:
            self._last_size -= _size(self._last.popleft().line)
            self._left_out += 1

    def kept(self) -> RunLog | None:
        """The lines that are kept, redacted again, as a job may send what its process has not redacted. None without lines."""
        if not self._first and not self._last:
            return None
        lines = [self._shown(one) for one in (*self._first, *self._last)]
        return RunLog(lines, self._left_out, len(self._first) if self._left_out else 0)

    def news(self, now: float) -> RunLog | None:
        """The lines that are kept so far, for a run that goes on; None without new ones, and for `NEWS_SECONDS` after the last time."""
        if not self._changed or now < self._given_at + NEWS_SECONDS:
            return None
        self._changed, self._given_at = False, now
        return self.kept()

    def _shown(self, one: _Kept) -> Shown:
        """The line, redacted once only."""
        if one.shown is None:
            one.shown = _clean(one.line, self._redactor)
        return one.shown


def _clean(line: wire.LogLine, redactor: Redactor) -> Shown:
    at = dt.datetime.fromtimestamp(line.at, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    logger, text = redactor.text(plain(line.logger)), redactor.text(plain(line.text))
    return at, line.level, logger[: wire.MAX_LOGGER], text[: wire.MAX_LINE]


def _size(line: wire.LogLine) -> int:
    return len(line.logger) + len(line.text)
