"""The dispatcher where this process has no descriptor or thread left: the run goes back to the queue, and the writer lives."""

from __future__ import annotations

import os
import threading

import pytest

from supervisor.messages import Cancel, Cause, Exited, Slots, Spawned, Start
from worker.check.inventory import NullInventory
from worker.writer.dispatcher import Assignment, Limits, RunDispatcher
from worker.writer.launch import Launch
from worker.writer.mailbox import Mailbox


class Channel:
    def __init__(self):
        self.sent = []

    def send(self, message):
        self.sent.append(message)


@pytest.mark.parametrize("refusal", ["descriptors", "thread"])
def test_case_eng_4_a_run_that_the_writer_cannot_read_goes_back(monkeypatch, refusal):
    channel, ended = Channel(), []
    dispatcher = RunDispatcher(channel, Mailbox(), {"discovery": 1})
    dispatcher.take(Slots(free={"discovery": 1}), [])
    assignment = Assignment(
        run="1",
        pool="discovery",
        label={},
        launch=Launch(b"{}", ()),
        limits=Limits(10, 10),
        inventory=NullInventory(),
        ended=lambda *_: ended.append("ended"),
        refused=ended.append,
        description="job_id: 42",
    )
    dispatcher.start(assignment)
    pipes = os.pipe() + os.pipe()
    before = len(os.listdir("/proc/self/fd"))
    if refusal == "thread":
        monkeypatch.setattr(threading.Thread, "start", refuse)
        dispatcher.take(Spawned(run="1", pid=7), [pipes[0], pipes[3]])
        closed = {pipes[0], pipes[3]}
    else:
        dispatcher.take(Spawned(run="1", pid=7), [])
        closed = set()
    assert len(os.listdir("/proc/self/fd")) == before - len(closed)
    assert [type(message) for message in channel.sent] == [Start, Cancel]
    assert channel.sent[-1].cause is Cause.RESOURCES
    dispatcher.take(Exited(run="1", cause=Cause.RESOURCES, sentence=channel.sent[-1].sentence), [])
    assert len(ended) == 1
    assert ended[0].startswith("the writer cannot read the results: ")
    for fd in {*pipes} - closed:
        os.close(fd)


def refuse(_thread):
    raise RuntimeError("can't start new thread")
