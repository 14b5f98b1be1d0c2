"""A fake Microsoft Graph over TLS: stateful, as strict as Graph, able to fail on demand.

- It knows Graph's paths, refuses every other, and every query option but ``$select`` and ``$top``.
- A ``$select`` of a property that Microsoft does not describe is refused; what is not selected is not answered.
- It enforces application permissions by their names, any of those that Microsoft documents for a path.
- It pages only as it is asked: a continuation that it did not give is refused.
- Everything that it answers is held against Microsoft's own types (`peers.graph_types`).
"""

from __future__ import annotations

import itertools
import re
import threading
import urllib.parse
from collections.abc import Callable

import pytest
from peers import graph_types, serving

TENANT = "99999999-9999-9999-9999-999999999999"
SECRET = "canary-entra-client-secret"

DIRECTORY = {"Directory.Read.All", "Directory.ReadWrite.All"}
GROUPS = {"Group.Read.All", "GroupMember.Read.All", "Group.ReadWrite.All", *DIRECTORY}
PATHS: dict[str, tuple[str, set[str], int]] = {
    "/organization": ("Organization", {"Organization.Read.All", "Organization.ReadWrite.All", *DIRECTORY}, 0),
    "/users": ("User", {"User.Read.All", "User.ReadWrite.All", *DIRECTORY}, 999),
    "/groups": ("Group", GROUPS, 999),
    "/groups/{id}": ("Group", GROUPS, 0),
    "/groups/{id}/members": ("DirectoryObject", GROUPS, 999),
    "/groups/{id}/owners": ("DirectoryObject", GROUPS, 999),
    "/applications": ("Application", {"Application.Read.All", *DIRECTORY}, 999),
    "/applications(appId='{id}')": ("Application", {"Application.Read.All", *DIRECTORY}, 0),
    "/servicePrincipals": ("ServicePrincipal", {"Application.Read.All", *DIRECTORY}, 999),
    "/devices": ("Device", {"Device.Read.All", *DIRECTORY}, 999),
    "/directory/administrativeUnits": ("AdministrativeUnit", {"AdministrativeUnit.Read.All", *DIRECTORY}, 999),
    "/roleManagement/directory/roleDefinitions": ("UnifiedRoleDefinition", {"RoleManagement.Read.Directory", *DIRECTORY}, 0),
    "/roleManagement/directory/roleAssignments": ("UnifiedRoleAssignment", {"RoleManagement.Read.Directory", *DIRECTORY}, 0),
}
"""Path -> what is listed there, the application permissions that read it, the largest ``$top``; by Microsoft's reference."""

PERMISSIONS = frozenset({one for _, allowed, _ in PATHS.values() for one in allowed} | {"Member.Read.Hidden"})
LEAST = {
    "Organization.Read.All",
    "User.Read.All",
    "Group.Read.All",
    "Application.Read.All",
    "Device.Read.All",
    "RoleManagement.Read.Directory",
}


class Graph:
    """The state behind the server: path -> objects; members and owners by group."""

    def __init__(self) -> None:
        self.objects: dict[str, list[dict]] = {path: [] for path in PATHS if "{" not in path}
        self.members: dict[str, list[str]] = {}
        self.owners: dict[str, list[str]] = {}
        self.permissions = {*LEAST, "Member.Read.Hidden"}
        self.page = 3
        self.fault: Callable[[str], tuple[int, dict, dict] | None] = lambda path: None
        self.requests: list[str] = []
        self.sign_in_error = ""
        self.sign_in_page: tuple[int, bytes] | None = None
        """Status and page of a proxy that answers in place of the sign-in."""
        self.sign_ins = 0
        self.given: dict[str, tuple[str, int]] = {}
        self.numbers = itertools.count(1)
        self.lock = threading.Lock()
        domains = [{"name": "contoso.com", "isDefault": True, "isInitial": False, "capabilities": "Email", "type": "Managed"}]
        self.add("/organization", id=TENANT, displayName="Contoso", verifiedDomains=domains, tenantType="AAD")

    def add(self, path: str, **fields) -> str:
        """An object, checked as Microsoft describes it; its id."""
        made = {"id": f"{next(self.numbers):08x}-aaaa-4aaa-8aaa-AAAAAAAAAAAA", **fields}
        assert not (wrong := graph_types.faults(PATHS[path][0], made)), wrong
        self.objects[path].append(made)
        return made["id"]

    def group(self, name: str, *members: str, owners: tuple[str, ...] = (), **fields) -> str:
        """A group with members."""
        identifier = self.add("/groups", displayName=name, securityEnabled=True, **fields)
        self.members[identifier], self.owners[identifier] = list(members), list(owners)
        return identifier


