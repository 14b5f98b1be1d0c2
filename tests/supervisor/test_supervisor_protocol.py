"""Pipes and protocol: group C of the fault catalogue, and what a job can see (G)."""

from __future__ import annotations

import contextlib
import os
import pickle
import random
import struct

import pytest
from driver import supervised
from evidence import DataKind
from waiting import until

from supervisor.errors import ProtocolError
from supervisor.frames import MAX_FRAME, ControlKind, FrameBuffer, FrameReader, encode


@pytest.fixture
def supervisor(tmp_path):
    with supervised(tmp_path, kill_grace=0) as driver:
        yield driver


def test_c01_cut_at_every_byte_gives_whole_frames_only():
    stream = b"".join(encode(DataKind.RECORDS, bytes([n]) * n) for n in range(40))
    for cut in range(len(stream) + 1):
        buffer = FrameBuffer(DataKind)
        whole = list(buffer.feed(stream[:cut]))
        assert all(body == bytes([len(body)]) * len(body) for _, body in whole)
        rest = list(buffer.feed(stream[cut:]))
        assert len(whole) + len(rest) == 40
        assert buffer.unfinished == 0


def test_c03_a_length_of_four_gigabytes_takes_no_memory():
    buffer = FrameBuffer(DataKind)
    with pytest.raises(ProtocolError, match="claims 4294967295 bytes"):
        list(buffer.feed(struct.pack(">IB", 0xFFFFFFFF, DataKind.RECORDS) + b"x" * 100))


def test_c04_noise_never_gets_out_of_the_reader():
    """Bytes without any sense; `bench.soak_frames` has frames that nearly make some."""
    random.seed(4)
    for _ in range(2000):
        data = random.randbytes(random.randrange(50))
        buffer = FrameBuffer(DataKind)
        with contextlib.suppress(ProtocolError):
            for _ in range(50):
                list(buffer.feed(data))
        assert buffer.unfinished <= MAX_FRAME + 5


def test_what_no_reader_takes_is_not_sent():
    with pytest.raises(ProtocolError, match="over the limit"):
        encode(DataKind.RECORDS, b"x" * (MAX_FRAME + 1))


def test_a_frame_of_another_pipe_is_refused():
    with pytest.raises(ProtocolError, match="kind 2, which has no place on this pipe"):
        list(FrameBuffer(DataKind).feed(encode(ControlKind.READY, b"{}")))


def test_a_reader_does_not_wait():
    read, write = os.pipe()
    reader = FrameReader(read, ControlKind)
    assert list(reader.read()) == []
    os.write(write, encode(ControlKind.READY, b"{}")[:3])
    assert list(reader.read()) == []
    os.write(write, encode(ControlKind.READY, b"{}")[3:])
    assert list(reader.read()) == [(ControlKind.READY, b"{}")]
    os.close(write)
    assert list(reader.read()) == []
    assert reader.eof
    os.close(read)


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param(b"\xff" * 50, id="noise"),
        pytest.param(struct.pack(">IB", 2**32 - 1, ControlKind.PROGRESS), id="c03_four_gigabytes"),
        pytest.param(struct.pack(">IB", 2, 99) + b"{}", id="unknown_kind"),
        pytest.param(encode(ControlKind.PROGRESS, b"not json"), id="not_json"),
        pytest.param(encode(DataKind.RECORDS, b"[]"), id="wrong_pipe"),
        pytest.param(encode(ControlKind.READY, b'{"pid":1,"pgid":1,"started":1}'), id="ready_twice"),
    ],
)
def test_c04_garbage_on_the_control_pipe_ends_that_job_only(supervisor, garbage):
    supervisor.run("other", "sleep")
    supervisor.run("1", "garbage_on_control", bytes=garbage.hex())
    exited = supervisor.expect("Exited", run="1")
    assert exited["cause"] == "protocol"
    assert supervisor.wait_state(lambda s: [j["run"] for j in s["jobs"]] == ["other"])


def test_c05_a_pickle_is_bytes_like_any_other(supervisor, tmp_path):
    canary = tmp_path / "canary"
    supervisor.run("1", "pickle_on_control", canary=str(canary))
    assert supervisor.expect("Exited", run="1")["cause"] == "protocol"
    assert not canary.exists()
    assert pickle.loads(pickle.dumps(1)) == 1


def test_c06_a_job_that_floods_waits_and_its_sibling_does_not(supervisor):
    supervisor.run("1", "fill_data_pipe")
    supervisor.wait_scope("1", "writing")
    supervisor.run("2", "complete")
    assert supervisor.expect("Exited", run="2")["exit_code"] == 0
    supervisor.order(do="read", run="1", size=1 << 20)
    assert supervisor.expect("Data", run="1")["size"] > 0


def test_c07_a_drip_holds_up_nobody_and_its_deadline_holds(supervisor):
    """A frame that comes byte by byte, on both pipes: siblings run meanwhile, and its clocks go on."""
    supervisor.run("1", "drip", {"wall": 8.0}, pause=0.05)
    supervisor.wait_scope("1", "dripping")
    supervisor.run("2", "complete")
    assert supervisor.expect("Exited", run="2")["exit_code"] == 0
    assert supervisor.expect("Exited", run="1")["cause"] == "timeout"


def test_c08_a_flood_on_stderr_is_bounded_and_blocks_nobody(supervisor):
    supervisor.run("1", "flood_stderr", blocks=1000)
    exited = supervisor.expect("Exited", run="1")
    assert exited["exit_code"] == 0
    assert exited["detail"].endswith("the end")
    assert len(exited["detail"]) < 40_000
    assert "bytes left out" in exited["detail"]


def test_c09_a_jobs_lines_are_passed_on_whole(supervisor):
    supervisor.run("1", "dirty_log")
    supervisor.expect("Exited", run="1")
    until(lambda: "unfinished\n" in supervisor.log, supervisor.log)
    assert '{"event": "one line of the job"}\n' in supervisor.log


@pytest.mark.parametrize("code", [0, 1, 3, 77])
def test_c10_the_exit_code_is_told_as_it_is(supervisor, code):
    supervisor.run("1", "complete_then_exit", code=code)
    assert supervisor.expect("Exited", run="1")["exit_code"] == code
