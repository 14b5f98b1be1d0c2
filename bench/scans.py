"""Scans: an AWS account against a hand-written pool of threads, a directory against a bare paged read. Each in a process of its own."""

from __future__ import annotations

import contextlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

import urllib3

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests")]

REGIONS = ["us-east-1", "us-west-2", "eu-west-1", "eu-central-1"]
MANY = 100_000
KEYS = {"access_key_id": "AKIDEXAMPLEEXAMPLE01", "secret_access_key": "x" * 40}

OURS = """
import gc, json, sys
from providers import registry
from providers.runner import run
from supervisor.kernel import limit_heaps
from supervisor.process import COLLECT_EVERY
limit_heaps()
gc.set_threshold(COLLECT_EVERY)
class Nowhere:
    identity = planned = begin = organizations = resources = end = lambda self, *_: None
provider, config, operator = json.loads(sys.stdin.read())
provider = registry.get(provider)
print(run(registry.opened(provider, config, operator), Nowhere()).resources)
"""
"""As the job process does it, into nothing."""

POOL = """
import concurrent.futures, json, sys, boto3
calls, threads, endpoint = json.loads(sys.stdin.read())
session = boto3.Session("AKIDEXAMPLEEXAMPLE01", "x" * 40)
from botocore.config import Config
places = sorted({(service, region) for service, region, _, _ in calls})
options = {"endpoint_url": endpoint, "config": Config(max_pool_connections=threads)}
clients = {place: session.client(place[0], region_name=place[1], **options) for place in places}
def read(call):
    service, region, operation, parameters = call
    client = clients[service, region]
    if client.can_paginate(operation):
        return sum(1 for _ in client.get_paginator(operation).paginate(**parameters))
    getattr(client, operation)(**parameters)
with concurrent.futures.ThreadPoolExecutor(threads) as pool:
    list(pool.map(read, calls))
"""
"""What somebody would write: one session, one client a service and region, a pool of threads, the same lists."""

BARE = """
import json, sys, ldap3
config = json.loads(sys.stdin.read())
server = ldap3.Server(config["server"], config["port"], get_info=ldap3.NONE)
connection = ldap3.Connection(server, config["bind_dn"], config["bind_password"], auto_bind=True, check_names=False, return_empty_attributes=False)
found = connection.extend.standard.paged_search(config["base_dn"], "(objectClass=inetOrgPerson)", attributes=["*", "+"], paged_size=1000)
print(sum(1 for _ in found))
"""
"""ldap3's own paged read of the same users, nothing made of them."""


PEAK = """
import re
print(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
"""
"""Kilobytes; getrusage would also count what the process had been before it was this program: a copy of us."""


