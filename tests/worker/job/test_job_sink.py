"""Log lines between the frames of a job: they never hold it up, raise, or come into another frame."""

from __future__ import annotations

import datetime as dt
import os
import threading

import msgspec
import pytest

from providers.errors import Outcome
from providers.records import Organization, Scope
from providers.sink import ScopeReport
from supervisor.frames import FrameBuffer
from worker.job import sink as job_sink
from worker.job.sink import FrameSink
from worker.logs.line import Line
from worker.run import wire
from worker.run.wire import DataKind
from worker.writer.protocol import Conversation

SCOPE = Scope("aws", "1", "eu-west-1", "vpc")
CAP = 20


def line(text="slow", **changes):
    return Line(dt.datetime(2026, 1, 31, 3, tzinfo=dt.UTC), "warning", "sdk", text)._replace(**changes)


@pytest.fixture
def pipe():
    read, write = os.pipe()
    os.set_blocking(read, False)
    yield read, write
    for fd in (read, write):
        os.close(fd)


def received(pipe):
    """The frames that are in the pipe, each accepted by the writer's rules."""
    conversation, found = Conversation(), []
    try:
        data = os.read(pipe[0], 1 << 20)
    except BlockingIOError:
        data = b""
    for kind, body in FrameBuffer(DataKind).feed(data):
        found.append((kind, conversation.accept(kind, body)))
    return found


def texts(pipe):
    return [[one.text for one in message.lines] for kind, message in received(pipe) if kind is DataKind.LOG]


def test_a_line_is_sent_at_once_in_a_frame_of_its_own(pipe):
    FrameSink(pipe[1]).log(line())
    [(kind, message)] = received(pipe)
    assert (kind, message) == (DataKind.LOG, wire.LogLines(0, [wire.LogLine(1769828400.0, "warning", "sdk", "slow")]))


def test_a_long_line_keeps_its_beginning_and_its_end(pipe):
    FrameSink(pipe[1]).log(line("x" * 5_000 + "ValueError: the end", logger="y" * 500))
    [(_, message)] = received(pipe)
    [one] = message.lines
    assert len(one.text) <= wire.MAX_LINE
    assert one.text.startswith("x" * 900)
    assert one.text.endswith("ValueError: the end")
    assert " ... (cut) ... " in one.text
    assert len(one.logger) == 200


class LogsInside:
    """A redactor that logs while the sink's lock is held, as a finalizer or a signal handler might."""

    def __init__(self):
        self.sink = None

    def __call__(self, text):
        self.sink.log(line(f"inside {text}"))
        return text


def test_a_line_from_inside_a_frame_comes_after_it(pipe):
    """It waits for no lock that its own thread holds: without that, this test would never end."""
    clean = LogsInside()
    clean.sink = sink = FrameSink(pipe[1], clean)
    sink.begin(SCOPE)
    ended = threading.Thread(target=sink.end, args=(ScopeReport(SCOPE, Outcome.ERROR, 0, "m", "p", "d"),), daemon=True)
    ended.start()
    ended.join(CAP)
    assert not ended.is_alive()

    frames = received(pipe)
    assert [kind for kind, _ in frames] == [DataKind.SCOPE, DataKind.SCOPE_END, DataKind.LOG]
    assert [one.text for one in frames[-1][1].lines][:3] == ["inside m", "inside p", "inside d"]


def test_a_line_waits_for_no_other_thread_and_is_sent_by_it(pipe):
    sink = FrameSink(pipe[1])
    with sink._writing():
        for number in range(job_sink.MAX_WAITING + 7):
            sink.log(line(str(number)))
        assert received(pipe) == []
    messages = [message for _, message in received(pipe)]

    assert [len(message.lines) for message in messages] == [wire.MAX_LINES] * 10
    assert [message.left_out for message in messages] == [7] + [0] * 9
    assert [one.text for message in messages for one in message.lines] == [str(number) for number in range(job_sink.MAX_WAITING)]


@pytest.mark.parametrize("last", ["complete", "failed"])
def test_lines_come_before_the_last_frame_or_not_at_all(pipe, last):
    sink = FrameSink(pipe[1])
    sink._lines.append(wire.LogLine(0, "info", "sdk", "waits"))
    sink.complete() if last == "complete" else sink.failed(wire.Failed("config", "no"))
    sink.log(line("late"))
    assert [kind.name for kind, _ in received(pipe)] == ["LOG", last.upper()]


def test_a_writer_that_is_gone_breaks_no_logging_call_and_ends_the_job_at_its_next_frame(pipe):
    read, write = os.pipe()
    os.close(read)
    sink = FrameSink(write)
    sink.log(line())
    with pytest.raises(BrokenPipeError):
        sink.planned((SCOPE,))
    os.close(write)


def test_a_process_that_was_forked_sends_no_lines(pipe, monkeypatch):
    sink = FrameSink(pipe[1])
    monkeypatch.setattr(os, "getpid", lambda: 1)
    sink.log(line())
    assert received(pipe) == []


def test_lines_of_many_threads_break_no_frame():
    """Eight threads log while another writes frames; all lines and frames arrive, whole."""
    read, write = os.pipe()
    sink, data = FrameSink(write), []
    reader = threading.Thread(target=lambda: data.extend(iter(lambda: os.read(read, 1 << 16), b"")))
    reader.start()
    threads = [threading.Thread(target=lambda: [sink.log(line("t")) for _ in range(100)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for number in range(300):
        sink.organizations([Organization(str(number), "x" * 3000)])
    for thread in threads:
        thread.join()
    sink.complete()
    os.close(write)
    reader.join()
    os.close(read)

    frames = list(FrameBuffer(DataKind).feed(b"".join(data)))
    assert sum(kind is DataKind.ORGANIZATIONS for kind, _ in frames) == 300
    logs = [msgspec.json.decode(body, type=wire.LogLines) for kind, body in frames if kind is DataKind.LOG]
    assert sum(len(log.lines) + log.left_out for log in logs) == 800
    assert frames[-1][0] is DataKind.COMPLETE
