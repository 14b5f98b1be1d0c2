"""The memory of an AWS job: an account in every usual region is read within what the provider says that a job needs."""

from __future__ import annotations

import json
import subprocess
import sys

from providers import registry
from providers.aws import simulation
from supervisor.bootstrap import DATA_HEADROOM

REGIONS = (
    "us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1", "eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1",
    "eu-north-1", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3",
)  # fmt: skip
"""The regions that every account has."""

PROGRAM = """
import json, pathlib, re, sys, threading
sys.modules["rich"] = None  # structlog loads it where it is, and an installation has none
import worker.job.entry
from providers import registry
from providers.runner import run
from supervisor.bootstrap import THREAD_STACK
from supervisor.kernel import limit_heaps
from supervisor.process import COLLECT_EVERY
import gc
threading.stack_size(THREAD_STACK)
limit_heaps()
gc.set_threshold(COLLECT_EVERY)
class Nowhere:
    identity = planned = begin = organizations = resources = lambda self, *_: None
    ended = []
    end = lambda self, report: self.ended.append([report.scope.region, report.outcome.value])
config, operator = json.loads(sys.stdin.read())
peak = 0
def data():
    return int(re.search(r"VmData:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]) / 1024
class Measured(Nowhere):
    def end(self, report):
        global peak
        peak = max(peak, data())
        super().end(report)
run(registry.opened(registry.get("aws"), config, operator), Measured())
print(json.dumps([peak, Nowhere.ended]))
"""
"""A run with the memory settings of a job process. Prints the largest VmData at the end of a scope, in MB, and the outcome of each scope."""


def test_an_account_in_17_regions_is_read_within_the_memory_that_the_provider_asks_for(moto):
    given = json.dumps([{**simulation.KEYS, "regions": REGIONS}, {"endpoint_url": moto.url}])

    done = subprocess.run([sys.executable, "-c", PROGRAM], input=given, capture_output=True, text=True, check=False, timeout=570)

    assert done.returncode == 0, done.stderr[-4000:]
    peak, ended = json.loads(done.stdout.splitlines()[-1])
    assert {region for region, outcome in ended if outcome == "complete"} >= {*REGIONS}
    assert peak <= registry.get("aws").memory_mb * DATA_HEADROOM
