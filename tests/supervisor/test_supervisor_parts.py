"""The parts of the supervisor one by one, in this process: its metrics and its state file, states, its log, the loop."""

from __future__ import annotations

import os
import signal
import threading
from types import SimpleNamespace

import msgspec
import pytest

from supervisor import descriptors
from supervisor.bootstrap import EXIT_NO_RESOURCES
from supervisor.config import Service
from supervisor.errors import ProtocolError, RestartStorm
from supervisor.exit_report import exit_report
from supervisor.job import Job
from supervisor.loop import Loop
from supervisor.messages import MAX_MESSAGE, Cause, Exited
from supervisor.metrics import BUCKETS, Increment, Metrics
from supervisor.output import Lines, Outlet, Tail
from supervisor.published import PublishedState, create
from supervisor.service import Restarts
from supervisor.states import JobState, ServiceState, advance, advance_service
from supervisor.watchdog import Watchdog


def test_h02_series_do_not_grow_with_the_number_of_jobs():
    metrics = Metrics()
    for _ in range(10_000):
        metrics.count("discovery_jobs_total", provider="aws", status="completed", error_kind="")
        metrics.observe("discovery_job_duration_seconds", 1.0, provider="aws")
    assert len(metrics.samples()) == 2


def test_a_histogram_counts_what_is_below_each_bound():
    metrics = Metrics()
    for value in (0.1, 1.0, 100_000.0):
        metrics.observe("h", value)
    [(_, kind, _, value)] = metrics.samples()
    assert (kind, value["count"], value["sum"]) == ("histogram", 3, 100_001.1)
    assert value["counts"] == [sum(bound >= observed for observed in (0.1, 1.0)) for bound in BUCKETS]


def test_an_increment_may_have_any_label():
    metrics = Metrics()
    metrics.add(
        [Increment(name="n", labels={"name": "a", "amount": "b"}), Increment(name="n", labels={"amount": "b", "name": "a"}, amount=2)]
    )
    assert metrics.samples() == [("n", "counter", {"amount": "b", "name": "a"}, 3)]


def test_a_reader_of_the_state_sees_one_whole_state():
    """A thousand states of changing length are read while they are being written: each reading is one of them, and they never go back."""
    state = PublishedState(create())
    assert state.read() == b""
    writer = threading.Thread(target=lambda: [state.write(b"%d," % number * (1 + number % 50)) for number in range(1000)])
    writer.start()
    numbers = []
    while writer.is_alive():
        parts = state.read().split(b",")[:-1]
        assert len(set(parts)) <= 1
        numbers += [int(parts[0])] if parts else []
    writer.join()
    os.close(state.fd)
    assert numbers == sorted(numbers)


def test_a_writer_of_the_state_that_is_killed_leaves_the_last_whole_state():
    state = PublishedState(create())
    state.write(b"first")
    state.write(b"second")
    os.pwrite(state.fd, b"xx", 64)  # the beginning of a third, at the place of the first
    assert state.read() == b"second"
    os.close(state.fd)


def test_the_memory_of_the_state_does_not_grow():
    state = PublishedState(create())
    for number in range(10_000):
        state.write(b"x" * (1000 + number % 100))
    assert os.fstat(state.fd).st_size < 10_000
    os.close(state.fd)


@pytest.mark.parametrize(
    ("limit", "jobs", "sentence"), [(1024, 4, ""), (100, 4, "the limit of open files is 100, and 4 jobs at once may need 128")]
)
def test_case_eng_4_a_low_limit_of_open_files_is_told(limit, jobs, sentence):
    assert descriptors.shortage(limit, jobs).startswith(sentence)
    assert bool(descriptors.shortage(limit, jobs)) == bool(sentence)


def test_restart_intensity():
    restarts = Restarts(limit=2, window=60)
    assert [restarts.died("x"), restarts.died("x")] == [0.2, 0.4]
    with pytest.raises(RestartStorm, match="x died 3 times within 60 s"):
        restarts.died("x")


@pytest.mark.parametrize("state", list(JobState))
def test_no_job_comes_back_from_the_dead(state):
    with pytest.raises(ValueError, match="cannot go"):
        advance(JobState.DEAD, state)


def test_services_stop_once():
    assert advance_service(ServiceState.RUNNING, ServiceState.STOPPING) is ServiceState.STOPPING
    with pytest.raises(ValueError, match="cannot go"):
        advance_service(ServiceState.STOPPED, ServiceState.RUNNING)


def test_b14_a_log_that_nobody_reads_drops_lines_and_never_waits():
    read, write = os.pipe()
    outlet = Outlet(write)
    for number in range(5000):
        outlet.write(b"%d " % number + b"x" * 100 + b"\n")
    assert outlet.dropped_lines > 0
    taken = drained(read)
    outlet.write(b"after\n")
    after = drained(read)
    assert after.endswith(b"after\n")
    assert all(line.endswith(b"x") or line == b"after" for line in (taken + after).splitlines())
    os.close(read)
    os.close(write)


def drained(fd: int) -> bytes:
    """What is in a pipe now."""
    os.set_blocking(fd, False)
    data = b""
    try:
        while True:
            data += os.read(fd, 1 << 20)
    except BlockingIOError:
        return data


def test_tail_keeps_the_end_and_counts_the_rest():
    tail = Tail(limit=100)
    for number in range(1000):
        tail.feed(b"%04d\n" % number)
    text = tail.text()
    assert text.endswith("\n0999\n")
    assert text.startswith("[4905 bytes left out]\n0981\n")


