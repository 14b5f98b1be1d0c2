"""The backlog thread, with a database that comes and goes."""

from __future__ import annotations

import os
import select
import time

import pytest
from waiting import until

from worker.run.queue import Claimed, Cleaned, Numbers, Renewal, Unacceptable, Unreachable
from worker.writer import backlog as backlogs
from worker.writer.backlog import Backlog
from worker.writer.mailbox import Mailbox

CAP = 20


def claim(number):
    return Claimed(number, number, 1, f"job {number}", "hostile", {})


class Fake:
    """A queue; `fails` says which method raises."""

    schema = "2"

    def __init__(self):
        self.fd, self.due, self.fails, self.done = os.eventfd(0, os.EFD_NONBLOCK), [], set(), []
        self.lost, self.cancelled = set(), set()
        self.batches = self.pending = 0
        self.order = []

    def _call(self, name):
        if name in self.fails:
            raise Unreachable(f"{name}: connection refused")

    def fileno(self):
        return self.fd

    def notify(self):
        os.eventfd_write(self.fd, 1)

    def notified(self):
        try:
            return os.eventfd_read(self.fd) > 0
        except BlockingIOError:
            return False

    def claim(self, limit, job):
        self._call("claim")
        self.order.append("claim")
        taken, self.due = self.due[:limit], self.due[limit:]
        return taken

    def claim_tests(self, limit):
        return []

    def renew(self, claims):
        self._call("renew")
        return Renewal(frozenset(self.lost), frozenset(self.cancelled))

    def release(self, claimed, sentence):
        self._call("release")
        self.done.append((claimed.job_id, sentence))

    def release_tests(self):
        self.done.append("tests")

    def sweep(self, overdue):
        return []

    def add_signatures(self):
        self.pending -= 1
        return self.pending > 0

    def clean(self):
        self.batches -= 1
        self.order.append("clean")
        return Cleaned({"runs": 10}, self.batches > 0)

    def numbers(self):
        return Numbers(len(self.due), 1.0)

    def close(self):
        pass


class Listener:
    def __init__(self):
        self.received = []

    def __getattr__(self, name):
        return lambda *arguments: self.received.append((name, *arguments))

    def names(self):
        return [name for name, *_ in self.received]


class Bench:
    def __init__(self):
        self.queue, self.mailbox, self.listener, self.down = Fake(), Mailbox(), Listener(), False
        self.backlog = Backlog(self.connect, self.mailbox, self.listener, poll_seconds=3600, lease_seconds=3600)
        self.backlog.start()

    def connect(self):
        if self.down:
            raise Unreachable("nobody listens")
        return self.queue

    def until(self, condition):
        poller = select.poll()
        poller.register(self.mailbox, select.POLLIN)
        deadline = time.monotonic() + CAP
        while not condition():
            assert time.monotonic() < deadline, self.listener.received
            poller.poll(20)
            self.mailbox.deliver()


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.setattr(backlogs, "RETRY_SECONDS", (0.01,))
    monkeypatch.setattr(backlogs, "SIGN_SECONDS", 0.02)
    one = Bench()
    yield one
    one.backlog.stop()
    one.backlog.join(CAP)
    assert not one.backlog.is_alive()
    os.close(one.queue.fd)


def test_claims_no_more_than_there_are_slots(bench):
    bench.queue.due = [claim(n) for n in range(5)]
    bench.backlog.offer({"discovery": 2, "test": 1}, 0)
    bench.until(lambda: bench.listener.names().count("claimed") == 2)
    bench.backlog.offer({"discovery": 2, "test": 1}, 0)  # said before the two were received: it counts for nothing
    bench.backlog.offer({"discovery": 1, "test": 1}, 2)
    bench.until(lambda: bench.listener.names().count("claimed") == 3)

    assert len(bench.queue.due) == 2
    assert "nothing_due" not in bench.listener.names()


def test_a_notification_is_received_at_once(bench):
    bench.backlog.offer({"discovery": 1}, 0)
    bench.until(lambda: "nothing_due" in bench.listener.names())
    bench.queue.due = [claim(7)]
    bench.queue.notify()
    bench.until(lambda: "claimed" in bench.listener.names())


def test_whoever_queues_a_job_does_not_wait_for_the_retention_that_the_same_notification_begins(bench):
    bench.backlog.offer({"discovery": 1}, 0)
    bench.until(lambda: "nothing_due" in bench.listener.names() and "clean" in bench.queue.order)
    before = len(bench.queue.order)
    bench.queue.due = [claim(7)]
    bench.queue.notify()
    bench.until(lambda: len(bench.queue.order) >= before + 2)
    assert bench.queue.order[before : before + 2] == ["claim", "clean"]


