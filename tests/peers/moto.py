"""A simulated AWS: moto's server as a process of its own, empty for each test."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import boto3
import pytest
import urllib3
from botocore.config import Config

_HTTP = urllib3.PoolManager(retries=False)
KEYS = {"access_key_id": "AKIDEXAMPLEEXAMPLE01", "secret_access_key": "wJalr/secret+EXAMPLE/of40characters/long"}


class Moto:
    """A running moto server."""

    def __init__(self, url: str) -> None:
        self.url = url

    def reset(self) -> None:
        """Forgets everything."""
        assert _HTTP.request("POST", f"{self.url}/moto-api/reset", timeout=30).status == 200

    def client(self, service: str, region: str = "us-east-1", **keys: str):
        """A plain boto3 client, to put things into it."""
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id=keys.get("aws_access_key_id", KEYS["access_key_id"]),
            aws_secret_access_key=keys.get("aws_secret_access_key", KEYS["secret_access_key"]),
            aws_session_token=keys.get("aws_session_token"),
            config=Config(retries={"total_max_attempts": 2}, s3={"addressing_style": "path"}),
        )

    @property
    def operator(self) -> dict[str, str]:
        """How a worker reaches it."""
        return {"AWS_ENDPOINT_URL": self.url}


@pytest.fixture(scope="session")
def moto_process() -> Iterator[Moto]:
    port = free_port()
    command = [sys.executable, "-c", "import sys; from moto.server import main; main(sys.argv[1:])", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        server = Moto(f"http://127.0.0.1:{port}")
        _wait_until_it_answers(server, process)
        yield server
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def moto(moto_process: Moto) -> Moto:
    moto_process.reset()
    return moto_process


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait_until_it_answers(server: Moto, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, "moto_server ended"
        try:
            if _HTTP.request("GET", f"{server.url}/moto-api/data.json", timeout=5).status == 200:
                return
        except urllib3.exceptions.HTTPError:
            time.sleep(0.05)
    raise AssertionError("moto_server did not answer within 60 s")
