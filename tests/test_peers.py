"""Peers end with the test run, however it ends."""

from __future__ import annotations

import contextlib
import json
import pathlib
import subprocess
import sys

import waiting
from peers.absent import missing
from peers.mortal import MORTAL

from worker.local import postgres

PEERS = pathlib.Path(__file__).parent / "peers"
RUN = """
import json, sys
from peers import mortal
print(mortal.start(["sleep", "600"]).pid, flush=True)
print(mortal.subprocess.Popen([*json.loads(sys.argv[1]), *mortal.MORTAL, "sleep", "600"]).pid, flush=True)
sys.stdin.read()
"""


def lives(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def is_sleep(pid: int) -> bool:
    return pathlib.Path(f"/proc/{pid}/comm").read_text() == "sleep\n"


def test_a_peer_is_gone_when_its_test_run_is_killed():
    """Also one in a user namespace, as PostgreSQL is for root."""
    if not MORTAL:
        missing("setpriv is not installed (util-linux)")
    command = [sys.executable, "-c", RUN, json.dumps(postgres._as_other_user())]
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True, cwd=PEERS.parent) as killed:
        assert killed.stdout is not None
        peers = [int(killed.stdout.readline()) for _ in range(2)]
        waiting.until(lambda: all(map(is_sleep, peers)), "both have become what they are")
        killed.kill()
    waiting.until(lambda: not any(map(lives, peers)), "a peer outlives its test run")


def test_every_peer_is_started_so():
    started = [path.name for path in PEERS.glob("*.py") if "Popen(" in path.read_text()]

    assert started == ["mortal.py"]
