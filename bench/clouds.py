"""Memory of a job that reads a large project of Google Cloud or a large subscription of Azure, as its process reads it.

The servers are those of the tests: Google's is made from Google's own documents.

``python -m bench.clouds`` measures it alone; ``python -m bench.clouds 2000`` with so many resources, to see that it works.
"""

from __future__ import annotations

import pathlib
import sys
import tempfile
from typing import ClassVar

from bench.scans import MANY, OURS, timed

GOOGLE_PAGE = 500
"""Machines of a page, as Compute Engine gives them at most."""
AZURE_PAGE = 1000
"""Rows of a page, as Resource Graph gives them at most."""


def measure(resources: int = MANY) -> list[tuple[str, str, str, str]]:
    """The peak of a job that reads so many resources, for each cloud; the server is another process, whose memory is not counted."""
    return [gcp(resources), azure(resources)]


def gcp(resources: int) -> tuple[str, str, str, str]:
    """A project with so many machines."""
    from peers.certificates import Authority
    from peers.google_cloud import PROJECTS, ZONES, Company, instance
    from peers.google_contract import Google, contract

    project = PROJECTS[0]
    with tempfile.TemporaryDirectory() as folder, contract(Google(), Authority(pathlib.Path(folder))) as google:
        company, google.page = Company(google), GOOGLE_PAGE
        each = resources // len(ZONES)
        google.items["compute.instances.aggregatedList"] = {
            f"zones/{zone}": [instance(project, zone, number) for number in range(each)] for zone in ZONES
        }
        return _row(
            "a GCP project", ["gcp", company.config(project_ids=[project]), _operator(google.operator, "GOOGLE_")], each * len(ZONES)
        )


def azure(resources: int) -> tuple[str, str, str, str]:
    """A subscription with so many disks, network interfaces and machines; machines are listed by the typed client."""
    from peers import serving
    from peers.arm import Handler
    from peers.arm_account import SECRET, TENANT, Azure
    from peers.certificates import Authority

    class Kept(Handler):
        """The fake, which makes the rows of Resource Graph once, and not once a page."""

        kept: ClassVar[dict[str, list[dict]]] = {}

        def _rows(self, body: dict) -> list[dict]:
            if body["query"] not in self.kept:
                self.kept[body["query"]] = super()._rows(body)
            return self.kept[body["query"]]

    state, each = Azure(), resources // 4
    state.subscription()
    state.page = AZURE_PAGE
    for number in range(each):
        for size in (32, 64):
            disk = state.add("Microsoft.Compute/disks", f"disk{number}-{size}", {"diskSizeGB": size, "diskState": "Attached"})
        addresses = [{"name": "first", "properties": {"privateIPAddress": f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"}}]
        interface = state.add("Microsoft.Network/networkInterfaces", f"nic{number}", {"ipConfigurations": addresses})
        profiles = {
            "networkProfile": {"networkInterfaces": [{"id": interface}]},
            "storageProfile": {"osDisk": {"managedDisk": {"id": disk}}},
        }
        state.add("Microsoft.Compute/virtualMachines", f"vm{number}", profiles, tags={"team": f"team{number % 9}"})
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority(pathlib.Path(folder))
        with serving.serving(Kept, authority.server_context(), azure=state) as base:
            operator = {"resource_manager_url": base, "authority_host": base, "ca_bundle": str(authority.ca)}
            config = {"tenant_id": TENANT, "client_id": "app-1", "client_secret": SECRET}
            return _row("an Azure subscription", ["azure", config, operator], each * 4)


def _row(what: str, given: list[object], least: int) -> tuple[str, str, str, str]:
    seconds, peak, found = timed(OURS, given)
    assert int(found) >= least, found
    return f"{what} of {int(found):,} resources", f"{peak >> 20} MB at its peak, {int(found) / seconds / 1000:.1f} k/s", "<= 110 MB", ""


def _operator(environment: dict[str, str], prefix: str) -> dict[str, str]:
    """The operator's settings, by the names of the fields of the provider's operator."""
    return {name.removeprefix(prefix).lower(): value for name, value in environment.items()}


if __name__ == "__main__":
    for row in measure(*map(int, sys.argv[1:])):
        print(row)
