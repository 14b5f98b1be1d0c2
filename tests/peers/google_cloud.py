"""A small company in the contract server of Google's APIs: projects with more than one page of everything that the provider gcp reads."""

from __future__ import annotations

import pytest
from peers.google_contract import Call, Google
from peers.google_refusals import Refusal

PROJECTS = ("my-gcp-project-123", "another-project-456")
ZONES = ("us-central1-a", "europe-west1-b")
NUMBERS = {"my-gcp-project-123": "1000", "another-project-456": "2000"}
BASE = "https://www.googleapis.com/compute/v1"
ENABLED = ("compute", "iam", "serviceusage", "storage", "cloudresourcemanager")
"""APIs that are enabled in the projects."""
NOT_VISIBLE = Refusal(403, "forbidden", "The caller does not have permission", "PERMISSION_DENIED")
CANARY = "canary-startup-script-password"


def link(project: str, rest: str) -> str:
    """A Compute link."""
    return f"{BASE}/projects/{project}/{rest}"


class Company:
    """What is in it; `google` is the server. A change of `projects` or of an item is a change of the world."""

    def __init__(self, google: Google) -> None:
        self.google, self.operator = google, google.operator
        self.projects = {project: _project(project, number) for project, number in NUMBERS.items()}
        self.accounts = {project: [_account(project, n) for n in range(4)] for project in PROJECTS}
        self.enabled = list(ENABLED)
        self.policy = {project: _policy(project) for project in PROJECTS}
        google.items |= {
            "cloudresourcemanager.projects.search": lambda _call: list(self.projects.values()),
            "cloudresourcemanager.projects.get": lambda call: self.projects.get(call.path["name"].removeprefix("projects/"), NOT_VISIBLE),
            "cloudresourcemanager.projects.getIamPolicy": lambda call: self.policy[call.path["resource"].removeprefix("projects/")],
            "iam.projects.serviceAccounts.list": lambda call: self.accounts[call.path["name"].removeprefix("projects/")],
            "iam.projects.serviceAccounts.keys.list": lambda call: {"keys": [_key(call.path["name"], n) for n in range(2)]},
            "iam.projects.roles.list": lambda call: [_role(call.path["parent"], n) for n in range(4)],
            "serviceusage.services.list": lambda call: [service(call.path["parent"], name) for name in self.enabled],
            "storage.buckets.list": lambda call: [_bucket(call.query["project"], n) for n in range(5)],
        }
        google.items |= {method: _of_project(make) for method, make in COMPUTE.items()}

    def config(self, **more: object) -> dict:
        """The quick start's, with a key that this server knows."""
        return {"project_ids": list(PROJECTS), "credentials_json": self.google.key(), **more}


def _of_project(make):
    return lambda call: make(call.path["project"])


def _project(project: str, number: str) -> dict:
    return {
        "name": f"projects/{number}",
        "projectId": project,
        "parent": "folders/42",
        "state": "ACTIVE",
        "displayName": project.title(),
        "createTime": "2024-01-15T10:30:00Z",
        "labels": {"team": "platform"},
        "etag": "W/1",
    }


def _account(project: str, number: int) -> dict:
    email = f"sa{number}@{project}.iam.gserviceaccount.com"
    name = f"projects/{project}/serviceAccounts/{email}"
    return {"name": name, "projectId": project, "uniqueId": f"10{number}", "email": email, "displayName": f"SA {number}", "etag": "BwX="}


def _key(account: str, number: int) -> dict:
    return {
        "name": f"{account}/keys/{number}",
        "keyType": "USER_MANAGED",
        "validAfterTime": "2024-01-01T00:00:00Z",
        "publicKeyData": "QUJD",
    }


def _role(project: str, number: int) -> dict:
    permissions = ["compute.instances.list", f"storage.buckets.{'get' if number else 'list'}"]
    return {"name": f"{project}/roles/custom{number}", "title": f"Custom {number}", "includedPermissions": permissions, "stage": "GA"}


def service(project: str, api: str) -> dict:
    """An enabled service, as Service Usage lists it: under the project's number."""
    name = f"{api}.googleapis.com"
    config = {"name": name, "title": f"{api} API", "quota": {"limits": []}}
    return {"name": f"projects/{NUMBERS.get(project.removeprefix('projects/'), '9')}/services/{name}", "config": config, "state": "ENABLED"}


def _bucket(project: str, number: int) -> dict:
    return {
        "kind": "storage#bucket",
        "name": f"{project}-data{number}",
        "location": "US-CENTRAL1",
        "storageClass": "STANDARD",
        "labels": {"tier": str(number)},
        "etag": "CAE=",
        "metageneration": "7",
        "projectNumber": NUMBERS[project],
    }


def _policy(project: str) -> dict:
    reader = f"serviceAccount:sa0@{project}.iam.gserviceaccount.com"
    condition = {"title": "office hours", "expression": "request.time.getHours('Europe/Berlin') < 18"}
    return {
        "version": 3,
        "etag": "BwXYZ=",
        "bindings": [
            {"role": "roles/owner", "members": ["user:alice@example.com", "group:ops@example.com"]},
            {"role": "roles/viewer", "members": [reader, f"deleted:serviceAccount:gone@{project}.iam.gserviceaccount.com?uid=1"]},
            {"role": "roles/viewer", "members": [reader], "condition": condition},
            {"role": f"projects/{project}/roles/custom0", "members": ["serviceAccount:cluster.svc.id.goog[web/front]"]},
        ],
    }


