"""``elder-worker up --demo``: what `make demo` starts, and what is there when it is started again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys

import pytest
from everything import ROOT, Everything
from peers.absent import missing
from waiting import CAP, until

from worker.local import address


@pytest.mark.timeout(900)
def test_a_second_start_finds_the_same_account(tmp_path):
    """Its data, its job, and the ids that the simulated account has made up: nothing is new, and nothing gone."""
    first = Everything(tmp_path, 1, "--demo")
    try:
        words = first.output()
        assert "entities" in words
        before = first.ids()
        assert len(before) > 300
    finally:
        first.stop()

    second = Everything(tmp_path, 2, "--demo")
    try:
        assert ", 0 of them new" in second.output()
        assert second.ids() == before
    finally:
        second.stop()


def check(folder, **environ: str) -> subprocess.CompletedProcess[str]:
    """The connectivity test of a second terminal, in which nothing is set."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ELDER_", "DATABASE_"))}
    command = [sys.executable, "-m", "worker.cli", "check", "--data", str(folder), "--timeout", str(CAP)]
    return subprocess.run(command, env={**kept, **environ}, cwd=ROOT, capture_output=True, text=True, timeout=CAP * 3, check=False)


def test_the_connectivity_test_finds_what_runs(tmp_path):
    folder = tmp_path / "data"
    assert address.find(folder) == ""
    one = Everything(tmp_path, 1)
    try:
        one.output()
        done = check(folder)
        assert (done.returncode, "✓ Elder API connection successful" in done.stdout) == (0, True), done.stdout
        assert done.stderr == f"elder-worker: found what 'elder-worker up' runs with its data in {folder}: its API is {one.api}\n"
        named = check(folder, ELDER_API_URL="http://127.0.0.1:1")
        assert (named.returncode, "Elder API connection failed" in named.stdout, named.stderr) == (1, True, "")
    finally:
        one.stop()
    assert address.find(folder) == ""


def test_nothing_outlives_it_when_it_is_killed_and_the_next_one_starts(tmp_path):
    if not shutil.which("setpriv"):
        missing("setpriv is not here: util-linux has it")
    one = Everything(tmp_path, 1)
    one.output()
    one.process.send_signal(signal.SIGKILL)
    one.process.wait(CAP)
    until(lambda: not one.processes(), "no process is left")
    second = Everything(tmp_path, 2)
    try:
        second.output()
    finally:
        second.stop()


def test_the_address_of_what_was_killed_is_not_found(tmp_path):
    code = f"import pathlib, sys; from worker.local import address; kept = address.announce(pathlib.Path({str(tmp_path)!r}), 'http://it')"
    ending = "; print(flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code + ending], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"\n"
        assert address.find(tmp_path) == "http://it"
        process.send_signal(signal.SIGKILL)
    assert address.find(tmp_path) == ""
