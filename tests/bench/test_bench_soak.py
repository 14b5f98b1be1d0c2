"""A soak that is told to stop: its servers, workers and jobs end with it, and leave no folder behind."""

from __future__ import annotations

import contextlib
import os
import pathlib
import select
import signal
import subprocess
import sys
import tempfile
import uuid

import pytest
from driver import descendants
from peers import mortal
from waiting import until

from bench.soak import PARTS

ROOT = pathlib.Path(__file__).resolve().parents[2]


def named(variable: str, value: str) -> list[int]:
    """The processes that have a variable in their environment; a zombie has none."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"{variable}={value}".encode() in (path / "environ").read_bytes():
                found.append(int(path.name))
    return found


@contextlib.contextmanager
def soaking(part: str, temporary: str, mark: str):
    environ = {**os.environ, "TMPDIR": temporary, "SOAK_MARK": mark, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "bench.soak", "--only", part]
    process = mortal.start(command, env=environ, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("part", "processes"), [("kills", 6), ("histories", 6), ("claimers", 12)])
def test_a_part_that_is_told_to_stop_ends_with_all_that_it_has_started(part, processes):
    """The parts are a supervisor with its jobs, a pool of processes with a database each, and one database with many connections."""
    mark = uuid.uuid4().hex
    with tempfile.TemporaryDirectory(prefix="e-") as temporary, soaking(part, temporary, mark) as soak:
        until(lambda: len(descendants(soak.pid)) >= processes, "the part is in its middle", 60)
        assert os.listdir(temporary), "the control: it has folders"
        held = []
        for pid in descendants(soak.pid):
            with contextlib.suppress(ProcessLookupError):
                held.append(os.pidfd_open(pid))
        soak.send_signal(signal.SIGTERM)
        _, told = soak.communicate(timeout=200)
        assert soak.returncode == -signal.SIGINT, told[-2000:]
        for pidfd in held:
            assert select.select([pidfd], [], [], 60)[0], "a process outlives the soak"
            os.close(pidfd)
        assert named("SOAK_MARK", mark) == []
        assert os.listdir(temporary) == []


def test_every_part_has_a_function():
    for path, count in PARTS.values():
        module, _, function = path.partition(":")
        text = (ROOT / f"{module.replace('.', '/')}.py").read_text()
        assert f"def {function}(" in text and count > 0
