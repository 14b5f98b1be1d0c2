"""A fake Azure Resource Manager over TLS, as no emulator exists: stateful, paged by nextLink and $skipToken, able to fail on demand.

What it holds is checked against the typed models of azure-mgmt-* (see tests/providers/azure/test_azure_source.py), so that it cannot drift from
Azure's own description.
"""

from __future__ import annotations

import collections
import http.server
import json
import re
import threading
import urllib.parse
from collections.abc import Callable

import pytest

SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
OTHER = "22222222-2222-2222-2222-222222222222"
TENANT = "99999999-9999-9999-9999-999999999999"
SECRET = "canary-azure-client-secret"
FEDERATED = "canary-federated-token"
HEADER = "canary-identity-header"
READER = {"actions": ["*/read"], "notActions": []}


class Azure:
    """The state behind the server: subscription -> ARM type -> objects, and the faults to inject."""

    def __init__(self) -> None:
        self.subscriptions: dict[str, dict] = {}
        self.objects: dict[str, dict[str, list[dict]]] = collections.defaultdict(lambda: collections.defaultdict(list))
        self.permissions: dict[str, list[dict]] = {}
        self.page = 3
        self.fault: Callable[[str, str], tuple[int, dict, dict] | None] = lambda method, path: None
        self.requests: list[tuple[str, str]] = []
        self.truncate = False
        self.sign_in_error = ""

    def subscription(self, number: str = SUBSCRIPTION) -> None:
        self.subscriptions[number] = {
            "id": f"/subscriptions/{number}",
            "subscriptionId": number,
            "tenantId": TENANT,
            "displayName": f"Subscription {number[0]}",
            "state": "Enabled",
        }
        self.permissions[number] = [READER]

    def add(self, arm_type: str, name: str, properties: dict | None = None, *, subscription: str = SUBSCRIPTION, **more) -> str:
        group = f"/subscriptions/{subscription}/resourceGroups/Prod"
        object_id = f"{group}/providers/{arm_type}/{name}"
        made = {"id": object_id, "name": name, "type": arm_type, "location": "westeurope", "properties": properties or {}, **more}
        self.objects[subscription][arm_type.lower()].append(made)
        return object_id


