"""A simulated AWS: moto's server as a process of its own, empty for each test."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import boto3
import pytest
import urllib3
from botocore.config import Config
from peers import mortal

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
    command = [sys.executable, "-m", "providers.aws.simulation", "--empty"]
    with mortal.start(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            ready = process.stdout.readline()
            assert ready, "moto did not start"
            yield Moto(ready.split()[-1])
        finally:
            process.terminate()


@pytest.fixture
def moto(moto_process: Moto) -> Moto:
    moto_process.reset()
    return moto_process