class Handler(serving.Handler):
    """Routes by path; everything unknown is refused as Graph words it."""

    graph: Graph

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        form = dict(urllib.parse.parse_qsl(body.decode()))
        assert self.path.endswith("/oauth2/v2.0/token"), self.path
        assert form["scope"] == "https://graph.microsoft.com/.default", form["scope"]
        self.graph.sign_ins += 1
        if self.graph.sign_in_page:
            return self.answer(*self.graph.sign_in_page, {"Content-Type": "text/html"})
        if self.graph.sign_in_error or form.get("client_secret") != SECRET:
            text = f"{self.graph.sign_in_error or 'AADSTS7000215'}: refused. Trace ID: 0"
            return self.answer(401, {"error": "invalid_client", "error_description": text})
        return self.answer(200, {"token_type": "Bearer", "expires_in": 3600, "access_token": "good-token"})

    def do_GET(self) -> None:
        url = urllib.parse.urlsplit(self.path)
        path, query = urllib.parse.unquote(url.path), dict(urllib.parse.parse_qsl(url.query))
        if path.endswith("/openid-configuration"):
            issuer = f"{self.base}/{path.split('/')[1]}"
            return self.answer(
                200, {"issuer": f"{issuer}/v2.0", "token_endpoint": f"{issuer}/oauth2/v2.0/token", "authorization_endpoint": issuer}
            )
        with self.graph.lock:
            self.graph.requests.append(path)
            fault = self.graph.fault(path)
            if fault is None and self.headers.get("Authorization") != "Bearer good-token":
                fault = _refused(401, "InvalidAuthenticationToken", "Access token is empty.")
            status, headers, body = fault or self._graph(path, query)
        if status == 0:
            self.close_connection = True
            return self.connection.close()
        return self.answer(status, body, headers)

    def _graph(self, path: str, query: dict) -> tuple[int, dict, dict]:
        graph, place = self.graph, path.removeprefix("/v1.0")
        found = re.fullmatch(r"/groups/([^/]+)(/members|/owners)?", place)
        app = re.fullmatch(r"/applications\(appId='([^']+)'\)", place)
        template = f"/groups/{{id}}{found[2] or ''}" if found else "/applications(appId='{id}')" if app else place
        if not path.startswith("/v1.0/") or template not in PATHS:
            return _refused(400, "BadRequest", f"Resource not found for the segment '{place}'.")
        schema, allowed, largest = PATHS[template]
        if not allowed & graph.permissions:
            return _refused(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
        if wrong := set(query) - {"$select", "$top", "$skiptoken"}:
            return _refused(400, "Request_UnsupportedQuery", f"Unsupported Query: {wrong}.")
        if "$top" in query and not 1 <= int(query["$top"]) <= largest:
            return _refused(400, "Request_UnsupportedQuery", f"Invalid page size specified: '{query['$top']}'.")
        selected = query.get("$select", "id").split(",")
        if unknown := set(selected) - set(graph_types.properties(schema)):
            return _refused(400, "BadRequest", f"Could not find a property named '{unknown}' on type 'microsoft.graph.{schema}'.")
        if app:
            return self._one(graph.objects["/applications"], "appId", app[1], selected)
        if not found:
            return self._page(place, graph.objects[place], selected, query, schema)
        group = next((one for one in graph.objects["/groups"] if one["id"] == found[1]), None)
        if group is None:
            return _refused(404, "Request_ResourceNotFound", f"Resource '{found[1]}' does not exist.")
        if not found[2]:
            return 200, {}, {key: group.get(key) for key in selected}
        ids = (graph.members if found[2] == "/members" else graph.owners).get(found[1], [])
        hidden = group.get("visibility") == "HiddenMembership" and "Member.Read.Hidden" not in graph.permissions
        below = [{"@odata.type": "#microsoft.graph.user", "id": one} for one in ids if not (hidden and found[2] == "/members")]
        return self._page(place, below, ["@odata.type", *selected], query, schema)

    def _one(self, objects: list[dict], key: str, value: str, selected: list[str]) -> tuple[int, dict, dict]:
        one = next((one for one in objects if one[key] == value), None)
        if one is None:
            return _refused(404, "Request_ResourceNotFound", f"Resource '{value}' does not exist.")
        return 200, {}, {name: one.get(name) for name in selected}

    def _page(self, place: str, objects: list[dict], selected: list[str], query: dict, schema: str) -> tuple[int, dict, dict]:
        start = 0
        if "$skiptoken" in query:
            given = self.graph.given.get(query["$skiptoken"])
            if given is None or given[0] != place:
                return _refused(
                    400, "Directory_ExpiredPageToken", "The specified page token value has expired and can no longer be included."
                )
            start = given[1]
        end = start + min(self.graph.page, int(query.get("$top", self.graph.page)))
        items = [{key: one.get(key) for key in selected} for one in objects[start:end]]
        assert not (wrong := [fault for one in items for fault in graph_types.faults(schema, one)]), wrong
        body: dict = {"@odata.context": f"{self.base}/v1.0/$metadata#x", "value": items}
        if end < len(objects):
            token = f"token{next(self.graph.numbers)}"
            self.graph.given[token] = (place, end)
            body["@odata.nextLink"] = f"{self.base}/v1.0{place}?{urllib.parse.urlencode({**query, '$skiptoken': token})}"
        return 200, {}, body


def _refused(status: int, code: str, message: str) -> tuple[int, dict, dict]:
    return status, {}, {"error": {"code": code, "message": message, "innerError": {"request-id": "x"}}}


@pytest.fixture
def graph(authority):
    """A running fake of an empty tenant; `graph.operator` is what a provider needs to find it."""
    state = Graph()
    with serving.serving(Handler, authority.server_context(), graph=state) as base:
        state.operator = {"ENTRA_GRAPH_URL": base, "ENTRA_AUTHORITY_HOST": base, "ENTRA_CA_BUNDLE": str(authority.ca)}
        yield state
