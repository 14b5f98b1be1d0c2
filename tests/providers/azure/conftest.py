"""An account with more than a page of everything, and a clock that nobody waits for."""

from __future__ import annotations

import pytest
from peers.arm_account import SUBSCRIPTION, TENANT

from providers.http import retry


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(retry, "wait", lambda _seconds: None)


@pytest.fixture
def account(azure):
    """A subscription with more than one page of everything."""
    azure.subscription()
    azure.group(TENANT, "", SUBSCRIPTION)
    vnet = azure.add(
        "Microsoft.Network/virtualNetworks",
        "vnet",
        {"subnets": [{"id": "/subscriptions/x/Subnets/A", "name": "A", "etag": "W/1", "properties": {"addressPrefix": "10.0.0.0/24"}}]},
        tags={"team": "net"},
        etag="W/1",
    )
    for n in range(7):
        disk = azure.add("Microsoft.Compute/disks", f"disk{n}", {"diskSizeGB": 32}, managedBy=None)
        nic = azure.add(
            "Microsoft.Network/networkInterfaces",
            f"nic{n}",
            {"ipConfigurations": [{"properties": {"subnet": {"id": vnet + "/subnets/A"}}}]},
        )
        azure.add(
            "Microsoft.Compute/virtualMachines",
            f"vm{n}",
            {"networkProfile": {"networkInterfaces": [{"id": nic.upper()}]}, "storageProfile": {"osDisk": {"managedDisk": {"id": disk}}}},
        )
        azure.add("Microsoft.Storage/storageAccounts", f"store{n}", kind="StorageV2", sku={"name": "Standard_LRS"})
        for c in range(4):
            container = {"id": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/Prod/x/store{n}/c{c}", "name": f"c{c}"}
            container["type"] = "Microsoft.Storage/storageAccounts/blobServices/containers"
            azure.objects[SUBSCRIPTION][f"containers/store{n}"].append(container)
        azure.assign(f"ra{n}", f"/subscriptions/{SUBSCRIPTION}/resourceGroups/Prod", SUBSCRIPTION)
    azure.add("Microsoft.Network/networkSecurityGroups", "nsg")
    azure.add("Microsoft.Network/publicIPAddresses", "ip")
    return azure
