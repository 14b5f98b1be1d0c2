"""docs/tutorial.md, command by command: a demo with a denied scope, a deletion that is held back and a killed job, then an account of one's own."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys

import pytest
import urllib3
from everything import Everything
from peers.moto import KEYS
from waiting import CAP, slowness, until

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "tutorial.md").read_text()
BLOCKS = dict(re.findall(r"<!-- executed by tests/docs/test_docs_tutorial.py: (\w+) -->\n```bash\n(.*?)```", TEXT, re.DOTALL))


class Terminal:
    """The second terminal: a shell in the folder that has the data, with the commands on its path."""

    def __init__(self, folder: pathlib.Path, everything: Everything) -> None:
        path = f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.folder = folder
        self.environ = {"PATH": path, "HOME": str(folder), "ELDER_API_URL": everything.api, "LC_ALL": "C.UTF-8"}
        self.typed: list[str] = []

    def type(self, name: str, expected: int = 0) -> str:
        """Executes the block of the page that has this name; returns what it writes, once its exit code is the `expected` one."""
        self.typed.append(name)
        command = ["bash", "-euo", "pipefail", "-c", BLOCKS[name]]
        done = subprocess.run(command, capture_output=True, text=True, timeout=CAP * 5 * slowness(), env=self.environ, cwd=self.folder)
        assert done.returncode == expected, f"{BLOCKS[name]}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.mark.timeout(1800)
def test_the_tutorial_command_by_command(tmp_path, moto):
    demo = Everything(tmp_path, 1, "--demo", data=".elder")
    try:
        demo.output()
        terminal = Terminal(tmp_path, demo)
        see_the_demo(terminal)
    finally:
        demo.stop()

    own = Everything(tmp_path, 2, data=".elder-mine", more=moto.operator)
    try:
        own.output()
        after = Terminal(tmp_path, own)
        read_an_account(after, moto)
    finally:
        own.stop()
    assert terminal.typed + after.typed == list(BLOCKS)


def see_the_demo(terminal: Terminal) -> None:
    """Steps 1 to 4."""
    looked = terminal.type("look")
    assert "Demo: simulated AWS account" in looked
    assert "Demo: an account that never answers" in looked

    denied = terminal.type("denied")
    assert re.search(r"^status +partial$", denied, re.MULTILINE)
    assert re.search(r"^3 +denied +secretsmanager:ListSecrets +the permission secretsmanager:ListSecrets is missing", denied, re.MULTILINE)
    assert '"secretsmanager:ListSecrets"' in terminal.type("policy")

    until(lambda: urllib3.request("GET", f"{terminal.environ['ELDER_API_URL']}/api/v1/runs/2").status == 200, "run 2 has begun")
    assert terminal.type("terminate").startswith("24 instances ")
    assert re.search(r"^run 3 partial: .* 0 deleted", terminal.type("run", expected=5), re.MULTILINE)
    held = terminal.type("held")
    assert (held.count(" ec2_instance "), held.count(" ebs_volume ")) == (24, 24)
    released, restored = terminal.type("release").splitlines()
    assert released.startswith("48 entities are marked as deleted")
    assert restored.startswith("48 entities are restored")

    terminal.type("watch", expected=1)
    killed = terminal.type("killed")
    assert re.search(r"^error_kind +idle$", killed, re.MULTILINE)
    assert "_read_status" in killed
    assert "in _caller" in killed


def read_an_account(terminal: Terminal, moto) -> None:
    """Step 5, with an account that is simulated as well: its keys stand in files, as the page has it."""
    (terminal.folder / "access-key-id").write_text(KEYS["access_key_id"] + "\n")
    (terminal.folder / "secret-access-key").write_text(KEYS["secret_access_key"] + "\n")
    moto.client("sqs").create_queue(QueueName="mine")
    said = terminal.type("own")
    assert "job 1 is created and disabled" in said
    assert "arn:aws:" in said
    assert re.search(r"^run \d+ completed: ", said, re.MULTILINE)


def test_every_command_of_the_page_is_executed():
    """Only what starts and stops things is not: the test does that itself."""
    others = ["git clone <this repository> elder-worker && cd elder-worker\nmake demo\n", 'export PATH="$PWD/.venv/bin:$PATH"\n']
    others.append("elder-worker up --data .elder-mine\n")
    assert re.findall(r"```bash\n(.*?)```", TEXT, re.DOTALL) == sorted([*others, *BLOCKS.values()], key=TEXT.index)


def test_make_demo_is_what_the_test_starts():
    [command] = re.findall(r"^demo: .*\n\t@(.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert command == "$(BIN)/elder-worker up --demo"
