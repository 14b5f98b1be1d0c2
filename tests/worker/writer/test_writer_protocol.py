"""The rules of the data pipe hold for any bytes."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.errors import Outcome
from providers.records import Identity, Organization, Resource, Scope
from supervisor.errors import ProtocolError
from supervisor.frames import FrameBuffer, encode
from worker.run import wire
from worker.run.wire import DataKind
from worker.writer.protocol import Conversation

SCOPE = Scope("aws", "1", "eu-west-1", "vpc")


def identity():
    return DataKind.IDENTITY, wire.encode(Identity("me"))


def scope(index):
    return DataKind.SCOPE, wire.encode(wire.ScopeOpened(index, SCOPE))


def records(sequence, index, count=2):
    resources = [Resource(f"id-{sequence}-{n}", "vpc", "vpc", "name") for n in range(count)]
    return DataKind.RECORDS, b"[%d,%d,%b]" % (sequence, index, wire.encode_resources(resources))


def end(index, resources, outcome=Outcome.COMPLETE):
    return DataKind.SCOPE_END, wire.encode(wire.ScopeEnd(index=index, outcome=outcome, resources=resources))


def complete(scopes, resources):
    return DataKind.COMPLETE, wire.encode(wire.Complete(scopes, resources))


def failed():
    return DataKind.FAILED, wire.encode(wire.Failed("config", "no"))


def organizations(*pairs):
    return DataKind.ORGANIZATIONS, wire.encode([Organization(*pair) for pair in pairs])


def log(*lines, left_out=0):
    return DataKind.LOG, msgspec.json.encode([left_out, list(lines)])


LINE = (1769828400.25, "warning", "sdk", "slow")

GOOD = [
    log(LINE),
    identity(),
    scope(0),
    scope(1),
    log(LINE, LINE, left_out=3),
    records(0, 1),
    records(1, 0, 3),
    end(1, 2),
    organizations(("o", "O")),
    end(0, 3),
    complete(2, 5),
]


def test_a_whole_run():
    conversation = Conversation()
    messages = [conversation.accept(*frame) for frame in GOOD]

    assert conversation.complete
    assert (conversation.scopes, conversation.resources, conversation.outcomes) == (2, 5, {"complete": 2})
    assert wire.decode_resource(messages[5].resources[0]).external_id == "id-0-0"


BREACHES = {
    "identity twice": ([identity(), identity()], "twice"),
    "identity after a scope": ([scope(0), identity()], "after the first scope"),
    "scope skipped": ([scope(1)], "scope 1 was opened where scope 0"),
    "scope twice": ([scope(0), scope(0)], "scope 0 was opened where scope 1"),
    "too many records": ([scope(0), (DataKind.RECORDS, b"[0,0,[" + b"1," * 10_000 + b"1]]")], "10001 resources, and 10000 is the most"),
    "too many open": ([scope(number) for number in range(10_001)], "more than 10,000 scopes are open"),
    "records of no scope": ([records(0, 0)], "not open"),
    "records of a closed scope": ([scope(0), end(0, 0), records(0, 0)], "not open"),
    "c11 gap": ([scope(0), records(0, 0), records(2, 0)], "number 2 came where number 1"),
    "c11 duplicate": ([scope(0), records(0, 0), records(0, 0)], "number 0 came where number 1"),
    "wrong count": ([scope(0), records(0, 0), end(0, 3)], "claims 3 resources, 2 arrived"),
    "end of no scope": ([end(0, 0)], "not open"),
    "complete too early": ([scope(0), complete(1, 0)], "1 scopes are open"),
    "wrong total": ([scope(0), records(0, 0), end(0, 2), complete(1, 3)], "claims 1 scopes and 3 resources"),
    "c10 more after complete": ([complete(0, 0), scope(0)], "after COMPLETE"),
    "c10 complete twice": ([complete(0, 0), complete(0, 0)], "after COMPLETE"),
    "more after failed": ([failed(), complete(0, 0)], "after FAILED"),
    "not json": ([(DataKind.SCOPE, b"{")], "cannot be read"),
    "c5 a pickle": ([(DataKind.IDENTITY, b"\x80\x04\x95cos\nsystem\n(S'true'\ntR.")], "cannot be read"),
    "c12 nesting": ([scope(0), (DataKind.RECORDS, b"[0,0,[" + b"[" * 100_000 + b"]" * 100_000 + b"]]")], "cannot be read"),
    "unknown outcome": ([scope(0), (DataKind.SCOPE_END, b'{"index":0,"outcome":"fine","resources":0}')], "cannot be read"),
    "unknown key": ([(DataKind.COMPLETE, b'{"scopes":0,"resources":0,"x":1}')], "unknown field"),
    "nameless organization": ([organizations(("o", ""))], "no name"),
    "a NUL": ([scope(0), (DataKind.SCOPE_END, b'{"index":0,"outcome":"error","resources":0,"message":"a\\u0000b"}')], "matching regex"),
    "a NUL in who we are": ([(DataKind.IDENTITY, b'{"name":"n","details":{"a":"\\u0000"}}')], "matching regex"),
    "a long text": ([(DataKind.FAILED, b'{"error_kind":"source","message":"%b"}' % (b"x" * 20_000))], "length"),
    "a kind that there is not": ([(DataKind.FAILED, b'{"error_kind":"mine","message":""}')], "Invalid enum value 'mine'"),
    "a long word": ([(DataKind.FAILED, b'{"error_kind":"%b","message":""}' % (b"x" * 300_000))], r"xxx \.\.\."),
    "too many lines": ([log(*[LINE] * 101)], "LOG has 101 lines, and 100 is the most"),
    "a long line": ([log((1, "info", "sdk", "x" * 2_001))], "length"),
    "a long logger": ([log((1, "info", "x" * 201, "t"))], "length"),
    "a level that there is not": ([log((1, "x" * 300_000, "sdk", "t"))], "Invalid enum value"),
    "a line that is no text": ([log((1, "info", "sdk", {"a": 1}))], "Expected `str`"),
    "a line before there was time": ([log((-1, "info", "sdk", "t"))], "cannot be read"),
    "a line after the end of time": ([log((1e300, "info", "sdk", "t"))], "cannot be read"),
    "a line of another run": ([log((1, "info", "sdk", "t", 42))], "length"),
    "less than no lines left out": ([log(left_out=-1)], "cannot be read"),
    "more left out than can be counted": ([log(left_out=2**63)], "cannot be read"),
    "lines after complete": ([complete(0, 0), log(LINE)], "after COMPLETE"),
    "negative rejects": ([scope(0), (DataKind.SCOPE_END, b'{"index":0,"outcome":"complete","resources":0,"rejected":-1}')], "rejected"),
}


@pytest.mark.parametrize(("frames", "sentence"), BREACHES.values(), ids=BREACHES)
def test_breaches(frames, sentence):
    conversation = Conversation()
    for frame in frames[:-1]:
        conversation.accept(*frame)

    with pytest.raises(ProtocolError, match=sentence) as caught:
        conversation.accept(*frames[-1])
    assert len(str(caught.value)) < 600, "it has a message to the supervisor to fit into"


@given(st.data())
def test_c04_nothing_but_a_protocol_error(data):
    """A good stream with bytes changed, cut and inserted: every frame is accepted or is a ProtocolError, whatever it is."""
    stream = bytearray(b"".join(encode(*frame) for frame in GOOD))
    for _ in range(data.draw(st.integers(1, 8))):
        position = data.draw(st.integers(0, len(stream) - 1))
        stream[position : position + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=8))
        if not stream:
            return
    conversation, buffer = Conversation(), FrameBuffer(DataKind)
    try:
        for kind, body in buffer.feed(bytes(stream)):
            conversation.accept(kind, body)
    except ProtocolError as error:
        assert str(error)


@given(kind=st.sampled_from(DataKind), body=st.recursive(st.none() | st.integers() | st.text(), st.lists).map(msgspec.json.encode))
def test_c04_any_json_as_any_frame(kind, body):
    conversation = Conversation()
    try:
        conversation.accept(kind, body)
    except ProtocolError as error:
        assert str(error)


def opened():
    conversation = Conversation()
    for frame in GOOD[:4]:
        conversation.accept(*frame)
    return conversation


def test_a_batch_that_is_known_counts_as_if_it_were_decoded():
    conversation = opened()
    for frame in GOOD[4:]:
        batch = conversation.batch(*frame)
        assert (batch is not None) == (frame[0] is DataKind.RECORDS)
        if batch:
            conversation.repeated(batch, len(msgspec.json.decode(batch.encoded)))
        else:
            conversation.accept(*frame)
    assert conversation.complete
    assert (conversation.scopes, conversation.resources) == (2, 5)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(records(1, 0)[1], id="a_gap"),
        pytest.param(records(0, 2)[1], id="a_scope_that_is_not_open"),
        pytest.param(records(0, 0)[1][:20], id="cut_off"),
        pytest.param(b" " + records(0, 0)[1], id="a_space_before"),
        pytest.param(b"[0,0,{}]", id="no_list"),
        pytest.param(b"[-0,0,[]]", id="a_sign"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_a_batch_out_of_place_is_left_to_the_check_of_its_frame(body):
    assert opened().batch(DataKind.RECORDS, body) is None


def test_no_batch_comes_after_the_last_frame():
    conversation = opened()
    conversation.accept(*failed())
    assert conversation.batch(*records(0, 0)) is None


@given(st.binary(max_size=80))
def test_any_bytes_are_a_batch_or_none(body):
    batch = opened().batch(DataKind.RECORDS, body)
    assert batch is None or body.startswith((b"[0,0,[", b"[0,1,["))
