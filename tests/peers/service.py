"""The API and the worker as processes of their own, as an operator starts them."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import sys
import urllib.request

import pytest
import waiting
from peers import mortal
from peers.port import free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]
CAP = 100
SETTINGS = ("DATABASE_", "ELDER_", "HEALTH_", "SYNC_", "LDAP_", "AWS_", "GCP_", "GOOGLE_", "AZURE_", "OKTA_", "AUTHENTIK_")
"""Of which a started part has only those that the test gives it."""
CHECK = (sys.executable, "-m", "worker.cli", "check", "--json", "--timeout", str(CAP))
"""The connectivity test. Its limit counts the start of a process for each source, so a test that is not about it sets one that load cannot reach."""


def get(url: str):
    with urllib.request.urlopen(url, timeout=20) as response:
        body = response.read()
    return json.loads(body) if response.headers["Content-Type"].startswith("application/json") else body.decode()


def environment(given: dict[str, str]) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}
    return {**clean, **given}


class Part:
    """One of them; `url` is where it listens."""

    def __init__(self, log: pathlib.Path, command: str, environ: dict[str, str], port_variable: str) -> None:
        port = free_port()
        self.log, self.url = log, f"http://127.0.0.1:{port}"
        with log.open("wb") as out:
            self.process = mortal.start(
                [sys.executable, "-m", "worker.cli", command],
                env=environment({**environ, port_variable: str(port)}),
                cwd=ROOT,
                stdout=out,
                stderr=out,
            )

    def wait(self, holds, complaint: str):
        """The first true value of `holds`, while it lives."""

        def look():
            assert self.process.poll() is None, self.log.read_text()
            try:
                return holds()
            except waiting.NO_ANSWER:
                return None

        try:
            return waiting.until(look, complaint, CAP, 0.05)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log.read_text()[-4000:]}") from None

    def connector(self, name: str) -> dict:
        """What a worker's /status says of a connector; at first, that there is none."""
        return next((one for one in get(f"{self.url}/status")["connectors"] if one["name"] == name), {"status": "never"})

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) in (0, -signal.SIGTERM), self.log.read_text()


@pytest.fixture
def api(database, tmp_path):
    """The Elder API over an empty database."""
    part = Part(tmp_path / "api.log", "api", {"DATABASE_URL": database}, "ELDER_API_PORT")
    part.wait(lambda: get(f"{part.url}/healthz"), "the API does not answer")
    yield part
    part.stop()


@pytest.fixture
def start_worker(api, tmp_path):
    """Starts a worker without a database that delivers to the API: a function of its settings."""
    started: list[Part] = []

    def start(**settings: str) -> Part:
        started.append(Part(tmp_path / f"worker-{len(started)}.log", "run", {"ELDER_API_URL": api.url, **settings}, "HEALTH_CHECK_PORT"))
        return started[-1]

    yield start
    for part in started:
        if part.process.poll() is None:
            part.stop()
