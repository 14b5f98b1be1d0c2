"""The entry of a job process, called in this one: what comes out of its pipes for a START frame."""

from __future__ import annotations

import os
import threading

import msgspec
import pytest

from providers import registry
from providers.errors import Outcome, ProviderError
from providers.hostile import Hostile
from supervisor.frames import ControlKind, FrameBuffer
from worker.job import entry
from worker.run import wire
from worker.run.wire import DataKind
from worker.writer.protocol import Conversation


@pytest.fixture(autouse=True)
def hostile(monkeypatch):
    registry.get.cache_clear()
    monkeypatch.setitem(registry.BUILT_IN, "hostile", "providers.hostile:Hostile")
    yield
    registry.get.cache_clear()


class Spoken:
    """What a job said."""

    def __init__(self, code, data, control):
        self.code = code
        self.frames = list(FrameBuffer(DataKind).feed(data))
        self.progress = [msgspec.json.decode(body, type=wire.Progress) for _, body in FrameBuffer(ControlKind).feed(control)]
        self.conversation = Conversation()
        self.messages = [self.conversation.accept(kind, body) for kind, body in self.frames]

    def kinds(self):
        return [kind for kind, _ in self.frames]

    def ends(self):
        return [message for message in self.messages if isinstance(message, wire.ScopeEnd)]

    def resources(self):
        found = [message.resources for message in self.messages if isinstance(message, wire.Records)]
        return [wire.decode_resource(raw) for batch in found for raw in batch]


def read_all(fd, into):
    while chunk := os.read(fd, 1 << 20):
        into.append(chunk)


def run(start):
    """Runs a job in this thread, with both pipes read by others."""
    received, threads, ends = ([], []), [], []
    for number in (0, 1):
        read, write = os.pipe()
        threads.append(threading.Thread(target=read_all, args=(read, received[number])))
        threads[-1].start()
        ends.append((read, write))
    code = entry.main(start, control=ends[1][1], data=ends[0][1])
    for _, write in ends:
        os.close(write)
    for thread in threads:
        thread.join()
    for read, _ in ends:
        os.close(read)
    return Spoken(code, b"".join(received[0]), b"".join(received[1]))


def do(kind="discovery", provider="hostile", batch=500, operator=None, **config):
    return run(
        wire.encode(wire.JobStart(kind=kind, run="7", provider=provider, config=config, batch=batch, job_id=42, operator=operator or {}))
    )


def test_a_run_that_goes_well():
    conversation = do(regions=["a", "b"], resources=1200)

    assert conversation.code == 0
    assert conversation.conversation.complete
    assert conversation.conversation.outcomes == {"complete": 2}
    assert len(conversation.resources()) == 2400
    assert conversation.kinds()[0] is DataKind.IDENTITY
    assert conversation.kinds().count(DataKind.RECORDS) == 6
    assert conversation.kinds().count(DataKind.ORGANIZATIONS) == 1
    last = conversation.progress[-1]
    assert (last.scopes_planned, last.scopes_done, last.resources, last.calls) == (2, 2, 2400, 2400)


def test_equal_runs_are_equal_bytes():
    assert do(resources=50).frames == do(resources=50).frames


def test_a_connectivity_test_reads_nothing():
    conversation = do(kind="test", operator={"endpoint_url": "http://x"})

    assert conversation.code == 0
    assert conversation.kinds() == [DataKind.IDENTITY, DataKind.COMPLETE]
    assert conversation.messages[0].details == {"HOSTILE_ENDPOINT_URL": "http://x"}


def test_large_resources_travel_in_several_frames():
    conversation = do(resources=40, size=200_000, batch=40)

    assert len(conversation.resources()) == 40
    assert conversation.kinds().count(DataKind.RECORDS) > 4


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("huge_record", "it has 52,4"),
        ("deep_record", "it cannot be written as JSON"),
        ("surrogate_record", "it cannot be written as JSON"),
        ("object_record", "it cannot be written as JSON"),
    ],
)
def test_c12_one_bad_resource_is_refused_alone(behaviour, reason):
    conversation = do(behaviour=behaviour, resources=20)

    (end,) = conversation.ends()
    assert conversation.code == 0
    assert (end.outcome, end.resources, end.rejected) == (Outcome.COMPLETE, 20, 1)
    assert "thing 'r1/odd' is not stored" in end.rejection
    assert reason in end.rejection
    assert len(conversation.resources()) == 20


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        ("deny", "denied"),
        ("throttle", "throttled"),
        ("time_out", "timeout"),
        ("bad_answer", "error"),
        ("incomplete", "timeout"),
        ("blurt", "error"),
    ],
)
def test_one_scope_may_fail_alone(behaviour, outcome):
    conversation = do(behaviour=behaviour, regions=["a", "b"], misbehave_in="a", password="hunter2hunter2")

    assert conversation.code == 0
    assert [end.outcome for end in conversation.ends()] == [outcome, "complete"]
    assert "hunter2" not in str(conversation.messages)


def test_the_missing_permission_is_named():
    (end,) = do(behaviour="deny").ends()

    assert end.permission == "hostile:ListThings"


FAILURES = [
    ({"behaviour": "refuse_config"}, "config", "`behaviour`: this source is never content"),
    ({"behavior": "well"}, "config", "unknown config key `behavior`, did you mean `behaviour`?"),
    ({"behaviour": "refuse_credentials", "password": "hunter2hunter2"}, "credentials", "the password '***' is wrong"),
    ({"provider": "hostil"}, "config", "did you mean 'hostile'?"),
    ({"behaviour": "out_of_memory"}, "memory", "DISCOVERY_JOB_MEMORY_MB"),
]


@pytest.mark.parametrize(("start", "kind", "sentence"), FAILURES)
def test_failures(start, kind, sentence):
    conversation = do(**start)
    failed = conversation.conversation.failed

    assert conversation.code == 1
    assert (failed.error_kind, conversation.kinds()[-1]) == (kind, DataKind.FAILED)
    assert sentence.split("***")[0] in failed.message
    assert "hunter2" not in failed.message + failed.detail


@pytest.mark.parametrize(
    "start", [b"", b"{", b"\x80\x04", b'{"kind":"discovery"}', wire.encode(wire.JobStart("discovery", "7", "hostile", {}, protocol=99))]
)
def test_a_start_frame_that_makes_no_sense(start):
    conversation = run(start)

    assert conversation.code == 1
    assert "START frame" in conversation.conversation.failed.message


def test_a_writer_that_is_gone_ends_the_job():
    read, write = os.pipe()
    os.close(read)
    control_read, control = os.pipe()
    code = entry.main(wire.encode(wire.JobStart("discovery", "7", "hostile", {"resources": 5000})), control=control, data=write)
    for fd in (write, control_read, control):
        os.close(fd)

    assert code == entry.EXIT_NO_WRITER


def test_a_kind_of_error_that_a_provider_made_up_is_told_as_internal(monkeypatch):
    """The message stays; the kind is one of a closed set, because it labels a metric."""

    class Quaint(ProviderError):
        error_kind = "quaint"

    def refuse(self, config, operator):
        raise Quaint("the moon is in the wrong house")

    monkeypatch.setattr(Hostile, "open", refuse)
    failed = do().messages[-1]

    assert (failed.error_kind, failed.message) == ("internal", "the moon is in the wrong house")