class Handler(http.server.BaseHTTPRequestHandler):
    """Routes by path; everything unknown is a 404 as Azure words it."""

    protocol_version = "HTTP/1.1"
    azure: Azure
    base: str

    def log_message(self, *_: object) -> None:
        """Silence."""

    def do_GET(self) -> None:
        self._route("GET", None)

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self._route("POST", self.rfile.read(length))

    def _route(self, method: str, body: bytes | None) -> None:
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        self.azure.requests.append((method, url.path))
        fault = self.azure.fault(method, url.path)
        if fault is not None:
            return self._fault(fault)
        if url.path.endswith("/oauth2/v2.0/token"):
            return self._token(dict(urllib.parse.parse_qsl((body or b"").decode())))
        if url.path.endswith("/openid-configuration"):
            return self._openid(url.path)
        if self.headers.get("Authorization") != "Bearer good-token":
            return self._answer(401, {"error": {"code": "InvalidAuthenticationToken", "message": "The access token is invalid."}})
        if "api-version" not in query:
            return self._answer(400, {"error": {"code": "MissingApiVersionParameter", "message": "api-version is required"}})
        return self._resource_manager(method, url.path, query, body)

    def _fault(self, fault: tuple[int, dict, dict]) -> None:
        status, headers, body = fault
        if status == 0:
            self.close_connection = True
            self.connection.close()
            return
        self._answer(status, body, headers)

    def _token(self, form: dict) -> None:
        if self.azure.sign_in_error:
            text = f"{self.azure.sign_in_error}: refused"
            return self._answer(401, {"error": "invalid_client", "error_description": text, "error_codes": [7000215]})
        if "client_assertion" in form:
            return self._federated(form)
        if form.get("client_secret") != SECRET:
            return self._answer(401, {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."})
        return self._answer(200, {"token_type": "Bearer", "expires_in": 3600, "access_token": "good-token"})

    def _federated(self, form: dict) -> None:
        kind = form.get("client_assertion_type")
        assert kind == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", kind
        if form["client_assertion"] != FEDERATED:
            text = "AADSTS700024: Client assertion is not within its valid time range."
            return self._answer(401, {"error": "invalid_client", "error_description": text, "error_codes": [700024]})
        return self._answer(200, {"token_type": "Bearer", "expires_in": 3600, "access_token": "good-token"})

    def _openid(self, path: str) -> None:
        issuer = f"{self.base}/{path.split('/')[1]}"
        endpoints = {"token_endpoint": f"{issuer}/oauth2/v2.0/token", "authorization_endpoint": f"{issuer}/oauth2/v2.0/authorize"}
        self._answer(200, {"issuer": f"{issuer}/v2.0", **endpoints})

    def _resource_manager(self, method: str, path: str, query: dict, body: bytes | None) -> None:
        azure = self.azure
        if path == "/subscriptions":
            return self._paged(list(azure.subscriptions.values()), query)
        if path == "/providers/Microsoft.ResourceGraph/resources" and method == "POST":
            return self._graph(json.loads(body or b"{}"))
        found = re.fullmatch(r"/subscriptions/([^/]+)/(.+)", path)
        if not found or found[1].lower() not in azure.subscriptions:
            return self._answer(404, {"error": {"code": "SubscriptionNotFound", "message": f"no subscription in {path}"}})
        return self._in_subscription(found[1].lower(), found[2].lower(), query)

    def _in_subscription(self, subscription: str, rest: str, query: dict) -> None:
        objects = self.azure.objects[subscription]
        if rest == "resourcegroups":
            group = {"id": f"/subscriptions/{subscription}/resourceGroups/Prod", "name": "Prod", "location": "westeurope"}
            return self._paged(
                [{**group, "type": "Microsoft.Resources/resourceGroups", "properties": {"provisioningState": "Succeeded"}}], query
            )
        if rest == "providers/microsoft.authorization/permissions":
            return self._paged(self.azure.permissions[subscription], query)
        containers = re.fullmatch(
            r"resourcegroups/[^/]+/providers/microsoft\.storage/storageaccounts/([^/]+)/blobservices/default/containers", rest
        )
        if containers:
            return self._paged(objects[f"containers/{containers[1]}"], query)
        kind = rest.removeprefix("providers/")
        if kind == "microsoft.compute/virtualmachines" and query.get("statusOnly") == "true":
            return self._paged([_status_only(machine) for machine in objects[kind]], query)
        return self._paged(objects[kind], query)

    def _graph(self, body: dict) -> None:
        kinds = re.findall(r"'([^']+)'", body["query"])
        rows = [row for number in body["subscriptions"] for kind in kinds for row in self.azure.objects[number][kind]]
        start = int(body["options"].get("$skipToken", 0))
        end = start + min(body["options"]["$top"], self.azure.page)
        page = {"totalRecords": len(rows), "count": len(rows[start:end]), "data": rows[start:end], "resultTruncated": "false"}
        if end < len(rows) and self.azure.truncate:
            page["resultTruncated"] = "true"
        elif end < len(rows):
            page["$skipToken"] = str(end)
        self._answer(200, page)

    def _paged(self, items: list[dict], query: dict) -> None:
        start = int(query.get("$skiptoken", 0))
        end = start + self.azure.page
        page: dict = {"value": items[start:end]}
        if end < len(items):
            again = urllib.parse.urlencode({**query, "$skiptoken": end})
            page["nextLink"] = f"{self.base}{urllib.parse.urlsplit(self.path).path}?{again}"
        self._answer(200, page)

    def _answer(self, status: int, body: dict, headers: dict | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _status_only(machine: dict) -> dict:
    statuses = [{"code": "ProvisioningState/succeeded"}, {"code": "PowerState/running", "displayStatus": "VM running"}]
    return {**machine, "properties": {"instanceView": {"statuses": statuses}}}


@pytest.fixture
def azure(authority):
    """A running fake with nothing in it; `azure.operator` is what a provider needs to find it."""
    state = Azure()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    base = f"https://localhost:{server.server_port}"
    server.RequestHandlerClass = type("Bound", (Handler,), {"azure": state, "base": base})
    server.socket = authority.server_context().wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    state.operator = {"AZURE_RESOURCE_MANAGER_URL": base, "AZURE_AUTHORITY_HOST": base, "AZURE_CA_BUNDLE": str(authority.ca)}
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


class ManagedIdentity(http.server.BaseHTTPRequestHandler):
    """What a machine in Azure asks for its token: the endpoint of App Service and Container Apps, and that of virtual machines."""

    asked: list[str]

    def log_message(self, *_: object) -> None:
        """Silence."""

    def do_GET(self) -> None:
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        self.asked.append(url.path)
        known = self.headers.get("X-IDENTITY-HEADER") == HEADER if url.path == "/msi/token" else self.headers.get("Metadata") == "true"
        if not known or "resource" not in query or query.get("client_id") == "unknown":
            return self._answer(400, {"error": "invalid_request", "error_description": "Identity not found"})
        return self._answer(
            200,
            {
                "access_token": "good-token",
                "expires_in": "3600",
                "expires_on": "4102444800",
                "resource": query["resource"],
                "token_type": "Bearer",
            },
        )

    def _answer(self, status: int, body: dict) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def managed_identity():
    """(URL, paths asked for) of a machine's identity."""
    asked: list[str] = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (ManagedIdentity,), {"asked": asked}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()
    thread.join()
