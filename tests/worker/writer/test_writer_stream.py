"""The thread of one run, with real pipes and an inventory that remembers."""

from __future__ import annotations

import os
import queue
import random
import struct

import pytest

from providers.errors import Outcome
from providers.records import Identity, Resource, Scope
from providers.sink import ScopeReport
from supervisor.frames import ControlKind, FrameBuffer, encode
from supervisor.messages import Cause, Exited
from worker.job.sink import FrameSink
from worker.run import wire
from worker.run.inventory import InventoryError, Totals
from worker.run.outcome import Status
from worker.run.wire import DataKind
from worker.writer.stream import RunStream

SCOPE = Scope("aws", "1", "eu-west-1", "vpc")
CAP = 20


class Memory:
    """An inventory that remembers."""

    def __init__(self, fail_on="", known=0):
        """`known` is how many resources every batch is said to hold that came before; 0 for batches that did not."""
        self.calls, self.fail_on, self.stored, self.known = [], fail_on, [], known
        self.totals = Totals(confirmed=7)

    def repeated(self, index, encoded):
        return self.known

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)

        def method(*arguments):
            self.calls.append((name, *arguments))
            if name == self.fail_on:
                raise InventoryError("the database is gone", error_kind="database")
            if name == "records":
                self.stored += arguments[1]
            return arguments[0] if name == "finish" else None

        return method

    def ends(self):
        return [call[1] for call in self.calls if call[0] == "end"]


class Bench:
    """A run with both its pipes."""

    def __init__(self, inventory=None, body=b"{}"):
        self.inventory = inventory or Memory()
        self.violations, self.verdicts, self.kept = queue.Queue(), queue.Queue(), []
        data_read, self.data = os.pipe()
        self.start, start_write = os.pipe()
        calls = {"violation": lambda *b: self.violations.put(b), "done": self.verdicts.put}
        calls["keep"] = lambda verdict: self.kept.append((verdict.status, verdict.error_kind, verdict.confirmed))
        calls["secrets"] = ("hunter2hunter2",)
        self.run = RunStream("1", data_read, start_write, body, self.inventory, **calls)
        self.run.start()

    def say(self, data):
        os.write(self.data, data)

    def hang_up(self):
        os.close(self.data)
        self.data = None

    def end(self, cause=Cause.EXITED, exit_code=0, **rest):
        self.run.exited(Exited(run="1", cause=cause, exit_code=exit_code, **rest))
        verdict = self.verdicts.get(timeout=CAP)
        self.run.forget()
        return verdict

    def close(self):
        if self.data is not None:
            os.close(self.data)
        os.close(self.start)


@pytest.fixture
def bench():
    benches = []

    def make(**options):
        benches.append(Bench(**options))
        return benches[-1]

    yield make
    for one in benches:
        one.close()
        assert not one.run.is_alive()


def frame(kind, body):
    return encode(kind, wire.encode(body) if not isinstance(body, bytes) else body)


def records(sequence, index, count):
    return frame(
        DataKind.RECORDS,
        b"[%d,%d,%b]" % (sequence, index, wire.encode_resources([Resource(str(n), "vpc", "vpc", "n") for n in range(count)])),
    )


GOOD = (
    frame(DataKind.IDENTITY, Identity("me"))
    + frame(DataKind.SCOPE, wire.ScopeOpened(0, SCOPE))
    + records(0, 0, 3)
    + records(1, 0, 2)
    + frame(DataKind.SCOPE_END, wire.ScopeEnd(index=0, outcome=Outcome.COMPLETE, resources=5))
    + frame(DataKind.COMPLETE, wire.Complete(1, 5))
)


def test_a_whole_run(bench):
    one = bench()
    one.say(GOOD)
    one.hang_up()

    assert one.end().status is Status.COMPLETED
    assert [call[0] for call in one.inventory.calls if call[0] != "flush"] == ["identity", "begin", "records", "records", "end", "finish"]
    assert len(one.inventory.stored) == 5


