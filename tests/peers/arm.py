"""A fake Azure Resource Manager over TLS, as no emulator exists: stateful, as strict as Azure, able to fail on demand.

- It knows the paths and API versions of Azure, and refuses every other.
- It enforces permissions by their names, as Azure RBAC does; Resource Graph leaves out silently what the caller may not read.
- It pages only as it is asked: a continuation that it did not give is refused; Resource Graph sorts only when the query says so.
- Fields that move by themselves at Azure (etags, times of the last change) move with every answer.

What it holds is checked against the typed models of azure-mgmt-* (see tests/providers/azure/test_azure_source.py), so that it cannot drift
from Azure's own description.
"""

from __future__ import annotations

import base64
import collections
import copy
import functools
import inspect
import itertools
import json
import random
import re
import sys
import threading
import urllib.parse
from collections.abc import Callable, Iterator

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from peers import serving
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
        self.sign_in_error = ""
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

    def add(self, arm_type: str, name: str, properties: dict | None = None, *, subscription: str = SUBSCRIPTION, **more) -> str:
        group = f"/subscriptions/{subscription}/resourceGroups/Prod"
        object_id = f"{group}/providers/{arm_type}/{name}"
        made = {"id": object_id, "name": name, "type": arm_type, "location": "westeurope", "properties": properties or {}, **more}
        self.objects[subscription][arm_type.lower()].append(made)
        return object_id

    def assign(self, name: str, scope: str, *subscriptions: str) -> str:
        """A role assignment at a scope (a subscription, a management group, or ``/``), as the subscriptions below it list it."""
        assignment = f"{scope.rstrip('/')}/providers/Microsoft.Authorization/roleAssignments/{name}"
        properties = {"roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/reader", "principalId": "P", "scope": scope}
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