def test_a_lost_and_a_cancelled_run(bench):
    bench.queue.due = [claim(1), claim(2)]
    bench.backlog.offer({"discovery": 2}, 0)
    bench.until(lambda: bench.listener.names().count("claimed") == 2)
    bench.queue.lost, bench.queue.cancelled = {"1"}, {"2"}
    bench.queue.notify()
    bench.until(lambda: {"lost", "cancelled"} <= set(bench.listener.names()))

    assert ("lost", "1") in bench.listener.received
    assert ("cancelled", "2") in bench.listener.received
    (_, _, lease) = next(call for call in bench.listener.received if call[0] == "renewed")
    assert 0 < lease <= 3240  # a tenth of it is kept for the kill


def test_a_database_that_goes_and_comes_back(bench):
    bench.until(lambda: bench.backlog.state.state == "up")
    bench.queue.fails = {"renew"}
    bench.down = True
    bench.queue.notify()
    bench.until(lambda: bench.backlog.state.state == "down")
    bench.backlog.defer(lambda queue: queue.release(claim(3), "it had no process"))
    bench.until(lambda: "nobody listens" in bench.backlog.state.error)
    assert bench.queue.done == []

    bench.queue.fails, bench.down = set(), False
    bench.queue.due = [claim(9)]
    bench.backlog.offer({"discovery": 1}, 0)
    bench.until(lambda: "claimed" in bench.listener.names())
    assert bench.backlog.state.state == "up"
    assert bench.queue.done == [(3, "it had no process")]


def test_a_deferred_write_that_fails_is_done_after_the_reconnect(bench):
    bench.queue.fails = {"release"}
    bench.backlog.defer(lambda queue: queue.release(claim(3), "x"))
    bench.until(lambda: bench.backlog.state.state == "down")
    bench.queue.fails = set()
    bench.until(lambda: bench.queue.done == [(3, "x")])


def test_what_was_claimed_while_the_main_thread_left_goes_back(bench):
    """Nobody would notice the claim until its lease ends, and a crash would be counted."""
    bench.queue.due = [claim(1), claim(2)]
    bench.backlog.offer({"discovery": 2}, 0)
    until(lambda: not bench.queue.due, "both are claimed")
    bench.backlog.stop(running={"1"})
    bench.backlog.join(CAP)

    assert bench.queue.done == [(2, "the worker is stopping"), "tests"]


def test_what_the_database_never_takes_is_dropped_and_holds_up_nothing(bench):
    def poison(queue):
        raise Unacceptable("a NUL")

    bench.backlog.defer(poison)
    bench.backlog.defer(lambda queue: queue.release(claim(3), "x"))
    bench.until(lambda: bench.queue.done == [(3, "x")])
    assert bench.backlog.state.state == "up"


def test_what_nobody_foresaw_is_raised_where_it_is_noticed(bench):
    """The worker would otherwise go on without claiming anything."""

    def break_down(queue):
        raise LookupError("a fault of ours")

    bench.backlog.defer(break_down)
    bench.backlog.join(CAP)
    with pytest.raises(LookupError, match="a fault of ours"):
        bench.mailbox.deliver()


def test_what_is_kept_no_longer_is_deleted_batch_after_batch(bench, monkeypatch):
    monkeypatch.setattr(backlogs, "CLEAN_SECONDS", 0.01)
    monkeypatch.setattr(backlogs, "CLEAN_PAUSE", 0.0)
    bench.queue.batches = 5
    bench.queue.notify()
    bench.until(lambda: bench.queue.batches <= 0)
    bench.until(lambda: bench.backlog.cleanings.deleted.get("runs", 0) >= 50)


def test_signatures_of_the_search_are_added_batch_after_batch_while_nothing_runs(bench, monkeypatch):
    monkeypatch.setattr(backlogs, "SIGN_PAUSE", 0.0)
    monkeypatch.setattr(backlogs, "SIGN_PAUSE_AT_WORK", 3600.0)
    bench.queue.pending = 5
    bench.until(lambda: bench.queue.pending <= 0)


def test_while_a_job_runs_there_is_a_longer_pause_between_two_batches(bench, monkeypatch):
    monkeypatch.setattr(backlogs, "SIGN_PAUSE_AT_WORK", 3600.0)
    bench.queue.due = [claim(7)]
    bench.backlog.offer({"discovery": 1}, 0)
    bench.until(lambda: "claimed" in bench.listener.names())
    first = bench.queue.pending = 1_000
    bench.until(lambda: bench.queue.pending < first)
    left = bench.queue.pending
    for _ in range(3):  # the thread has gone round
        renewed = bench.listener.names().count("renewed")
        bench.queue.notify()
        bench.until(lambda renewed=renewed: bench.listener.names().count("renewed") > renewed)
    assert bench.queue.pending == left
