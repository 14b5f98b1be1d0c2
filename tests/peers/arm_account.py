"""The state behind the fake Azure Resource Manager of `arm`: subscriptions, objects, permissions and faults; API versions that Azure has."""

from __future__ import annotations

import collections
import functools
import inspect
import itertools
import re
import sys
import threading
from collections.abc import Callable

from peers.arm_versions import API_VERSIONS

from providers.azure.permissions import Permissions

SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
OTHER = "22222222-2222-2222-2222-222222222222"
TENANT = "99999999-9999-9999-9999-999999999999"
SECRET = "canary-azure-client-secret"
FEDERATED = "canary-federated-token"
HEADER = "canary-identity-header"
READER = {"actions": ["*/read"], "notActions": []}

GRAPH = "/providers/microsoft.resourcegraph/resources"
GROUPS = "/providers/microsoft.management/managementgroups"
VERSIONS = {
    "subscriptions": {"2022-12-01", "2020-01-01"},
    "resourcegroups": {"2021-04-01", "2022-09-01"},
    "resources": {"2021-04-01", "2022-09-01"},
    "microsoft.resourcegraph/resources": {"2021-03-01", "2022-10-01"},
    "microsoft.authorization/permissions": {"2015-07-01", "2018-07-01", "2022-04-01"},
    "microsoft.authorization/roleassignments": {"2020-04-01-preview", "2022-04-01"},
    "microsoft.authorization/roledefinitions": {"2018-01-01-preview", "2022-04-01"},
    "microsoft.authorization/policyassignments": {"2021-06-01", "2022-06-01"},
    "microsoft.authorization/locks": {"2016-09-01", "2020-05-01"},
    "microsoft.management/managementgroups": {"2020-05-01", "2021-04-01"},
    "tenants": {"2020-01-01", "2022-12-01"},
    "microsoft.compute/disks": {"2022-07-02", "2023-01-02", "2023-04-02", "2023-10-02", "2024-03-02"},
}
"""API versions that Azure has, by what they are for, beside `API_VERSIONS`. Typed clients' are the ones that the installed clients send."""

RECORDS = re.compile(r"microsoft\.network/(private)?dnszones/\w+")
"""Types that the table DnsResources of Resource Graph holds. Resources holds all others that have a location."""

DIRECT = frozenset(
    {"microsoft.authorization/roledefinitions", "microsoft.authorization/policyassignments", "microsoft.authorization/locks"}
)
"""Types that are listed by subscription, and in no table that is read."""


@functools.cache
def versions_of(kind: str) -> frozenset[str]:
    """The API versions under which a type can be asked for."""
    from azure.mgmt.compute.operations import VirtualMachinesOperations
    from azure.mgmt.storage.operations import BlobContainersOperations, FileSharesOperations, StorageAccountsOperations

    typed = {
        "microsoft.compute/virtualmachines": VirtualMachinesOperations.list_all,
        "microsoft.storage/storageaccounts": StorageAccountsOperations.list,
        "containers": BlobContainersOperations.list,
        "shares": FileSharesOperations.list,
    }
    by_namespace = {namespace.lower(): versions for namespace, versions in API_VERSIONS.items()}
    known = frozenset(VERSIONS.get(kind) or by_namespace.get(kind.partition("/")[0], ()))
    if kind in typed:
        package = sys.modules[typed[kind].__module__.partition(".operations")[0] + "._configuration"]
        return known.union(re.findall(r"20\d\d-\d\d-\d\d", inspect.getsource(typed[kind]) + inspect.getsource(package)))
    return known


class Azure:
    """The state behind the server: subscription -> ARM type -> objects, and the faults to inject."""

    def __init__(self) -> None:
        self.subscriptions: dict[str, dict] = {}
        self.objects: dict[str, dict[str, list[dict]]] = collections.defaultdict(lambda: collections.defaultdict(list))
        self.inherited: dict[str, list[dict]] = collections.defaultdict(list)
        self.permissions: dict[str, list[dict]] = {}
        self.limited: dict[str, str] = {}
        """The resource group of a subscription on which the caller's role is assigned, where it is not on the subscription itself."""
        self.certificate = b""
        """The certificate of the app registration, as PEM."""
        self.groups: dict[str, dict] = {}
        self.may_see_groups = True
        self.page = 3
        self.fault: Callable[[str, str], tuple[int, dict, dict] | None] = lambda method, path: None
        self.before: Callable[[str, str, dict], None] = lambda method, path, asked: None
        self.requests: list[tuple[str, str]] = []
        self.queries: list[dict] = []
        """Queries of the table Resources; `before` is told of these."""
        self.other_queries: list[dict] = []
        self.truncate = False
        self.largest = 1000
        self.lagging: set[str] = set()
        self.respelt = False
        """True: Resource Manager's list of all resources spells ids in capitals."""
        self.sign_in_error = ""
        self.sign_in_page: tuple[int, bytes] | None = None
        """Status and page of a proxy that answers in place of the sign-in."""
        self.sign_ins: list[dict] = []
        self.headers: dict[str, str] = {}
        self.given: dict[str, tuple[str, int]] = {}
        self.clock = itertools.count(1)
        self.lock = threading.Lock()

    def subscription(self, number: str = SUBSCRIPTION, **more) -> None:
        self.subscriptions[number] = {
            "id": f"/subscriptions/{number}",
            "subscriptionId": number,
            "tenantId": TENANT,
            "displayName": f"Subscription {number[0]}",
            "state": "Enabled",
            **more,
        }
        self.permissions[number] = [READER]

    def add(
        self, arm_type: str, name: str, properties: dict | None = None, *, subscription: str = SUBSCRIPTION, group: str = "Prod", **more
    ) -> str:
        object_id = f"/subscriptions/{subscription}/resourceGroups/{group}/providers/{arm_type}/{name}"
        made = {"id": object_id, "name": name, "type": arm_type, "location": "westeurope", "properties": properties or {}, **more}
        self.objects[subscription][arm_type.lower()].append(made)
        return object_id

    def assign(self, name: str, scope: str, *subscriptions: str, principal: str = "P") -> str:
        """A role assignment at a scope (a subscription, a management group, or ``/``), as the subscriptions below it list it."""
        assignment = f"{scope.rstrip('/')}/providers/Microsoft.Authorization/roleAssignments/{name}"
        properties = {
            "roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/reader",
            "principalId": principal,
            "scope": scope,
        }
        for subscription in subscriptions:
            self.inherited[subscription].append(
                {"id": assignment, "name": name, "type": "Microsoft.Authorization/roleAssignments", "properties": properties}
            )
        return assignment

    def group(self, name: str, parent: str = "", *subscriptions: str) -> str:
        """A management group with subscriptions in it."""
        arm_id = f"/providers/Microsoft.Management/managementGroups/{name}"
        self.groups[name] = {"id": arm_id, "name": name, "parent": parent, "subscriptions": subscriptions}
        return arm_id

    def may(self, subscription: str, action: str) -> bool:
        return Permissions(self.permissions.get(subscription, ())).allow(action)

    def shown(self, subscription: str, items: list[dict]) -> list[dict]:
        """The items of a list that the caller may read: Azure leaves the others out, and says nothing of it."""
        group = self.limited.get(subscription)
        return items if group is None else [one for one in items if f"/resourcegroups/{group}/".lower() in f"{one['id']}/".lower()]


class Refused(Exception):
    """An answer that is a refusal."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.body = status, {"error": {"code": code, "message": message}}
