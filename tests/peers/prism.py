"""Prism, which serves an OpenAPI document as if it were the API: it refuses what the document does not allow, and invents the answers."""

from __future__ import annotations

import contextlib
import json
import pathlib
import socket
import subprocess
from collections.abc import Iterator
from typing import Any

import waiting
from peers import mortal, npm
from peers.port import free_port

VERSION = "5.14.2"


def installed() -> pathlib.Path:
    """The program."""
    return (
        npm.installed("@stoplight/prism-cli", VERSION, "prism", "which judges requests by a vendor's OpenAPI document") / ".bin" / "prism"
    )


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
