"""A fake Azure Resource Manager over TLS, as no emulator exists: stateful, as strict as Azure, able to fail on demand.

- It knows the paths and API versions of Azure, and refuses every other.
- It enforces permissions by their names, as Azure RBAC does; Resource Graph leaves out silently what the caller may not read.
- It pages only as it is asked: a continuation that it did not give is refused; Resource Graph sorts only when the query says so.
- Fields that move by themselves at Azure (etags, times of the last change) move with every answer.

What it holds is checked against the typed models of azure-mgmt-* (see tests/providers/azure/test_azure_source.py), so that it cannot drift
from Azure's own description.
"""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Iterator

import pytest
from peers import serving
from peers.arm_account import DIRECT, GRAPH, GROUPS, TENANT, Azure, Refused, versions_of
from peers.arm_graph import Graph
from peers.arm_sign_in import ManagedIdentity, SignIn


class Handler(SignIn, Graph):
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
            ids = [one["id"] for found in objects.values() for one in found if "/providers/" in one["id"]]
            names = {"Prod", *(arm_id.split("/")[4] for arm_id in ids if arm_id.split("/")[3:4] == ["resourceGroups"])}
            groups = [
                {
                    "id": f"/subscriptions/{subscription}/resourceGroups/{name}", "name": name, "location": "westeurope",
                    "type": "Microsoft.Resources/resourceGroups", "properties": {"provisioningState": "Succeeded"},
                }
                for name in sorted(names)
            ]  # fmt: skip
            return self._paged(self.azure.shown(subscription, groups), query)
        if low == "resources":
            self._allowed(subscription, "Microsoft.Resources/subscriptions/resources/read", "resources", query)
            wanted = re.fullmatch(r"resourceType eq '([^']+)'", query.get("$filter", "")) or [None, ""]
            kinds = [
                kind for kind in sorted(objects) if "/" in kind and not kind.startswith(("containers/", "shares/")) and kind not in DIRECT
            ]
            tracked = [one for kind in kinds for one in objects[kind] if wanted[1].lower() in ("", kind)]
            briefs = [self._brief(one) for one in tracked if "location" in one]
            spelt = [{**one, "id": one["id"].upper()} for one in briefs] if self.azure.respelt else briefs
            return self._paged(self.azure.shown(subscription, spelt), query, int(query.get("$top", self.azure.page)))
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
            return self._paged([] if subscription in self.azure.limited else self.azure.permissions[subscription], query)
        if known == "roleassignments":
            return self._paged(self.azure.shown(subscription, [*objects[kind], *self.azure.inherited[subscription]]), query)
        if kind == "microsoft.compute/virtualmachines" and query.get("statusOnly") == "true":
            return self._paged([_status_only(machine) for machine in self.azure.shown(subscription, objects[kind])], query)
        return self._paged(self.azure.shown(subscription, objects[kind]), query)

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


@pytest.fixture
def managed_identity():
    """(URL, paths asked for) of a machine's identity."""
    asked: list[str] = []
    with serving.serving(ManagedIdentity, asked=asked) as url:
        yield url, asked
