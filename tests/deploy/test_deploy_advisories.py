"""`make audit`: where the index has no advisories, it says that nothing was audited, and does not run a tool that would be content."""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys

import pytest
from peers.port import free_port
from peers.serving import Handler, serving

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Index(Handler):
    """Answers every path in one way."""

    reply: tuple[int, object]

    def do_GET(self) -> None:
        self.seen.append(self.path)
        self.answer(*self.reply)

    seen: list[str]


def looked(index: str) -> tuple[int, str]:
    command = [sys.executable, "deploy/advisories.py", "deploy/requirements.lock", index]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stderr


def test_an_index_with_advisories_is_asked_for_a_version_of_the_lock():
    seen: list[str] = []
    with serving(Index, reply=(200, {"vulnerabilities": []}), seen=seen) as url:
        assert looked(url) == (0, "")
    name, version = re.findall(r"^([\w.-]+)==([^\s;\\]+)", (ROOT / "deploy/requirements.lock").read_text(), re.MULTILINE)[0]
    assert seen == [f"/pypi/{name}/{version}/json"]


@pytest.mark.parametrize("reply", [(404, {}), (200, {"info": {}}), (200, []), (200, b"<html>")])
def test_a_mirror_without_advisories_is_no_audit(reply):
    with serving(Index, reply=reply, seen=[]) as url:
        code, said = looked(url)
    assert code == 1
    assert said.startswith(f"not audited: {url}/pypi/")


def test_an_index_that_cannot_be_reached_is_no_audit():
    code, said = looked(f"http://127.0.0.1:{free_port()}")
    assert code == 1
    assert said.startswith("not audited: ") and "cannot be read" in said


def test_a_package_that_could_not_be_audited_fails_the_audit():
    recipe = (ROOT / "Makefile").read_text().partition("\naudit:")[2].partition("\n\n")[0]
    assert "if $(BIN)/python deploy/advisories.py deploy/requirements.lock" in recipe
    assert "pip-audit --strict " in recipe