def test_a_batch_that_the_inventory_knows_is_not_decoded(bench):
    one = bench(inventory=Memory(known=2))
    one.say(
        frame(DataKind.SCOPE, wire.ScopeOpened(0, SCOPE))
        + records(0, 0, 2)
        + records(1, 0, 2)
        + frame(DataKind.SCOPE_END, wire.ScopeEnd(index=0, outcome=Outcome.COMPLETE, resources=4))
        + frame(DataKind.COMPLETE, wire.Complete(1, 4))
    )
    one.hang_up()

    verdict = one.end()
    assert (verdict.status, verdict.error) == (Status.COMPLETED, "")
    assert one.inventory.stored == []


def test_known_batches_count_towards_what_a_scope_claims(bench):
    one = bench(inventory=Memory(known=2))
    one.say(GOOD)  # which claims 5

    verdict = one.end()
    assert "scope 0 claims 5 resources, 4 arrived" in verdict.error
    one.hang_up()


def test_what_was_in_the_pipe_when_the_job_died_is_stored(bench):
    one = bench()
    one.say(GOOD[: len(GOOD) // 2])
    verdict = one.end(Cause.TIMEOUT, None)

    assert (verdict.status, verdict.error_kind) == ("error", "timeout")
    assert one.inventory.ends()[-1].outcome is Outcome.TIMEOUT


def test_c01_killed_at_any_byte(bench):
    """Every whole frame before the cut is kept, the part of one is dropped, and the run is never a success."""
    for cut in random.Random(1).sample(range(len(GOOD)), 60):
        whole = [kind for kind, _ in FrameBuffer(DataKind).feed(GOOD[:cut])]
        one = bench()
        one.say(GOOD[:cut])
        one.hang_up()
        verdict = one.end(Cause.SIGNALLED, None, signal="SIGKILL")

        assert (verdict.status, verdict.error_kind) == ("error", "crashed")
        assert len(one.inventory.stored) == [0, 3, 5][whole.count(DataKind.RECORDS)]


def test_c03_a_frame_that_no_job_of_ours_writes_is_not_even_read(bench):
    """The decoded objects of a frame as large as the supervisor's limit would fill a small container."""
    one = bench()
    one.say(struct.pack(">IB", wire.MAX_DATA_FRAME + 1, DataKind.RECORDS))
    cause, sentence = one.violations.get(timeout=CAP)
    verdict = one.end(cause, None)

    assert "claims 1114113 bytes, over the limit of 1114112" in sentence
    assert (cause, verdict.error_kind) == (Cause.PROTOCOL, "protocol")


def test_the_largest_resource_that_is_stored_fits_into_a_frame(bench, tmp_path):
    room = wire.MAX_RESOURCE - len(wire.encode_resources([resource_of(0)]))
    with (tmp_path / "said").open("wb") as said:
        sink = FrameSink(said.fileno())
        sink.begin(SCOPE)
        sink.resources(SCOPE, [resource_of(room), resource_of(room + 1)])
        sink.end(ScopeReport(SCOPE, Outcome.COMPLETE, 2))
        sink.complete()
    one = bench()
    one.say((tmp_path / "said").read_bytes())
    one.hang_up()

    assert one.end().status is Status.COMPLETED
    assert one.inventory.ends()[0].rejected == 1
    assert len(one.inventory.stored[0]) == wire.MAX_RESOURCE - len("[]")


def resource_of(size):
    return Resource("1", "vpc", "vpc", "n" * size)


def test_a_survivor_that_holds_the_pipe_does_not_keep_the_run(bench):
    one = bench()
    one.say(GOOD[:-3])

    assert one.end(Cause.TIMEOUT, None, survivors=1).error_kind == "timeout"


@pytest.mark.parametrize(
    "garbage", [b"\xff" * 64, frame(ControlKind.READY, b"{}"), GOOD + GOOD], ids=["bytes", "wrong kind", "after COMPLETE"]
)
def test_garbage_ends_the_run(bench, garbage):
    one = bench()
    one.say(garbage)
    cause, sentence = one.violations.get(timeout=CAP)

    assert cause is Cause.PROTOCOL
    assert sentence
    one.say(b"more, which nobody reads")
    verdict = one.end(Cause.PROTOCOL, None)
    assert (verdict.status, verdict.error_kind) == ("error", "protocol")
    assert sentence in verdict.error


def test_half_a_frame_after_complete(bench):
    one = bench()
    one.say(GOOD + b"\0\0")

    assert one.end().error_kind == "protocol"


def test_a_store_that_fails_ends_the_job(bench):
    one = bench(inventory=Memory(fail_on="records"))
    one.say(GOOD)
    cause, sentence = one.violations.get(timeout=CAP)

    assert (cause, sentence) == (Cause.WRITER, "the database is gone")
    verdict = one.end(Cause.WRITER, None)
    assert (verdict.status, verdict.error_kind, verdict.error) == ("error", "database", "the database is gone")


def test_an_outcome_that_cannot_be_stored(bench):
    one = bench(inventory=Memory(fail_on="finish"))
    one.say(GOOD)
    one.hang_up()

    assert one.end().error_kind == "database"


def test_case_eng_2_an_outcome_is_kept_before_it_is_stored(bench):
    """A writer that dies while it stores an outcome leaves it to the next one; a run that goes back to the queue has none."""
    stored, failing, killed, released = bench(), bench(inventory=Memory(fail_on="flush")), bench(), bench()
    stored.say(GOOD)
    stored.end()
    failing.violations.get(timeout=CAP)
    for one, cause in ((failing, Cause.WRITER), (killed, Cause.IDLE), (released, Cause.SHUTDOWN)):
        one.end(cause, None)
    assert stored.kept == [("completed", "", 7)], "with what the database has to know when it is stored later"
    assert failing.kept == [("error", "internal", 7), ("error", "database", 7)]
    assert killed.kept == [("error", "idle", 7), ("error", "idle", 7)], "known to the main thread while the run's waits for the database"
    assert released.kept == []


def test_the_start_frame_waits_for_ready_and_may_be_larger_than_the_pipe(bench):
    body = b'{"x":"' + b"y" * 1_000_000 + b'"}'
    one = bench(body=body)
    os.set_blocking(one.start, False)
    with pytest.raises(BlockingIOError):
        os.read(one.start, 1)
    os.set_blocking(one.start, True)
    one.run.ready()
    received = b""
    while len(received) < len(body) + 5:
        received += os.read(one.start, 1 << 20)

    assert received == encode(ControlKind.START, body)
    one.hang_up()
    one.end()


def test_c07_a_drip_is_no_hindrance(bench):
    one = bench()
    for byte in GOOD:
        one.say(bytes([byte]))
    one.hang_up()

    assert one.end().status is Status.COMPLETED


SAID = frame(DataKind.LOG, wire.LogLines(0, [wire.LogLine(1769828400.25, "warning", "sdk", "slow hunter2hunter2")]))
HEARD = [("2026-01-31T03:00:00.250Z", "warning", "sdk", "slow ***")]


@pytest.mark.parametrize(
    ("rest", "cause", "status", "error_kind"),
    [
        (GOOD, Cause.EXITED, Status.COMPLETED, ""),
        (b"", Cause.TIMEOUT, Status.ERROR, "timeout"),
        (b"", Cause.MEMORY, Status.ERROR, "memory"),
        (b"", Cause.CANCELLED, Status.CANCELLED, ""),
        (b"", Cause.SHUTDOWN, Status.RELEASED, ""),
        (frame(DataKind.SCOPE, b"{"), Cause.PROTOCOL, Status.ERROR, "protocol"),
        (frame(DataKind.FAILED, wire.Failed("source", "no")), Cause.EXITED, Status.ERROR, "source"),
    ],
)
def test_what_the_job_has_logged_is_stored_with_the_outcome_however_it_ends(bench, rest, cause, status, error_kind):
    one = bench()
    one.say(SAID + rest)
    one.hang_up()
    verdict = one.end(cause, 0)

    assert (verdict.status, verdict.error_kind) == (status, error_kind)
    assert verdict.log.lines == HEARD


def test_a_run_that_could_not_be_stored_keeps_its_log_for_later(bench):
    one = bench(inventory=Memory(fail_on="finish"))
    one.say(SAID + GOOD)
    one.hang_up()
    verdict = one.end()

    assert (verdict.stored, verdict.error_kind) == (False, "database")
    assert verdict.log.lines == HEARD


def test_a_job_that_has_logged_nothing_has_no_log(bench):
    one = bench()
    one.say(GOOD)
    one.hang_up()
    assert one.end().log is None
