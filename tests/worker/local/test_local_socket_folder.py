"""The folder of the embedded server's socket: what a killed process leaves behind, the next start removes, and nothing else."""

from __future__ import annotations

import fcntl
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile

import pytest
from peers import mortal
from peers.mortal import MORTAL
from waiting import until

from worker.local import socket_folder
from worker.local.postgres import EmbeddedPostgres
from worker.local.socket_folder import NAME, PREFIX, SocketFolder, remove_left

STARTING = """
import pathlib, sys
from worker.local.everything import _mortal
from worker.local.postgres import EmbeddedPostgres
server = EmbeddedPostgres(pathlib.Path(sys.argv[1]), durable=False, within=_mortal())
server.start()
print(server.pid, flush=True)
sys.stdin.read()
"""
"""A process that starts a server as `elder-worker up` does, and waits."""


@pytest.fixture
def temporary(monkeypatch, tmp_path):
    """A folder for temporary files of the test's own, with a short path; that of pytest is elsewhere."""
    with tempfile.TemporaryDirectory(prefix="e-") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield pathlib.Path(folder)


def there(folder: pathlib.Path) -> list[str]:
    return sorted(path.name for path in folder.glob(f"{PREFIX}*"))


def left(folder: pathlib.Path, name: str) -> pathlib.Path:
    """A folder that nobody holds, with a socket that nobody listens at."""
    path = folder / f"{PREFIX}{name}"
    path.mkdir()
    with socket.socket(socket.AF_UNIX) as ended:
        ended.bind(str(path / NAME))
    return path


@pytest.mark.timeout(180)
def test_the_folder_of_a_process_that_was_killed_is_removed_by_the_next_start(temporary, tmp_path):
    command = [sys.executable, "-c", STARTING, str(tmp_path / "postgres")]
    first = mortal.start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=pathlib.Path(__file__).parents[3])
    server = int(first.stdout.readline())
    [name] = there(temporary)
    remove_left()
    assert there(temporary) == [name], "its process and its server are there"

    first.send_signal(signal.SIGKILL)
    first.communicate()
    until(lambda: not pathlib.Path(f"/proc/{server}").exists(), "the server ends with its process")
    assert there(temporary) == [name], "the control: it is left behind"

    second = EmbeddedPostgres(tmp_path / "postgres", durable=False, within=MORTAL)
    try:
        second.start()
        assert there(temporary) == [second.socket.name]
    finally:
        second.close()
    assert there(temporary) == []


def test_a_folder_that_is_held_stays_also_while_its_server_is_down(temporary):
    held = SocketFolder()
    with socket.socket(socket.AF_UNIX) as ended:
        ended.bind(str(held.path / NAME))
    remove_left()
    assert there(temporary) == [held.path.name]
    held.close()
    held.close()
    assert there(temporary) == []


def test_a_folder_in_which_a_server_listens_stays_though_nobody_holds_it(temporary):
    """It belongs to a server of an earlier release, or to one that has outlived the process that started it."""
    path = left(temporary, "listening")
    (path / NAME).unlink()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path / NAME))
        server.listen(1)
        remove_left()
        assert there(temporary) == [path.name]
    remove_left()
    assert there(temporary) == []


def test_a_folder_that_is_removed_before_it_is_held_is_made_again(temporary, monkeypatch):
    """Another start looks between the two."""
    names = iter(["first", "second", "third"])

    def made(prefix: str) -> str:
        path = temporary / f"{prefix}{next(names)}"
        path.mkdir()
        if path.name.endswith("first"):
            remove_left()
        return str(path)

    held = fcntl.flock

    def raced(folder: int, how: int) -> None:
        if os.path.basename(os.readlink(f"/proc/self/fd/{folder}")).endswith("second") and how == fcntl.LOCK_EX:
            (temporary / f"{PREFIX}second").rmdir()
        held(folder, how)

    with monkeypatch.context() as other:
        other.setattr(socket_folder.tempfile, "mkdtemp", made)
        other.setattr(socket_folder.fcntl, "flock", raced)
        folder = SocketFolder()
    assert there(temporary) == [f"{PREFIX}third"] == [folder.path.name]
    folder.close()


def test_nothing_of_others_is_removed(temporary, monkeypatch):
    """Neither what a link leads to, nor a file of such a name, nor the folder of another user."""
    elsewhere = temporary / "elsewhere"  # a path below pytest's own folder may be too long for a socket
    elsewhere.mkdir()
    target = left(elsewhere, "target")
    (temporary / f"{PREFIX}link").symlink_to(target)
    (temporary / f"{PREFIX}file").touch()
    left(temporary, "theirs")
    with monkeypatch.context() as other:
        other.setattr(socket_folder.os, "geteuid", lambda: os.getuid() + 1)
        remove_left()
    assert there(temporary) == [f"{PREFIX}{name}" for name in ("file", "link", "theirs")]
    remove_left()
    assert there(temporary) == [f"{PREFIX}file", f"{PREFIX}link"]
    assert (target / NAME).exists()
