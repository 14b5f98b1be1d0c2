"""Azure Resource Manager, by path and by typed clients: both on one HTTP client, with one token."""

from __future__ import annotations

import importlib
import json
import threading
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from azure.core import AzureClouds
from azure.core.pipeline import policies
from azure.mgmt.core.tools import get_arm_endpoints

from providers.azure import catalogue, failure, lean
from providers.azure.config import AzureConfig, AzureOperator
from providers.errors import BadAnswer
from providers.http.client import SUCCESS, Http
from providers.http.credential import Credential
from providers.http.response import HttpResponse
from providers.microsoft.partial import ensure_whole
from providers.microsoft.signin import AUTHORITIES, SignIn, trust
from providers.microsoft.transport import Transport, quota_of
from providers.pages import Page, guarded, items

_CLOUDS = {
    "AzureCloud": AzureClouds.AZURE_PUBLIC_CLOUD,
    "AzureUSGovernment": AzureClouds.AZURE_US_GOVERNMENT,
    "AzureChinaCloud": AzureClouds.AZURE_CHINA_CLOUD,
}
CLIENTS = {
    "compute": ("azure.mgmt.compute", "ComputeManagementClient"),
    "storage": ("azure.mgmt.storage", "StorageManagementClient"),
}
"""The typed clients by the first word of a kind's operation: module and class. A module is loaded when it is first used."""

Options = tuple[tuple[str, str], ...]


class Connection:
    """The endpoints of Azure and the credential, from the job's config and the operator's settings."""

    def __init__(self, config: AzureConfig, operator: AzureOperator) -> None:
        authority = AUTHORITIES[operator.cloud]
        endpoints = get_arm_endpoints(_CLOUDS[operator.cloud])
        self.base_url = (operator.resource_manager_url or endpoints["resource_manager"]).rstrip("/")
        self.scopes: list[str] = endpoints["credential_scopes"]
        self._sign_in = SignIn(config, operator, operator.authority_host or authority, "AZURE_")
        self.who, self.expires_at = self._sign_in.who, self._sign_in.expires_at
        bearer = self._sign_in.bearer(self.scopes)
        self._http = Http(
            self.base_url,
            "Azure",
            headers=bearer.headers,
            renew=bearer.renew,
            explain=failure.explain,
            confirm=_url(catalogue.SUBSCRIPTION.path, catalogue.SUBSCRIPTION.version, {}),
            advice="check AZURE_RESOURCE_MANAGER_URL" if operator.resource_manager_url else "is it reachable from here?",
            trust=trust("AZURE_"),
            ca_file=operator.ca_bundle,
        )
        self._transport = Transport(self._http)
        self._typed: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()

    @property
    def credential(self) -> Credential:
        """The verdict over the principal with which everything is read."""
        return self._http.credential

    def close(self) -> None:
        """Closes all open connections."""
        self._http.close()
        self._sign_in.close()

    def get(self, path: str, version: str, **query: str) -> dict[str, Any]:
        """The object at a path. Raises `ProviderError`."""
        return self._http.get(_url(path, version, query), what=f"GET {_short(path)}", quota=quota_of(path)).object()

    def list(self, path: str, version: str, *, permission: str = "", **query: str) -> Iterator[dict[str, Any]]:
        """Every item of a list, following `nextLink` to the end. Raises `ProviderError`."""
        what = f"list {_short(path)}"
        return items(self._http.pages(_url(path, version, query), _page, what=what, permission=permission, quota=quota_of(path)))

    def post(self, path: str, version: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to one POST; only for calls that change nothing. Raises `ProviderError`."""
        answer = self._http.send(
            "POST",
            _url(path, version, {}),
            body=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            what=f"query {_short(path)}",
            quota=quota_of(path),
            accept=SUCCESS,
        )
        return answer.object()

    def typed(self, operation: str, subscription: str, arguments: tuple[str, ...] = (), options: Options = ()) -> Iterator[dict[str, Any]]:
        """Every item that an operation of a typed client lists, as JSON. `operation` is ``client.operations.method``."""
        name, group, method = operation.split(".")
        pager = getattr(getattr(self._client(name, subscription), group), method)(*arguments, **dict(options))
        return items(guarded(_typed_pages(pager), f"list {operation}"))

    def _client(self, name: str, subscription: str) -> Any:
        """The typed client of a subscription, made once. It sends what our transport sends, and changes nothing in Azure."""
        with self._lock:
            if (name, subscription) not in self._typed:
                self._typed[name, subscription] = _client_type(name)(
                    self._sign_in.credential,
                    subscription,
                    base_url=self.base_url,
                    credential_scopes=self.scopes,
                    transport=self._transport,
                    policies=[policies.RequestIdPolicy(), policies.ContentDecodePolicy()],
                )
            return self._typed[name, subscription]


def load_clients() -> None:
    """Loads the modules of all typed clients."""
    for name in CLIENTS:
        _client_type(name)


def _client_type(name: str) -> Any:
    """The class of a typed client, with the operations of the catalogue alone."""
    module, kind = CLIENTS[name]
    lean.load(module, catalogue.operations(name))
    return getattr(importlib.import_module(module), kind)


def _typed_pages(pager: Any) -> Iterator[Page]:
    pages = pager.by_page()
    for page in pages:
        answered = pages._response.context.get(policies.ContentDecodePolicy.CONTEXT_NAME)  # noqa: SLF001 - a page does not tell it
        _values(answered, str(getattr(pages._response.http_request, "url", "")).partition("?")[0])  # noqa: SLF001
        yield Page([item.as_dict() for item in page], pages.continuation_token)


def _page(answer: HttpResponse) -> Page:
    body = answer.object()
    return Page(_values(body, answer.url), body.get("nextLink") or None)


def _values(body: Any, where: str) -> list[Any]:
    """The items of an answer. Raises `BadAnswer` for an answer that is not a list: none of Azure's is without `value`, however short."""
    found = body.get("value") if isinstance(body, dict) else None
    ensure_whole(body, f"Azure answered '{where}'")
    if not isinstance(found, list):
        raise BadAnswer(f"Azure answered '{where}' with something that is not a list: is a proxy in between?")
    if not all(isinstance(one, dict) for one in found):
        raise BadAnswer(f"Azure answered '{where}' with items that are not objects: it is not known what is missing")
    if not isinstance(body.get("nextLink"), str | None):
        raise BadAnswer(f"Azure answered '{where}' with a link to the next page that is not a text")
    return found


def _url(path: str, version: str, query: Mapping[str, str]) -> str:
    return f"{quote(path, safe='/')}?{urlencode({'api-version': version, **query})}"


def _short(path: str) -> str:
    """The end of a path, which names the type: ``Microsoft.Authorization/roleAssignments``."""
    return path.rpartition("/providers/")[2] if "/providers/" in path else path.rpartition("/")[2]