@pytest.mark.parametrize("between", [b"\n", b" ", b""])
def test_case_sec_6_the_end_of_a_stream_does_not_begin_with_half_a_secret(between):
    tail = Tail()
    tail.feed(b"password=" + b"canary" * 300 + between + b"y" * (16 * 1024 - 900) + b" the end")

    assert tail.text().endswith("y the end")
    assert "canary" not in tail.text()


def test_lines_are_bounded():
    out: list[bytes] = []
    lines = Lines(out.append)
    lines.feed(b"a\nb" + b"x" * 200_000)
    lines.feed(b"\nc")
    lines.end()
    assert [line[:1] for line in out] == [b"a", b"b", b"c"]
    assert max(map(len, out)) <= 65537
    assert lines.dropped > 0


def test_an_event_of_a_closed_descriptor_is_not_given_to_the_next_of_its_number():
    loop, received = Loop(), []
    pipes = [os.pipe(), os.pipe()]
    new: list[int] = []

    def first_come(mine: int, other: int) -> None:
        received.append("first")
        loop.forget(other)
        os.close(other)
        new.extend(os.pipe())
        assert other in new
        loop.watch(other, lambda: received.append("a stranger's"))
        loop.forget(mine)

    for (read, write), (another, _) in zip(pipes, reversed(pipes), strict=True):
        os.write(write, b"x")
        loop.watch(read, lambda read=read, another=another: first_come(read, another))
    loop.after(0.05, lambda: received.append("time"))
    while "time" not in received:
        loop.run_once()
    assert received == ["first", "time"]
    loop.close()
    for fd in {*new, *(end for pair in pipes for end in pair)}:
        os.close(fd)


def test_cancelled_timers_are_not_kept_until_their_time():
    loop, fired = Loop(), []
    for _ in range(10_000):
        loop.after(3600, lambda: None).cancel()
    assert len(loop._timers) < 1000
    for number in range(1000):
        loop.after(0.0, lambda number=number: fired.append(number))
    while len(fired) < 1000:
        loop.run_once()
    assert fired == list(range(1000))
    loop.close()


def test_timers_fire_in_their_order_and_can_be_cancelled():
    loop, fired = Loop(), []
    loop.after(0.02, lambda: fired.append("second"))
    loop.after(0.01, lambda: fired.append("first"))
    loop.after(0.015, lambda: fired.append("never")).cancel()
    while len(fired) < 2:
        loop.run_once()
    assert fired == ["first", "second"]
    loop.close()


def test_c04_the_longest_exit_report_fits_into_a_message():
    """The supervisor would die of one that does not, and every job with it."""
    tail = Tail()
    tail.feed(b"\0" * 1_000_000)
    sentence = str(ProtocolError("\1" * 1_000_000))
    report = exit_report(
        run="r" * 64,
        cause=Cause.PROTOCOL,
        sentence=sentence,
        exited=False,
        status=9,
        detail=tail.text(),
        peak_bytes=2**40,
        seconds=1e6,
        kill_seconds=1.0,
        survivors=1000,
    )

    assert len(msgspec.json.encode(report)) < MAX_MESSAGE


class Silent:
    """A living service that does not report."""

    service, state, alive = Service(name="writer", entry=""), ServiceState.RUNNING, True

    def __init__(self):
        self.signals = []

    def signal(self, number):
        self.signals.append(number)


class Ticks:
    """A loop whose periodic call the test makes."""

    def every(self, _seconds, call):
        self.again = call


def test_a_silent_service_is_ended_after_its_timeout():
    loop, service = Ticks(), Silent()
    watchdog = Watchdog(loop, service, 3.0)
    for _ in range(2):
        loop.again()
    watchdog.reset()
    for _ in range(2):
        loop.again()
    assert service.signals == [], "however long it took: we may have been stopped"
    for _ in range(3):
        loop.again()
    assert service.signals == [signal.SIGABRT, signal.SIGKILL, signal.SIGKILL]


def test_a_service_that_is_leaving_is_not_watched():
    loop, service = Ticks(), Silent()
    Watchdog(loop, service, 1.0)
    service.state = ServiceState.STOPPING
    for _ in range(5):
        loop.again()
    assert service.signals == []


def left_before_ready(said: str, status: int) -> Exited:
    """The report about a process that has left so before READY."""
    told = SimpleNamespace(text=lambda: said)
    job = SimpleNamespace(cause=None, ready_message=None, _tail=told, _sentence="", start=SimpleNamespace(run="1"), started_at=0.0)
    job.memory, job.kill_seconds, job.survivors = SimpleNamespace(peak=0), None, 0
    return Job.report(job, True, status)


@pytest.mark.parametrize("status", [EXIT_NO_RESOURCES, 1])
def test_a_process_that_could_not_be_set_up_has_a_reason_even_when_it_wrote_none(status):
    """An empty one would begin no pause, and the job would be started again at once, without end."""
    exited = left_before_ready("", status)
    assert exited.cause is Cause.RESOURCES and "could not be set up" in exited.sentence


def test_an_exception_in_the_making_of_a_sandbox_is_the_jobs():
    """Its paths and ports are in there: a job whose config cannot be carried out is parked, and does not pause the worker without end."""
    assert left_before_ready("Traceback (most recent call last):\nValueError: embedded null byte\n", 1).cause is Cause.EXITED
