"""Prometheus and promtool: rules, metrics and queries as Prometheus itself understands them."""

from __future__ import annotations

import contextlib
import json
import pathlib
import shutil
import subprocess
import urllib.parse
from collections.abc import Iterator
from typing import Any

import yaml
from peers import mortal
from peers.absent import missing
from peers.port import free_port
from peers.service import get
from waiting import NO_ANSWER

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "prometheus"
RULES = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"][0]["rules"]


def needed() -> None:
    """Skips the test where Prometheus is not installed."""
    if not shutil.which("promtool") or not shutil.which("prometheus"):
        missing("prometheus is not installed")


def promtool(*arguments: object, given: str = "") -> str:
    """The output of promtool, in the folder of the alerts."""
    done = subprocess.run(["promtool", *map(str, arguments)], input=given, capture_output=True, text=True, cwd=FOLDER, timeout=180)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


class Server:
    """A running Prometheus."""

    def __init__(self, url: str) -> None:
        self.url = url

    def answer(self, path: str) -> Any:
        """The data of an answer of its API; None while it does not answer."""
        try:
            return get(f"{self.url}/api/v1/{path}")["data"]
        except NO_ANSWER:
            return None

    def query(self, expression: str, at: float | None = None) -> list[dict[str, Any]] | None:
        """The series that an expression gives; None while the server does not answer."""
        moment = "" if at is None else f"&time={at}"
        return (self.answer(f"query?query={urllib.parse.quote(expression)}{moment}") or {}).get("result")


@contextlib.contextmanager
def serving(folder: pathlib.Path, config: dict[str, Any]) -> Iterator[Server]:
    """A Prometheus whose files are in that folder, gone at the end."""
    port = free_port()
    (folder / "prometheus.yml").write_text(json.dumps(config))
    command = ["prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'tsdb'}"]
    with (folder / "prometheus.log").open("wb") as log:
        process = mortal.start([*command, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
    try:
        yield Server(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(30)
