"""Frames that nobody should write, through the two readers that must survive them, and through a supervisor that lives."""

from __future__ import annotations

import random

import msgspec

from bench.part import Row, allowance
from bench.soak_kills import AT_ONCE, supervisor
from providers.records import Scope
from supervisor.errors import ProtocolError
from supervisor.frames import encode
from worker.run import wire
from worker.run.wire import DataKind
from worker.writer.protocol import Conversation

LIVE = 500
"""Of so many frames one goes to a supervisor that lives."""


def fuzz(count: int) -> list[Row]:
    """Mutations of a conversation that is right; a `ProtocolError` is the only answer but acceptance."""
    random.seed(4)
    accepted = refused = 0
    escaped: list[str] = []
    for _ in allowance.numbers(count):
        try:
            _converse(_mutated(_right()))
            accepted += 1
        except ProtocolError:
            refused += 1
        except Exception as error:  # noqa: BLE001 - what is looked for
            escaped.append(repr(error))
    live, others = _live(max(4, count // LIVE))
    return [
        Row(
            f"{refused + accepted + len(escaped)} fuzzed conversations: refused / accepted / another exception",
            f"{refused} / {accepted} / {len(escaped)} {escaped[:1] or ''}",
            "no other exception",
            not escaped,
        ),
        Row(f"{live} jobs that fuzz their control pipe: ended alone, by name", f"{live - others} of {live}", "all", others == 0),
    ]


def _right() -> list[tuple[DataKind, bytes]]:
    """A short conversation as a job should have it."""
    resource = b'{"external_id":"a","entity_type":"compute","sub_type":"x","name":"n"}'
    return [
        (DataKind.SCOPE, wire.encode(wire.ScopeOpened(0, Scope("hostile", "a", "r", "t")))),
        (DataKind.LOG, b'[1,[[1769828400.25,"warning","sdk","slow"]]]'),
        (DataKind.RECORDS, wire.encode(wire.Records(0, 0, [msgspec.Raw(resource)] * 3))),
        (DataKind.SCOPE_END, b'{"index":0,"outcome":"complete","resources":3}'),
        (DataKind.COMPLETE, wire.encode(wire.Complete(1, 3))),
    ]


def _mutated(frames: list[tuple[DataKind, bytes]]) -> bytes:
    """Frames out of order, twice, left out, of another kind; then bytes changed, cut, inserted."""
    for _ in range(random.randrange(3)):
        at = random.randrange(len(frames))
        match random.randrange(4):
            case 0:
                frames.insert(at, random.choice(frames))
            case 1 if len(frames) > 1:
                del frames[at]
            case 2:
                random.shuffle(frames)
            case _:
                frames[at] = (random.choice(list(DataKind)), frames[at][1])
    data = bytearray(b"".join(encode(kind, body) for kind, body in frames))
    for _ in range(random.randrange(4)):
        at = random.randrange(len(data))
        match random.randrange(3):
            case 0:
                data[at] = random.randrange(256)
            case 1:
                del data[at : at + random.randrange(1, 20)]
                data += b"\0"
            case _:
                data[at:at] = random.randbytes(random.randrange(1, 20))
    return bytes(data)


def _converse(data: bytes) -> None:
    """As the writer reads: in pieces."""
    from supervisor.frames import FrameBuffer

    buffer, conversation = FrameBuffer(DataKind), Conversation()
    while data:
        size = random.randrange(1, 200)
        for kind, body in buffer.feed(data[:size]):
            conversation.accept(kind, body)
        data = data[size:]


def _live(count: int) -> tuple[int, int]:
    """(jobs, those that did not end as a violation of the protocol or by their deadline, or took another with them)"""
    odd = 0
    with supervisor(pools={"discovery": AT_ONCE + 1}) as driver:
        driver.run("witness", "sleep", {"wall": 3600, "idle": 3600})
        for first in range(0, count, AT_ONCE):
            runs = [str(number) for number in range(first, min(first + AT_ONCE, count))]
            for run in runs:
                driver.start(run, wall=2.0)
            for run in runs:
                driver.begin(run, "garbage_on_control", bytes=random.randbytes(random.randrange(1, 60)).hex())
            for run in runs:
                odd += driver.expect("Exited", run=run)["cause"] not in ("protocol", "timeout")
            driver.messages.clear()
        odd += not any(job["run"] == "witness" for job in driver.fresh_state(lambda _: True)["jobs"])
    return count, odd
