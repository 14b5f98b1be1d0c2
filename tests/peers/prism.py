"""Prism, which serves an OpenAPI document as if it were the API: it refuses what the document does not allow, and invents the answers."""

from __future__ import annotations

import contextlib
import json
import pathlib
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from typing import Any

import waiting
from peers import mortal
from peers.absent import missing
from peers.kept import CACHE, alone
from peers.port import free_port

VERSION = "5.14.2"


def installed() -> pathlib.Path:
    """The program; installed when it is not there, which takes half a minute."""
    folder = CACHE / "npm" / f"prism-{VERSION}"
    with alone(folder.parent):
        if not folder.exists():
            _install(folder)
    return folder / "node_modules" / ".bin" / "prism"


def _install(folder: pathlib.Path) -> None:
    if not shutil.which("npm"):
        missing("npm is not installed: it installs Prism, which judges requests by a vendor's OpenAPI document")
    part = tempfile.mkdtemp(dir=folder.parent)
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", part, f"@stoplight/prism-cli@{VERSION}"]
    done = subprocess.run(command, cwd=part, capture_output=True, text=True, timeout=540, check=False)
    if done.returncode:
        missing(f"npm cannot install Prism: {done.stderr.strip()[-300:]}")
    pathlib.Path(part).rename(folder)


@contextlib.contextmanager
def mocking(document: dict[str, Any], folder: pathlib.Path) -> Iterator[tuple[str, pathlib.Path]]:
    """(its URL, its log) of a Prism that serves the document."""
    described, log, port = folder / "document.json", folder / "prism.log", free_port()
    described.write_text(json.dumps(document))
    with log.open("wb") as out:
        command = [str(installed()), "mock", "--errors", "--host", "127.0.0.1", "--port", str(port), str(described)]
        process = mortal.start(command, stdout=out, stderr=out, start_new_session=True)
    try:
        waiting.until(lambda: _listens(process, port, log), "Prism does not listen", 120, 0.1)
        yield f"http://127.0.0.1:{port}", log
    finally:
        process.kill()
        process.wait()


def _listens(process: subprocess.Popen, port: int, log: pathlib.Path) -> bool:
    assert process.poll() is None, log.read_text()
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
