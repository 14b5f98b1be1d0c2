"""The judgement that a job computes: real processes, on a clock that the test sets."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest
from waiting import until

from supervisor import cpu_activity, kernel
from supervisor.cpu_activity import WINDOW, CpuActivity

PROGRAMS = {
    "main thread": "print('x', flush=True)\nwhile True: pass",
    "other thread": (
        "import threading\n"
        "def spin():\n"
        "    while True: pass\n"
        "thread = threading.Thread(target=spin, daemon=True)\n"
        "thread.start(); print('x', flush=True); thread.join()"
    ),
    "none": (
        "import signal, threading\n"
        "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
        "print('x', flush=True); signal.pause()"
    ),
}
"""Programs that compute, or do not, and print a line when they have begun."""


@pytest.fixture(params=PROGRAMS)
def process(request):
    with subprocess.Popen([sys.executable, "-c", PROGRAMS[request.param]], stdout=subprocess.PIPE) as started:
        assert started.stdout.readline() == b"x\n"
        yield SimpleNamespace(pid=started.pid, computes=request.param != "none")
        started.kill()


@pytest.fixture
def starved(monkeypatch):
    """A function that says whether a tree is busy when its CPU time is next to nothing, because so much time goes by between two samples."""
    clock = [0.0]
    monkeypatch.setattr(cpu_activity, "time", SimpleNamespace(monotonic=lambda: clock[0]))

    def busy(leader: int, *members: int, namespaced: bool) -> bool:
        activity = CpuActivity()
        clock[0] += WINDOW * 1_000_000
        activity.sample(leader, [kernel.process_info(member) for member in members], namespaced=namespaced)
        return activity.busy

    return busy


def agrees(look, expected: bool) -> bool:
    """True once `look` says what is expected: a thread that has just said `x` may not yet be where it stays."""
    return until(lambda: look() is expected, f"busy: {expected}", cap=5)


def test_a05_a_job_that_wants_a_cpu_and_gets_none_is_busy(process, starved):
    """Without a PID namespace, the leader is the job."""
    assert agrees(lambda: starved(process.pid, namespaced=False), process.computes)


def test_a05_a_member_that_wants_a_cpu_and_gets_none_makes_its_tree_busy(process, starved):
    with subprocess.Popen([sys.executable, "-c", PROGRAMS["none"]], stdout=subprocess.PIPE) as leader:
        assert leader.stdout.readline() == b"x\n"
        assert agrees(lambda: starved(leader.pid, process.pid, namespaced=True), process.computes)
        leader.kill()


def test_a05_the_holder_of_a_namespace_does_no_work(process, starved):
    assert not starved(process.pid, namespaced=True)


def test_a05_a_process_that_has_ended_wants_no_cpu(process):
    """Between the list of processes and the reading of its threads."""
    info = kernel.process_info(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    until(lambda: not kernel.process_info(process.pid).alive, "it has ended")
    until(lambda: not kernel.runnable(kernel.process_info(process.pid)), "its other threads have ended, too")
    assert not kernel.runnable(info._replace(pid=2**22 + 1, state="S", threads=2))