def _instances(project: str) -> dict:
    return {f"zones/{zone}": [instance(project, zone, n) for n in range(4)] for zone in ZONES} | {"zones/asia-east1-a": []}


def instance(project: str, zone: str, number: int) -> dict:
    region = zone.rpartition("-")[0]
    return {
        "id": str(8_000_000_000_000_000_000 + number),
        "kind": "compute#instance",
        "name": f"vm{number}",
        "zone": link(project, f"zones/{zone}"),
        "selfLink": link(project, f"zones/{zone}/instances/vm{number}"),
        "status": "RUNNING",
        "machineType": link(project, f"zones/{zone}/machineTypes/e2-small"),
        "labels": {"env": "prod"},
        "labelFingerprint": "abc=",
        "fingerprint": "def=",
        "deletionProtection": False,
        "metadata": {
            "fingerprint": "ghi=",
            "items": [{"key": "startup-script", "value": CANARY}, {"key": "enable-oslogin", "value": "TRUE"}],
        },
        "networkInterfaces": [
            {
                "name": "nic0",
                "network": link(project, "global/networks/net0"),
                "subnetwork": link(project, f"regions/{region}/subnetworks/sub0"),
                "networkIP": f"10.0.0.{number}",
                "accessConfigs": [{"type": "ONE_TO_ONE_NAT", "natIP": "203.0.113.1"}],
                "fingerprint": "jkl=",
            }
        ],
        "disks": [
            {
                "boot": True,
                "deviceName": "boot",
                "index": 0,
                "diskSizeGb": "10",
                "source": link(project, f"zones/{zone}/disks/disk{number}"),
            }
        ],
        "serviceAccounts": [
            {"email": f"sa0@{project}.iam.gserviceaccount.com", "scopes": ["https://www.googleapis.com/auth/cloud-platform"]}
        ],
        "tags": {"items": ["web"], "fingerprint": "mno="},
    }


def _disk(project: str, zone: str, number: int) -> dict:
    users = [link(project, f"zones/{zone}/instances/vm{number}")]
    return {
        **_thing(project, f"zones/{zone}", "disks", f"disk{number}"),
        "zone": link(project, f"zones/{zone}"),
        "sizeGb": "10",
        "users": users,
    }


def _thing(project: str, place: str, collection: str, name: str, **more: object) -> dict:
    return {"id": "77", "name": name, "selfLink": link(project, f"{place}/{collection}/{name}"), **more}


def _globals(collection: str, **more: object):
    return lambda project: [
        _thing(project, "global", collection, f"{collection[:3]}{n}", **{key: value.format(p=project) for key, value in more.items()})
        for n in range(4)
    ]


def _regional(collection: str, **more: object):
    def of(project: str) -> dict:
        filled = {key: value.format(p=project) if isinstance(value, str) else value for key, value in more.items()}
        places = {place: {"region": link(project, place), **filled} for place in ("regions/us-central1", "regions/europe-west1")}
        found = {
            place: [_thing(project, place, collection, f"{collection[:3]}{n}", **all_) for n in range(2)] for place, all_ in places.items()
        }
        return {**found, "regions/asia-east1": []}

    return of


NETWORK = f"{BASE}/projects/{{p}}/global/networks/net0"

COMPUTE = {
    "compute.instances.aggregatedList": _instances,
    "compute.disks.aggregatedList": lambda p: {f"zones/{zone}": [_disk(p, zone, n) for n in range(4)] for zone in ZONES},
    "compute.snapshots.list": _globals("snapshots", sourceDisk=f"{BASE}/projects/{{p}}/zones/us-central1-a/disks/disk0"),
    "compute.images.list": _globals("images"),
    "compute.instanceGroupManagers.aggregatedList": _regional("instanceGroupManagers", targetSize=3),
    "compute.networks.list": _globals("networks"),
    "compute.subnetworks.aggregatedList": _regional("subnetworks", network=NETWORK, ipCidrRange="10.0.0.0/24"),
    "compute.firewalls.list": _globals("firewalls", network=NETWORK, direction="INGRESS"),
    "compute.routes.list": _globals("routes", network=NETWORK, destRange="0.0.0.0/0"),
    "compute.routers.aggregatedList": _regional("routers", network=NETWORK),
    "compute.addresses.aggregatedList": lambda p: {**_regional("addresses", address="203.0.113.9")(p), "global": _globals("addresses")(p)},
    "compute.globalAddresses.list": _globals("addresses"),
    "compute.forwardingRules.aggregatedList": _regional("forwardingRules", IPAddress="203.0.113.9", IPProtocol="TCP"),
    "compute.backendServices.aggregatedList": _regional("backendServices", protocol="HTTP"),
}


def in_project(project: str, method: str):
    """For `Google.failing`: the calls of one method in one project."""

    def when(call: Call) -> bool:
        named = (call.query.get("project", ""), *call.path.values())
        return call.id == method and any(value.removeprefix("projects/").partition("/")[0] == project for value in named)

    return when


@pytest.fixture
def company(google) -> Company:
    """The contract server with the company in it."""
    return Company(google)