class Refused(Exception):
    """An answer that is a refusal."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.body = status, {"error": {"code": code, "message": message}}


class Handler(serving.Handler):
    """Routes by path; everything unknown is refused as Azure words it."""

    azure: Azure

    def do_GET(self) -> None:
        self._route("GET", None)

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self._route("POST", self.rfile.read(length))

    def _route(self, method: str, body: bytes | None) -> None:
        url = urllib.parse.urlsplit(self.path)
        path = urllib.parse.unquote(url.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        with self.azure.lock:
            self.azure.requests.append((method, path))
            fault = self.azure.fault(method, path)
        if fault is not None:
            return self._fault(fault)
        if path.endswith("/oauth2/v2.0/token"):
            return self._token(dict(urllib.parse.parse_qsl((body or b"").decode())))
        if path.endswith("/openid-configuration"):
            return self._openid(path)
        if self.headers.get("Authorization") != "Bearer good-token":
            return self.answer(401, {"error": {"code": "InvalidAuthenticationToken", "message": "The access token is invalid."}})
        try:
            with self.azure.lock:
                found = self._resource_manager(method, path, query, body)
        except Refused as refused:
            return self.answer(refused.status, refused.body)
        return self.answer(200, found, self.azure.headers)

    def _fault(self, fault: tuple[int, dict, dict]) -> None:
        status, headers, body = fault
        if status == 0:
            self.close_connection = True
            self.connection.close()
            return
        self.answer(status, body, headers)

    def _token(self, form: dict) -> None:
        self.azure.sign_ins.append(form)
        if self.azure.sign_in_error:
            text = f"{self.azure.sign_in_error}: refused. Trace ID: 0000aaaa-11bb-cccc-dd22-eeeeee333333"
            return self.answer(401, {"error": "invalid_client", "error_description": text})
        if "client_assertion" in form:
            return self._federated(form)
        if form.get("client_secret") != SECRET:
            return self.answer(401, {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."})
        return self.answer(200, {"token_type": "Bearer", "expires_in": 3600, "access_token": "good-token"})

    def _openid(self, path: str) -> None:
        issuer = f"{self.base}/{path.split('/')[1]}"
        endpoints = {"token_endpoint": f"{issuer}/oauth2/v2.0/token", "authorization_endpoint": f"{issuer}/oauth2/v2.0/authorize"}
        self.answer(200, {"issuer": f"{issuer}/v2.0", **endpoints})

    def _federated(self, form: dict) -> None:
        kind = form.get("client_assertion_type")
        assert kind == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", kind
        if self.azure.certificate and form["client_assertion"].count(".") == 2:
            return self._certified(form["client_assertion"])
        if form["client_assertion"] != FEDERATED:
            text = "AADSTS700024: Client assertion is not within its valid time range."
            return self.answer(401, {"error": "invalid_client", "error_description": text, "error_codes": [700024]})
        return self.answer(200, {"token_type": "Bearer", "expires_in": 3600, "access_token": "good-token"})

    def _certified(self, assertion: str) -> None:
        """Takes an assertion that names this certificate, and that its key has signed."""
        head, claims, signature = (base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in assertion.split("."))
        certificate = x509.load_pem_x509_certificate(self.azure.certificate)
        named = json.loads(head)
        digest = base64.urlsafe_b64encode(certificate.fingerprint(hashes.SHA256())).rstrip(b"=").decode()
        pads = {"RS256": padding.PKCS1v15(), "PS256": padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)}
        try:
            assert named.get("x5t#S256") in (None, digest)
            assert json.loads(claims)["iss"] == "app-1"
            certificate.public_key().verify(signature, assertion.rpartition(".")[0].encode(), pads[named["alg"]], hashes.SHA256())
        except (AssertionError, InvalidSignature):
            return self.answer(401, {"error": "invalid_client", "error_description": "AADSTS700027: The certificate is not registered."})
        return self.answer(200, {"token_type": "Bearer", "expires_in": 3600, "access_token": "good-token"})

    def _resource_manager(self, method: str, path: str, query: dict, body: bytes | None) -> dict:
        azure, low = self.azure, path.lower()
        if low == "/subscriptions":
            self._version("subscriptions", query)
            return self._paged([s for n, s in azure.subscriptions.items() if azure.may(n, "Microsoft.Resources/subscriptions/read")], query)
        if low == "/tenants":
            self._version("tenants", query)
            return self._paged(
                [{"id": f"/tenants/{TENANT}", "tenantId": TENANT, "displayName": "Contoso", "defaultDomain": "contoso.com"}], query
            )
        if low.startswith(GROUPS):
            if "/providers/" not in low[len(GROUPS) :]:
                self._version("microsoft.management/managementgroups", query)
            return self._management_groups(path[len(GROUPS) :].strip("/"), query)
        if low == GRAPH and method == "POST":
            self._version("microsoft.resourcegraph/resources", query)
            return self._graph(json.loads(body or b"{}"))
        found = re.fullmatch(r"/subscriptions/([^/]+)/(.+)", path)
        if method != "GET" or not found:
            raise Refused(404, "InvalidResourceType", f"no {method} {path}")
        if found[1].lower() not in azure.subscriptions:
            raise Refused(404, "SubscriptionNotFound", f"The subscription '{found[1]}' could not be found.")
        return self._in_subscription(found[1].lower(), found[2], query)

    def _management_groups(self, rest: str, query: dict) -> dict:
        groups = self.azure.groups
        if not self.azure.may_see_groups:
            raise Refused(
                403, "AuthorizationFailed", "The client 'app-1' does not have authorization to perform action 'x' over scope 'y'."
            )
        brief = lambda one: {  # noqa: E731
            "id": one["id"], "type": "Microsoft.Management/managementGroups", "name": one["name"],
            "properties": {"tenantId": TENANT, "displayName": one["name"].title()},
        }  # fmt: skip
        if not rest:
            return self._paged([brief(one) for one in groups.values()], query)
        name, _, behind = rest.partition("/")
        if name not in groups:
            raise Refused(403, "AuthorizationFailed", f"The client 'app-1' does not have authorization over scope '{name}'.")
        below = [one for one in groups.values() if one["parent"] == name]
        if behind.lower().startswith("providers/microsoft.authorization/"):
            return self._set_above(name, behind, query)
        if behind == "descendants":
            return self._paged(list(self._descendants(name)), query)
        found = brief(groups[name])
        parent = groups.get(groups[name]["parent"])
        found["properties"]["details"] = {
            "version": next(self.azure.clock), "updatedTime": f"2026-01-01T00:00:00.{next(self.azure.clock):06d}Z", "updatedBy": "somebody",
            "parent": {"id": parent["id"], "name": parent["name"]} if parent else {},
        }  # fmt: skip
        if query.get("$expand") == "children":
            subscriptions = [
                {"id": f"/subscriptions/{number}", "type": "/subscriptions", "name": number} for number in groups[name]["subscriptions"]
            ]
            found["properties"]["children"] = [*map(brief, below), *subscriptions]
        return found

    def _set_above(self, name: str, behind: str, query: dict) -> dict:
        """The assignments on a management group and on those above it, each once."""
        kind = behind.lower().removeprefix("providers/")
        self._version(kind, query)
        assert query.get("$filter") == "atScope()", query
        scopes = set()
        while name:
            scopes.add(self.azure.groups[name]["id"])
            name = self.azure.groups[name]["parent"]
        held = {one["id"]: one for found in self.azure.inherited.values() for one in found}
        wanted = [one for one in held.values() if one["type"].lower() == kind and one["properties"]["scope"] in scopes]
        return self._paged(wanted, query)

    def _descendants(self, name: str) -> Iterator[dict]:
        for number in self.azure.groups[name]["subscriptions"]:
            yield {"id": f"/subscriptions/{number}", "type": "/subscriptions", "name": number, "properties": {"displayName": number}}
        for one in self.azure.groups.values():
            if one["parent"] == name:
                yield {"id": one["id"], "type": "Microsoft.Management/managementGroups", "name": one["name"]}
                yield from self._descendants(one["name"])

    def _in_subscription(self, subscription: str, rest: str, query: dict) -> dict:
        objects, low = self.azure.objects[subscription], rest.lower()
        if low == "resourcegroups":
            self._allowed(subscription, "Microsoft.Resources/subscriptions/resourceGroups/read", "resourcegroups", query)
            group = {"id": f"/subscriptions/{subscription}/resourceGroups/Prod", "name": "Prod", "location": "westeurope"}
            return self._paged(
                [{**group, "type": "Microsoft.Resources/resourceGroups", "properties": {"provisioningState": "Succeeded"}}], query
            )
        if low == "resources":
            self._allowed(subscription, "Microsoft.Resources/subscriptions/resources/read", "resources", query)
            wanted = re.fullmatch(r"resourceType eq '([^']+)'", query.get("$filter", "")) or [None, ""]
            kinds = [
                kind for kind in sorted(objects) if "/" in kind and not kind.startswith(("containers/", "shares/")) and kind not in DIRECT
            ]
            tracked = [one for kind in kinds for one in objects[kind] if wanted[1].lower() in ("", kind)]
            return self._paged([self._brief(one) for one in tracked if "location" in one], query, int(query.get("$top", self.azure.page)))
        beneath = re.fullmatch(
            r"resourcegroups/[^/]+/providers/microsoft\.(\w+)/(\w+)/([^/]+)/(?:(\w+)/default/)?(containers|shares|secrets|keys)", low
        )
        if beneath:
            return self._beneath(subscription, rest, *beneath.groups(), query)
        by_id = re.fullmatch(r"resourcegroups/[^/]+/providers/([^/]+(?:/[^/]+/[^/]+)+)", rest, re.IGNORECASE)
        if by_id:
            namespace, *words = by_id[1].split("/")
            return self._one(subscription, "/".join((namespace, *words[::2])), words[-1], query)
        return self._list(subscription, rest, query)

    def _beneath(
        self, subscription: str, rest: str, namespace: str, above: str, name: str, service: str | None, kind: str, query: dict
    ) -> dict:
        """Containers and shares of a storage account, secrets and keys of a vault."""
        objects, casing = (
            self.azure.objects[subscription],
            {"storageaccounts": "storageAccounts", "blobservices": "blobServices", "fileservices": "fileServices"},
        )
        assert (namespace, service, kind) in {
            ("storage", "blobservices", "containers"), ("storage", "fileservices", "shares"), ("keyvault", None, "secrets"), ("keyvault", None, "keys"),
        }, rest  # fmt: skip
        levels = [casing.get(level, level) for level in (above, service, kind) if level]
        action = "/".join(({"storage": "Microsoft.Storage", "keyvault": "Microsoft.KeyVault"}[namespace], *levels, "read"))
        self._allowed(subscription, action, kind if namespace == "storage" else "microsoft.keyvault/vaults", query)
        if not any(one["name"] == name for one in objects[f"microsoft.{namespace}/{above}"]):
            raise Refused(404, "ResourceNotFound", f"The Resource '{rest}' under resource group 'Prod' was not found.")
        return self._paged(objects[f"{kind}/{name}"], query)

    def _list(self, subscription: str, rest: str, query: dict) -> dict:
        objects, kind = self.azure.objects[subscription], rest.lower().removeprefix("providers/")
        known = kind.removeprefix("microsoft.authorization/")
        if not rest.lower().startswith("providers/") or not versions_of(kind):
            raise Refused(404, "InvalidResourceType", f"The resource type '{rest}' could not be found.")
        self._allowed(subscription, ACTIONS.get(known, f"{rest.removeprefix('providers/')}/read"), kind, query)
        if known == "permissions":
            return self._paged(self.azure.permissions[subscription], query)
        if known == "roleassignments":
            return self._paged([*objects[kind], *self.azure.inherited[subscription]], query)
        if kind == "microsoft.compute/virtualmachines" and query.get("statusOnly") == "true":
            return self._paged([_status_only(machine) for machine in objects[kind]], query)
        return self._paged(objects[kind], query)

    def _one(self, subscription: str, arm_type: str, name: str, query: dict) -> dict:
        kind = arm_type.lower()
        if not versions_of(kind):
            raise Refused(404, "InvalidResourceType", f"The resource type '{arm_type}' could not be found.")
        self._allowed(subscription, f"{arm_type}/read", kind, query)
        found = [one for one in self.azure.objects[subscription][kind] if one["name"].lower() == name.lower()]
        if not found:
            raise Refused(404, "ResourceNotFound", f"The Resource '{arm_type}/{name}' under resource group 'Prod' was not found.")
        return self._moved(found[0])

    def _allowed(self, subscription: str, action: str, kind: str, query: dict) -> None:
        """Refuses a call in an API version that does not exist, or without the permission."""
        self._version(kind, query)
        if not self.azure.may(subscription, action):
            who = "The client 'app-1' with object id 'x' does not have authorization to perform action"
            raise Refused(
                403, "AuthorizationFailed", f"{who} '{action}' over scope '/subscriptions/{subscription}' or the scope is invalid."
            )

    def _version(self, kind: str, query: dict) -> None:
        if "api-version" not in query:
            raise Refused(
                400, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests."
            )
        if query["api-version"] not in versions_of(kind):
            raise Refused(400, "InvalidApiVersionParameter", f"The api-version '{query['api-version']}' is invalid for {kind}.")

    def _graph(self, body: dict) -> dict:
        azure, options = self.azure, body["options"]
        assert set(options) <= {"$top", "$skip", "$skipToken", "resultFormat"}, options
        assert options.get("resultFormat") == "objectArray"
        assert 1 <= options["$top"] <= 1000
        if body["query"].startswith("Resources"):
            azure.queries.append(body)
            azure.before("POST", GRAPH, body)
        else:
            azure.other_queries.append(body)
        rows = self._rows(body)
        if options["$top"] > azure.largest:
            details = [{"code": "ResponsePayloadTooLarge", "message": "Response payload size is too large."}]
            refused = Refused(400, "BadRequest", "Please provide below info when asking for support.")
            refused.body["error"]["details"] = details
            raise refused
        start = int(options.get("$skipToken", options.get("$skip", 0)))
        end = start + options["$top"]
        page = {"totalRecords": len(rows), "count": len(rows[start:end]), "data": rows[start:end], "facets": [], "resultTruncated": "false"}
        if end < len(rows) and azure.truncate:
            page["resultTruncated"] = "true"
            page["totalRecords"] = end
        elif end < len(rows):
            page["$skipToken"] = str(end)
        return page

    def _rows(self, body: dict) -> list[dict]:
        """The rows that the caller may read, with the columns that the query projects; in no order but the one that it asks for."""
        table, *steps = [step.strip() for step in body["query"].split("|")]
        wanted = steps.pop(0) if steps[0].startswith("where type in~ (") else ""
        kinds = {kind.lower() for kind in re.findall(r"'([^']+)'", wanted)}
        assert steps[0].startswith("project ")
        columns = [column.strip() for column in steps[0].removeprefix("project ").split(",")]
        records, given = table == "DnsResources", body["subscriptions"]
        assert table in ("Resources", "DnsResources"), table
        held = {
            kind for number in given if number in self.azure.subscriptions for kind in self.azure.objects[number] if "/" in kind
        } - DIRECT
        held = {
            kind
            for kind in held
            if not kind.startswith(("containers/", "shares/", "secrets/", "keys/")) and bool(RECORDS.fullmatch(kind)) is records
        }
        known = kinds & held if kinds else held
        rows = [
            {**{column: one.get(column) for column in columns}, "type": one["type"].lower()}
            for number in body["subscriptions"]
            if number in self.azure.subscriptions
            for kind in known
            for one in map(self._moved, self.azure.objects[number].get(kind, ()))
            if self.azure.may(number, f"{one['type']}/read") and one["id"] not in self.azure.lagging
        ]
        random.shuffle(rows)
        return sorted(rows, key=lambda row: row["id"]) if steps[1:] == ["order by id asc"] else rows

    def _moved(self, found: dict) -> dict:
        """The object as this answer has it: what moves by itself at Azure has moved."""
        tick = next(self.azure.clock)
        moved, low = copy.deepcopy(found), found.get("type", "").lower()
        when = f"2026-01-01T00:00:00.{tick:06d}Z"
        if low.startswith("microsoft.network/"):
            moved["etag"] = f'W/"{tick}"'
        if low == "microsoft.compute/disks" and "properties" in moved:
            moved["properties"]["LastOwnershipUpdateTime"] = when
        if low == "microsoft.compute/virtualmachines":
            moved["etag"] = f'"{tick}"'
        if low == "microsoft.storage/storageaccounts" and "properties" in moved:
            moved["properties"]["geoReplicationStats"] = {"status": "Live", "lastSyncTime": when}
        if low == "microsoft.storage/storageaccounts/blobservices/containers":
            moved["etag"], moved["properties"] = f'"0x{tick:X}"', {**moved.get("properties", {}), "lastModifiedTime": when}
        return moved

    def _brief(self, found: dict) -> dict:
        times = {"createdTime": "2020-01-01T00:00:00Z", "changedTime": f"2026-01-01T00:00:00.{next(self.azure.clock):06d}Z"}
        return {**{key: found[key] for key in ("id", "name", "type", "location")}, **times}

    def _paged(self, items: list[dict], query: dict, size: int = 0) -> dict:
        """One page. A continuation is one that was given, for the same list."""
        place, start = urllib.parse.urlsplit(self.path).path, 0
        if "$skiptoken" in query:
            given = self.azure.given.get(query["$skiptoken"])
            if given is None or given[0] != place:
                raise Refused(400, "InvalidContinuationToken", "The continuation token is not valid.")
            start = given[1]
        end = start + (size or self.azure.page)
        page: dict = {"value": [item if "changedTime" in item else self._moved(item) for item in items[start:end]]}
        if end < len(items):
            token = f"token-{next(self.azure.clock)}"
            self.azure.given[token] = (place, end)
            again = urllib.parse.urlencode({**query, "$skiptoken": token})
            page["nextLink"] = f"{self.base}{place}?{again}"
        return page


ACTIONS = {
    "permissions": "Microsoft.Authorization/permissions/read",
    "roleassignments": "Microsoft.Authorization/roleAssignments/read",
    "roledefinitions": "Microsoft.Authorization/roleDefinitions/read",
    "policyassignments": "Microsoft.Authorization/policyAssignments/read",
    "locks": "Microsoft.Authorization/locks/read",
}


def _status_only(machine: dict) -> dict:
    statuses = [{"code": "ProvisioningState/succeeded"}, {"code": "PowerState/running", "displayStatus": "VM running"}]
    return {**machine, "properties": {"instanceView": {"statuses": statuses}}}


@pytest.fixture
def azure(authority):
    """A running fake with nothing in it; `azure.operator` is what a provider needs to find it."""
    state = Azure()
    with serving.serving(Handler, authority.server_context(), azure=state) as base:
        state.operator = {"AZURE_RESOURCE_MANAGER_URL": base, "AZURE_AUTHORITY_HOST": base, "AZURE_CA_BUNDLE": str(authority.ca)}
        yield state


class ManagedIdentity(serving.Handler):
    """What a machine in Azure asks for its token: the endpoint of App Service and Container Apps, and that of virtual machines."""

    asked: list[str]

    def do_GET(self) -> None:
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        self.asked.append(url.path)
        known = self.headers.get("X-IDENTITY-HEADER") == HEADER if url.path == "/msi/token" else self.headers.get("Metadata") == "true"
        if not known or "resource" not in query or query.get("client_id") == "unknown":
            return self.answer(400, {"error": "invalid_request", "error_description": "Identity not found"})
        return self.answer(
            200,
            {
                "access_token": "good-token",
                "expires_in": "3600",
                "expires_on": "4102444800",
                "resource": query["resource"],
                "token_type": "Bearer",
            },
        )


@pytest.fixture
def managed_identity():
    """(URL, paths asked for) of a machine's identity."""
    asked: list[str] = []
    with serving.serving(ManagedIdentity, asked=asked) as url:
        yield url, asked
