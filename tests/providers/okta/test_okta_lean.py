"""The libraries that a job of Okta loads: `cryptography`, with its 11 MB, for a service app alone."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from peers.okta_service_app import CLIENT, KID, key_of

OPENED = """
import json, sys
import worker.job.entry
from providers import registry
from providers.schema import parse

okta = registry.get("okta")
okta.open(parse(okta.config, json.load(sys.stdin)), None).close()
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""
TOKEN = {"api_token": "a-token"}


def app() -> dict[str, str]:
    return {"client_id": CLIENT, "private_key": key_of(KID).as_pem(private=True).decode()}


@pytest.mark.parametrize(("given", "is_loaded"), [(lambda: TOKEN, False), (app, True)], ids=["token", "service app"])
def test_a_job_loads_cryptography_for_a_private_key_alone(given, is_loaded):
    config = json.dumps({"domain": "example.okta.com", **given()})
    done = subprocess.run([sys.executable, "-c", OPENED], input=config, capture_output=True, check=False, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert ("cryptography" in done.stdout.split()) is is_loaded
