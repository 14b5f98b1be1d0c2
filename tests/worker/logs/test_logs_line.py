"""Lines for the listener: what a job's process sends to the writer besides its stdout."""

from __future__ import annotations

import datetime as dt
import logging

import msgspec
import pytest

from worker.logs.line import FIRST, Log, _Records
from worker.logs.redact import Redactor

SECRET = "hunter2hunter2"


class Written:
    """An outlet that remembers."""

    def __init__(self):
        self.lines = []

    def write(self, line):
        self.lines.append(line.decode())


@pytest.fixture
def heard():
    return []


def log(heard, shape="json"):
    outlet = Written()
    return Log(shape, Redactor([SECRET]), outlet, heard.append), outlet


def event(level="warning", message="slow", **fields):
    return dict(zip(FIRST, ("2026-01-31T03:00:00Z", level, "providers.aws", message), strict=True)) | fields


@pytest.mark.parametrize("shape", ["json", "text"])
def test_a_line_is_heard_with_its_fields_in_words_and_without_secrets(heard, shape):
    one, outlet = log(heard, shape)
    one.write(event(region="eu-west-1", tries=3, sent=f"key {SECRET}", nested={"a": SECRET}))
    [line] = heard

    assert (line.level, line.logger) == ("warning", "providers.aws")
    assert line.text == "slow region='eu-west-1' tries=3 sent='key ***' nested={'a': '***'}"
    assert abs((dt.datetime.now(dt.UTC) - line.at).total_seconds()) < 60
    assert len(outlet.lines) == 1


@pytest.mark.parametrize(("level", "count"), [("debug", 0), ("info", 1), ("warning", 1), ("error", 1), ("critical", 1), ("trace", 0)])
def test_lines_of_info_and_above_are_heard(heard, level, count):
    one, outlet = log(heard)
    one.write(event(level))
    assert (len(heard), len(outlet.lines)) == (count, 1)


@pytest.mark.parametrize("shape", ["json", "text"])
def test_no_value_ends_the_line_or_moves_a_cursor_or_is_refused(heard, shape):
    log(heard, shape)[0].write(event(message="one\ntwo\x1b[2J\ud800\0", logger="a\nb"))
    [line] = heard
    assert line.text == r"one\ntwo\x1b[2J\ud800\x00"
    assert line.logger == r"a\nb"
    assert msgspec.json.encode(line.text)


@pytest.mark.parametrize("extra", [{"level": 5}, {"level": {}}, {"timestamp": "yesterday"}, {"logger": None}, {"event": 7}])
def test_what_a_library_puts_into_a_record_breaks_nothing(heard, extra):
    record = logging.makeLogRecord({"name": "sdk", "levelname": "ERROR", "msg": "m", **extra})
    _Records(log(heard)[0].write).emit(record)
    for line in heard:
        assert (line.level, line.at.tzinfo, type(line.logger), type(line.text)) == ("error", dt.UTC, str, str)
    assert len(heard) == (0 if "level" in extra else 1)


def test_without_a_listener_a_line_is_written_alone():
    outlet = Written()
    Log("text", Redactor(), outlet).write(event())
    assert outlet.lines == ["2026-01-31T03:00:00Z warning  providers.aws: slow\n"]
