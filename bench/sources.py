"""What the job process of each provider costs: its SDK loaded, and then with a client made that has tried to sign in to nobody.

`Provider.memory_mb` is checked here: it must be half as much again as the memory of a process that has signed in, as the kernel counts it
against a job's cap (VmData, which RLIMIT_DATA limits).
"""

from __future__ import annotations

import json
import pathlib
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from providers import registry
from providers.provider import Provider

ROOT = pathlib.Path(__file__).resolve().parents[1]
NOBODY = "127.0.0.1:9"
RUNS = 3
SPARE = 1.5
"""How much more than a process that has only signed in a provider must be given."""

PROGRAM = """
import importlib, json, os, pathlib, re, sys, threading, time
sys.modules["rich"] = None  # structlog loads it where it is, and an installation has none
import worker.job.entry
from providers import registry
name, config, operator = json.loads(sys.stdin.read())
provider = registry.get(name)
def size(path, name):
    return int(re.search(name + r":\\s+(\\d+)", pathlib.Path(path).read_text())[1])
def pss():
    return size("/proc/self/smaps_rollup", "Pss")
source = registry.opened(provider, config, operator)
print(json.dumps([time.clock_gettime(time.CLOCK_MONOTONIC), pss()]), flush=True)
def sign_in():
    source.warm()
    for module in provider.sdk:  # some are loaded by the first read only
        importlib.import_module(module)
    try:
        source.check()
    except Exception:
        pass
thread = threading.Thread(target=sign_in, daemon=True)
thread.start()
thread.join(6.0)
print(json.dumps([pss(), size("/proc/self/status", "VmData")]), flush=True)
os._exit(0)
"""


def measure() -> Iterator[tuple[str, str, str, str]]:
    """One row for each provider that the registry has."""
    return map(_row, registry.names())


def _row(name: str) -> tuple[str, str, str, str]:
    provider = registry.get(name)
    runs = [_run(provider) for _ in range(RUNS)]
    seconds, loaded, connected, data = (statistics.median(values) for values in zip(*runs, strict=True))
    figures = f"{seconds * 1000:.0f} ms, {loaded / 1024:.0f} MB; after a sign-in {connected / 1024:.0f} MB, {data / 1024:.0f} MB of data"
    most = provider.memory_mb / SPARE
    return f"  {name}: started and its SDK loaded", figures, f"<= 800 ms, {most:.0f} MB of data", f"memory_mb = {provider.memory_mb}"


def _run(provider: Provider) -> tuple[float, int, int, int]:
    """(seconds until the source is open, kB then, kB after it has tried to sign in, kB of data then)."""
    began = time.monotonic()
    child = subprocess.Popen([sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    out, _ = child.communicate(
        json.dumps([provider.name, config_of(provider), {"endpoint_url": f"http://{NOBODY}"} if provider.name == "aws" else {}]), timeout=60
    )
    opened, connected = (json.loads(line) for line in out.splitlines())
    return opened[0] - began, opened[1], *connected


def config_of(provider: Provider) -> dict[str, object]:
    """Of everything that may be said of who we are to a source, what this one knows; what it cannot do without is made up."""
    config: dict[str, object] = {}
    known = {**_KNOWN, "server": f"{'ldaps' if provider.name == 'ldap' else 'https'}://{NOBODY}"}
    fields = msgspec.structs.fields(provider.config)
    if any(field.encode_name == "private_key" for field in fields):
        del known["client_id"]  # of an app that signs in by that key; without both, a token does
    for field in fields:
        if field.encode_name in known:
            config[field.encode_name] = known[field.encode_name]
        elif field.required:
            config[field.encode_name] = NOBODY if field.encode_name == "domain" else "example"
    return config


def _service_account() -> dict[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    names = {"type": "service_account", "project_id": "example", "private_key_id": "1", "client_email": "a@example.iam.gserviceaccount.com"}
    return {**names, "private_key": pem, "client_id": "1", "token_uri": f"https://{NOBODY}/token"}


_KNOWN: dict[str, object] = {
    "access_key_id": "AKIDEXAMPLE",
    "secret_access_key": "example",
    "regions": ["us-east-1"],
    "tenant_id": "87654321-4321-4321-4321-210987654321",
    "client_id": "12345678-1234-1234-1234-123456789012",
    "client_secret": "example",
    "token": "example",
    "api_token": "example",
    "credentials_json": _service_account(),
    "credentials": _service_account(),
    "admin_email": "admin@example.com",
}
"""Config key -> value."""


def main() -> None:
    """By itself: ``python -m bench.sources``."""
    for what, ours, limit, _ in measure():
        print(f"{what:<52} {ours:<52} {limit}", flush=True)


if __name__ == "__main__":
    main()
