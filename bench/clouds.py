"""Memory of a job that reads a large project of Google Cloud, as its process reads it, from a server made from Google's own documents.

``python -m bench.clouds`` measures it alone; ``python -m bench.clouds 2000`` with so many machines, to see that it works.
"""

from __future__ import annotations

import pathlib
import sys
import tempfile

from bench.scans import MANY, OURS, timed

PAGE = 500
"""Machines of a page, as Compute Engine gives them at most."""


def measure(machines: int = MANY) -> list[tuple[str, str, str, str]]:
    """The peak of a job that reads so many machines; what the server takes is another process's."""
    from peers.certificates import Authority
    from peers.google_cloud import PROJECTS, ZONES, Company, instance
    from peers.google_contract import Google, contract

    project = PROJECTS[0]
    with tempfile.TemporaryDirectory() as folder, contract(Google(), Authority(pathlib.Path(folder))) as google:
        company, google.page = Company(google), PAGE
        each = machines // len(ZONES)
        google.items["compute.instances.aggregatedList"] = {
            f"zones/{zone}": [instance(project, zone, number) for number in range(each)] for zone in ZONES
        }
        seconds, peak, found = timed(OURS, ["gcp", company.config(project_ids=[project]), _operator(google.operator)])
    assert int(found) >= each * len(ZONES), found
    rate = int(found) / seconds / 1000
    return [(f"a GCP project of {int(found):,} resources", f"{peak >> 20} MB at its peak, {rate:.1f} k/s", "<= 110 MB", "")]


def _operator(environment: dict[str, str]) -> dict[str, str]:
    """The operator's settings for Google, by the names of `GoogleOperator`'s fields."""
    return {"endpoint_url": environment["GOOGLE_ENDPOINT_URL"], "ca_bundle": environment["GOOGLE_CA_BUNDLE"]}


if __name__ == "__main__":
    for row in measure(*map(int, sys.argv[1:])):
        print(row)
