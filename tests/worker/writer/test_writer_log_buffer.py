"""The buffer keeps the first and the last lines of a run, within bounds, whatever the job sends."""

from __future__ import annotations

import sys

import msgspec
import pytest

from worker.run import wire
from worker.writer import log_buffer
from worker.writer.log_buffer import LogBuffer


def lines(first, count, size=0):
    return wire.LogLines(0, [wire.LogLine(0, "info", "l", f"{number}".ljust(size, "x")) for number in range(first, first + count)])


def kept(*messages, secrets=()):
    buffer = LogBuffer(secrets)
    for message in messages:
        buffer.add(message)
    return buffer.kept()


def numbers(log):
    return [int(text.rstrip("x")) for _, _, _, text in log.lines]


def test_a_run_that_has_logged_nothing_has_no_log():
    assert kept() is None
    assert kept(wire.LogLines(0, [])) is None


def test_all_lines_are_kept_where_they_are_few():
    log = kept(*(lines(start, 100) for start in range(0, 500, 100)))
    assert numbers(log) == list(range(500))
    assert (log.left_out, log.left_out_after) == (0, 0)


def test_of_many_lines_the_first_and_the_last_are_kept():
    log = kept(*(lines(start, 100) for start in range(0, 10_000, 100)))
    assert numbers(log) == [*range(100), *range(9_600, 10_000)]
    assert (log.left_out, log.left_out_after) == (9_500, 100)


def test_of_long_lines_fewer_are_kept():
    log = kept(*(lines(start, 100, 2_000) for start in range(0, 1_000, 100)))
    assert sum(len(logger) + len(text) for _, _, logger, text in log.lines) <= 100_000
    assert numbers(log) == [*range(log.left_out_after), *range(1_000 - len(log.lines) + log.left_out_after, 1_000)]
    assert (log.left_out_after, log.left_out) == (9, 1_000 - len(log.lines))


def test_lines_that_the_job_has_left_out_are_counted_where_they_were():
    log = kept(lines(0, 3), msgspec.structs.replace(lines(3, 2), left_out=7), msgspec.structs.replace(lines(5, 1), left_out=2))
    assert numbers(log) == [0, 1, 2, 3, 4, 5]
    assert (log.left_out, log.left_out_after) == (9, 3)


def test_there_are_news_when_lines_came_and_not_more_often_than_is_allowed():
    buffer = LogBuffer(("hunter2hunter2",))
    assert buffer.news(0.0) is None
    buffer.add(wire.LogLines(0, [wire.LogLine(0, "info", "l", "as hunter2hunter2")]))
    first = buffer.news(100.0)
    assert [text for *_, text in first.lines] == ["as ***"]
    assert buffer.news(200.0) is None, "nothing is new"
    buffer.add(lines(1, 1))
    assert buffer.news(100.0 + log_buffer.NEWS_SECONDS - 0.1) is None, "too soon"
    assert [text for *_, text in buffer.news(100.0 + log_buffer.NEWS_SECONDS).lines] == ["as ***", "1"]
    assert buffer.news(300.0) is None
    assert [text for *_, text in buffer.kept().lines] == ["as ***", "1"]


def test_each_line_is_redacted_once_however_often_it_is_told(monkeypatch):
    seen = []
    monkeypatch.setattr(log_buffer, "_clean", lambda line, _: seen.append(line.text) or ("", "info", "", line.text))
    buffer = LogBuffer()
    for number in range(5):
        buffer.add(lines(number, 1))
        buffer.news(number * 100.0)
    buffer.kept()
    assert seen == ["0", "1", "2", "3", "4"]


def test_memory_is_bounded():
    buffer = LogBuffer()
    for _ in range(200):
        buffer.add(lines(0, 100, 2_000))
    assert sum(sys.getsizeof(kept.line.text) for kept in (*buffer._first, *buffer._last)) < 300_000
    assert len(buffer._first) + len(buffer._last) <= log_buffer.FIRST + log_buffer.LAST


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("password is hunter2hunter2", "password is ***"),
        ("a\0b\nc\x1b[2J", r"a\x00b\nc\x1b[2J"),
        ("Authorization: Bearer abcdefghijklmnop", "Authorization: Bearer ***"),
    ],
)
def test_what_the_job_has_not_redacted_is_redacted_and_made_plain(text, shown):
    log = kept(wire.LogLines(0, [wire.LogLine(1769828400.25, "error", "hunter2hunter2\n", text)]), secrets=["hunter2hunter2"])
    assert log.lines == [("2026-01-31T03:00:00.250Z", "error", r"***\n", shown)]


@pytest.mark.parametrize("at", [0, 253_402_300_799])
def test_any_time_that_the_protocol_lets_through_can_be_written(at):
    [line] = kept(wire.LogLines(0, [wire.LogLine(at, "info", "l", "t")])).lines
    assert line[0][:4] in ("1970", "9999")
