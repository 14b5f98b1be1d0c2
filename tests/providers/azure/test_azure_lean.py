"""The typed clients with what is used of them: the same answers, in a part of the memory."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from providers.azure import catalogue, lean
from providers.azure.client import CLIENTS

PROGRAM = """
import json, sys
from azure.core.credentials import AccessToken
from azure.core.pipeline.transport import HttpTransport
from azure.core.rest import HttpRequest
from providers.azure import catalogue, lean
from providers.azure.client import CLIENTS
from providers.microsoft.transport import Answered
from providers.http.response import HttpResponse

items, cut = json.loads(sys.argv[1]), sys.argv[2] == "lean"


def memory():
    with open("/proc/self/smaps_rollup") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("Private_Dirty:"))


class Credential:
    def get_token(self, *_scopes, **_options):
        return AccessToken("t", 4102444800)


class Transport(HttpTransport):
    def send(self, request, **_options):
        body = json.dumps({"value": [items[client]]}).encode()
        return Answered(request, HttpResponse(200, {"content-type": "application/json"}, body, request.url))

    open = close = lambda self: None
    __enter__ = lambda self: self
    __exit__ = lambda self, *_: None


found, before = {}, memory()
for client, (module, kind) in CLIENTS.items():
    if cut:
        assert lean.load(module, catalogue.operations(client))
    made = getattr(__import__(module, fromlist=[kind]), kind)(Credential(), "s", transport=Transport(), policies=[])
    for group, method in catalogue.operations(client):
        arguments = () if method in ("list_all",) or group == "storage_accounts" else ("g", "a")
        pages = getattr(getattr(made, group), method)(*arguments).by_page()
        found[f"{client}.{group}"] = [item.as_dict() for page in pages for item in page]
print(json.dumps({"found": found, "mb": memory() - before}))
"""

ITEMS = {
    "compute": {
        "id": "/subscriptions/s/x", "name": "vm", "type": "Microsoft.Compute/virtualMachines", "location": "westeurope", "zones": ["1"],
        "tags": {"a": "b"}, "identity": {"type": "SystemAssigned", "principalId": "p", "userAssignedIdentities": {"/x": {"clientId": "c"}}},
        "resources": [{"id": "e", "properties": {"publisher": "p", "settings": {"a": [1, {"b": None}]}}}], "madeUp": {"kept": True},
        "properties": {
            "hardwareProfile": {"vmSize": "Standard_B1s"}, "timeCreated": "2024-01-02T03:04:05.678Z", "priority": "Spot", "unknown": [1],
            "storageProfile": {"osDisk": {"osType": "Linux", "diskSizeGB": 30, "managedDisk": {"id": "d"}}, "dataDisks": [{"lun": 0}]},
            "osProfile": {"linuxConfiguration": {"ssh": {"publicKeys": [{"path": "p", "keyData": "k"}]}}},
            "instanceView": {"statuses": [{"code": "PowerState/running", "time": "2024-01-02T03:04:05Z"}]},
            "networkProfile": {"networkInterfaces": [{"id": "n", "properties": {"primary": True}}]},
        },
    },
    "storage": {
        "id": "/subscriptions/s/y", "name": "store", "kind": "StorageV2", "sku": {"name": "Standard_LRS", "tier": "Standard"},
        "properties": {
            "primaryEndpoints": {"blob": "https://x"}, "creationTime": "2024-01-02T03:04:05Z", "isHnsEnabled": True, "publicAccess": "None",
            "encryption": {"services": {"blob": {"enabled": True}}, "keySource": "Microsoft.Storage"}, "shareQuota": 5,
            "networkAcls": {"bypass": "AzureServices", "ipRules": [{"value": "1.2.3.4"}]}, "metadata": {"a": "b"},
        },
    },
}  # fmt: skip


def run(how: str) -> dict:
    done = subprocess.run([sys.executable, "-c", PROGRAM, json.dumps(ITEMS), how], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_a_lean_client_answers_as_the_whole_one_does_in_less_memory():
    cut, whole = run("lean"), run("whole")
    assert cut["found"] == whole["found"]
    assert set(cut["found"]) == {f"{client}.{group}" for client in CLIENTS for group, _ in catalogue.operations(client)}
    assert cut["found"]["compute.virtual_machines"] == [ITEMS["compute"]]
    assert cut["mb"] < 0.8 * whole["mb"]


def test_a_client_that_is_loaded_already_is_left_as_it_is():
    import azure.mgmt.compute  # noqa: F401

    assert lean.load("azure.mgmt.compute", [("virtual_machines", "list_all")]) is False


@pytest.mark.parametrize(
    "operation", [("virtual_machine", "list_all"), ("virtual_machines", "list_everything")], ids=["no such group", "no such method"]
)
def test_what_the_library_does_not_have_is_named(operation):
    with pytest.raises(lean.UnknownLayoutError):
        lean.cut(lean._folder("azure.mgmt.compute"), [operation])


def test_a_library_of_another_layout_is_loaded_whole(tmp_path, monkeypatch):
    """Here one that needs in its constructor what was cut off."""
    package = tmp_path / "newer" / "client"
    for folder in ("models", "operations"):
        (package / folder).mkdir(parents=True)
    (tmp_path / "newer" / "__init__.py").touch()
    (package / "__init__.py").write_text("from ._client import Client\n")
    (package / "_client.py").write_text(
        "from .operations import Things\nfrom .models import SIZE\nclass Client:\n    def make(self):\n        self.things = Things()\nlen(SIZE)\n"
    )
    (package / "types.py").touch()
    (package / "models" / "__init__.py").write_text("from ._models import Thing\nSIZE = [1]\n")
    (package / "models" / "_enums.py").touch()
    (package / "models" / "_models.py").write_text("class Thing:\n    pass\n")
    (package / "operations" / "__init__.py").write_text("from ._operations import Things\n")
    text = "from .. import models as _models\ndef build_things():\n    pass\nclass Things:\n    def list(self) -> _models.Thing:\n        return build_things()\n"
    (package / "operations" / "_operations.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert lean.load("newer.client", [("things", "list")]) is False
    assert "newer.client" not in sys.modules
    import newer.client

    assert newer.client.Client