def timed(program: str, given: object) -> tuple[float, int, str]:
    """(seconds, peak bytes, what it printed) of a program in a process of its own."""
    began = time.perf_counter()
    with subprocess.Popen([sys.executable, "-c", program + PEAK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as child:
        assert child.stdin
        assert child.stdout
        child.stdin.write(json.dumps(given).encode())
        child.stdin.close()
        *printed, peak = child.stdout.read().decode().splitlines()
    assert child.returncode == 0, program
    return time.perf_counter() - began, int(peak) * 1024, "\n".join(printed)


# AWS


def lists() -> list[tuple[str, str, str, dict[str, object]]]:
    """The list calls of 25 services and more that the catalogue makes, once for each region: those that need no further call."""
    from botocore import xform_name

    from providers.aws import catalogue

    usual = (kinds[0] for kinds in catalogue.reads() if not kinds[0].optional)
    plain = [kind for kind in usual if kind.regional and not kind.under]
    return [(kind.service, region, xform_name(kind.operation), {}) for region in REGIONS for kind in plain if not kind.parameters][:400]


@contextlib.contextmanager
def recorded() -> Iterator[str]:
    """The address of an AWS that answers after a set time."""
    moto = [sys.executable, "-m", "providers.aws.simulation", "--empty"]
    with subprocess.Popen(moto, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT) as upstream:
        assert upstream.stdout
        address = upstream.stdout.readline().split()[-1]
        with subprocess.Popen([sys.executable, "-m", "bench.recorded", address], stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
            assert server.stdout
            try:
                yield f"http://127.0.0.1:{int(server.stdout.readline())}"
            finally:
                server.terminate()
                upstream.terminate()


def aws() -> list[tuple[str, str, str, str]]:
    """The same account read by us and by a pool; at 30 ms a call, and at 200 ms against one call after the other."""
    http, rows = urllib3.PoolManager(retries=False), []
    with recorded() as address:

        def control(path: str, method: str = "GET") -> int:
            return int(http.request(method, address + path).data)

        config = ["aws", {**KEYS, "regions": REGIONS}, {"endpoint_url": address}]
        control("/-/delay/0", "PUT")
        timed(OURS, config)
        calls = control("/-/calls")
        for delay, sequence in ((30, False), (200, True)):
            ours, theirs = [], []
            for _ in range(1 if sequence else 3):
                control(f"/-/delay/{delay}", "PUT")
                ours.append(timed(OURS, config))
                calls = control("/-/calls")
                theirs.append(timed(POOL, [_same_calls(calls), 1 if sequence else 16, address]))
            rows.append((delay, sequence, calls, min(ours), min(theirs)))
        control(f"/-/volumes/{MANY // len(REGIONS)}", "PUT")
        control("/-/delay/0", "PUT")
        large = timed(OURS, config)
    return [*(_aws_row(*row) for row in rows), _large_row(large)]


def _same_calls(count: int) -> list[tuple[str, str, str, dict[str, object]]]:
    """As many list calls as we made, of the same services."""
    found = lists()
    return (found * (count // len(found) + 1))[:count]


def _aws_row(
    delay: int, sequence: bool, calls: int, ours: tuple[float, int, str], theirs: tuple[float, int, str]
) -> tuple[str, str, str, str]:
    what = f"AWS, {len(REGIONS)} regions, {calls} calls of {delay} ms"
    mine = f"{ours[0]:.1f} s, {ours[1] >> 20} MB"
    other = f"{theirs[0]:.1f} s, {theirs[1] >> 20} MB"
    if sequence:
        return what, f"{mine}: {theirs[0] / ours[0]:.1f} x faster", ">= 6 x", f"one call after the other {other}"
    return what, f"{mine}: {ours[0] / theirs[0]:.2f} x", "<= 1.1 x", f"16 threads that share clients {other}"


def _large_row(ours: tuple[float, int, str]) -> tuple[str, str, str, str]:
    rate = int(ours[2]) / ours[0]
    return f"  an account of {int(ours[2]):,} resources", f"{ours[1] >> 20} MB at its peak, {rate / 1000:.1f} k/s", "<= 120 MB", ""


# LDAP


def ldap() -> list[tuple[str, str, str, str]]:
    """10,000 users and their groups, against ldap3's bare paged read of the users."""
    from peers import certificates, slapd

    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "slapd").mkdir()
        authority = certificates.Authority(pathlib.Path(folder))
        with slapd.running(pathlib.Path(folder) / "slapd", authority) as server:
            config = server.config(user_filter="(objectClass=inetOrgPerson)")
            bare = min(timed(BARE, config) for _ in range(3))
            ours = min(timed(OURS, ["ldap", config, {}]) for _ in range(3))
    found = int(re.sub(r"\D", "", ours[2]))
    return [
        (
            f"LDAP, {slapd.USERS:,} users, with groups and memberships",
            f"{ours[0]:.1f} s, {ours[1] >> 20} MB, {found:,} found: {bare[0] / ours[0]:.2f} x",
            ">= 0.8 x",
            f"ldap3's bare paged read of the users {bare[0]:.1f} s, {bare[1] >> 20} MB",
        )
    ]


def measure() -> list[tuple[str, str, str, str]]:
    """Rows of the table."""
    return aws() + ldap()


if __name__ == "__main__":
    for row in measure():
        print(row)
