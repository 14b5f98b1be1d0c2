"""Clients for Azure: one credential, one set of network settings, for Resource Manager and the typed SDK clients alike."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import requests
from azure.core import AzureClouds
from azure.core.credentials import TokenCredential
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline import policies
from azure.core.pipeline.transport import RequestsTransport
from azure.core.rest import HttpRequest
from azure.identity import AzureAuthorityHosts, ClientSecretCredential, ManagedIdentityCredential, WorkloadIdentityCredential
from azure.mgmt.core import ARMPipelineClient
from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy
from azure.mgmt.core.tools import get_arm_endpoints
from requests.adapters import HTTPAdapter

from providers import secrecy
from providers.azure.config import AzureConfig, AzureOperator, ManagedIdentity
from providers.errors import BadAnswer, ConfigError
from providers.http.tls import tls
from providers.variables import environment

TIMEOUTS = {"connection_timeout": 10, "read_timeout": 60}  # seconds; the job's own clock ends everything else
RETRIES = {"retry_total": 5, "retry_backoff_max": 60}  # Retry-After is honoured by the SDK's policy
PAGE_BUDGET = 100_000
"""Pages of one list: more is a loop, not a list."""

_CLOUDS = {
    "AzureCloud": (AzureClouds.AZURE_PUBLIC_CLOUD, AzureAuthorityHosts.AZURE_PUBLIC_CLOUD),
    "AzureUSGovernment": (AzureClouds.AZURE_US_GOVERNMENT, AzureAuthorityHosts.AZURE_GOVERNMENT),
    "AzureChinaCloud": (AzureClouds.AZURE_CHINA_CLOUD, AzureAuthorityHosts.AZURE_CHINA),
}


class Connection:
    """Where Azure is and who we are there, from the job's config and the operator's settings."""

    def __init__(self, config: AzureConfig, operator: AzureOperator) -> None:
        cloud, authority = _CLOUDS[operator.cloud]
        endpoints = get_arm_endpoints(cloud)
        self.base_url = (operator.resource_manager_url or endpoints["resource_manager"]).rstrip("/")
        self.scopes: list[str] = endpoints["credential_scopes"]
        self.network: dict[str, Any] = {**TIMEOUTS, **RETRIES}
        if operator.ca_bundle:
            self.network["transport"] = _trusting(operator.ca_bundle)
        self.credential, self.who = _credential(config, operator, operator.authority_host or authority, self.network)

    def typed(self, client: Callable[..., Any], subscription: str) -> Any:
        """An azure-mgmt client for one subscription."""
        return client(self.credential, subscription, base_url=self.base_url, credential_scopes=self.scopes, **self.network)

    def arm(self) -> Arm:
        """The client for what has no typed one."""
        return Arm(self)


class Arm:
    """Azure Resource Manager, by path."""

    def __init__(self, connection: Connection) -> None:
        self._base = connection.base_url
        self._client = ARMPipelineClient(
            base_url=connection.base_url,
            policies=[
                policies.RequestIdPolicy(),
                policies.UserAgentPolicy("elder-worker"),
                policies.RetryPolicy(**RETRIES),
                ARMChallengeAuthenticationPolicy(connection.credential, *connection.scopes),
            ],
            **connection.network,
        )

    def get(self, path: str, version: str) -> Iterator[dict[str, Any]]:
        """Every item of a list, following `nextLink` to the end."""
        url, seen = f"{self._base}{path}?api-version={version}", set[str]()
        while url:
            if url in seen or len(seen) >= PAGE_BUDGET:
                raise BadAnswer(f"the pages of {path} lead in a circle")
            seen.add(url)
            page = self._send(HttpRequest("GET", url))
            yield from page.get("value") or ()
            url = page.get("nextLink") or ""

    def post(self, path: str, version: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to one POST; only for calls that change nothing."""
        return self._send(HttpRequest("POST", f"{self._base}{path}?api-version={version}", json=body))

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _send(self, request: HttpRequest) -> dict[str, Any]:
        response = self._client.send_request(request)
        if response.status_code != 200:
            raise HttpResponseError(response=response)
        answer = response.json()
        if not isinstance(answer, dict):
            raise BadAnswer(f"{request.url.partition('?')[0]} answered with a {type(answer).__name__}, not an object")
        return answer


class _Adapter(HTTPAdapter):
    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, ssl_context=self._context, **options)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        return super().proxy_manager_for(proxy, ssl_context=self._context, **options)


def _trusting(ca_file: str) -> RequestsTransport:
    """For the operator's own authority."""
    session = requests.Session()
    session.mount("https://", _Adapter(tls(ca_file)))
    return RequestsTransport(session=session, session_owner=False, connection_verify=ca_file, **TIMEOUTS)


def _credential(config: AzureConfig, operator: AzureOperator, authority: str, network: Mapping[str, Any]) -> tuple[TokenCredential, str]:
    """The credential and the name to show for it: the job's own, else the operator's file, workload identity, managed identity."""
    options = {"authority": authority, "disable_instance_discovery": bool(operator.authority_host), **network}
    given = _own(config) or _from_file(operator.credentials_file)
    if given:
        return ClientSecretCredential(*given, **options), given[1]
    client = operator.client_id or None
    if operator.federated_token_file:
        needed = {"AZURE_TENANT_ID": operator.tenant_id, "AZURE_CLIENT_ID": operator.client_id}
        lacking = [name for name, value in needed.items() if not value]
        if lacking:
            raise ConfigError(f"AZURE_FEDERATED_TOKEN_FILE is set, but {' and '.join(lacking)} is not: workload identity needs them all")
        federated = WorkloadIdentityCredential(
            tenant_id=operator.tenant_id,
            client_id=client,
            token_file_path=operator.federated_token_file,
            **options,
        )
        return federated, client or ""
    # azure-identity looks for these in its process's environment, now and at each sign-in; a job has only what it was handed
    os.environ.update(environment(msgspec.convert(operator, ManagedIdentity, from_attributes=True)))
    return ManagedIdentityCredential(client_id=client), client or "managed identity"


def _own(config: AzureConfig) -> tuple[str, str, str] | None:
    if config.tenant_id and config.client_id and config.client_secret:
        return config.tenant_id, config.client_id, config.client_secret
    return None


def _from_file(path: str) -> tuple[str, str, str] | None:
    """A service principal, in our spelling or in that of ``az ad sp create-for-rbac`` (old and new)."""
    if not path:
        return None
    try:
        found = json.loads(Path(path).read_text())
        spellings = (("tenant_id", "tenantId", "tenant"), ("client_id", "clientId", "appId"), ("client_secret", "clientSecret", "password"))
        tenant, client, secret = [next(found[name] for name in names if name in found) for names in spellings]
    except (OSError, ValueError, TypeError, StopIteration) as error:
        reason = "needs tenant_id, client_id and client_secret" if isinstance(error, StopIteration) else type(error).__name__
        raise ConfigError(f"AZURE_CREDENTIALS_FILE ({path}) is no service principal: {reason}") from None
    secrecy.learned(str(secret))
    return str(tenant), str(client), str(secret)
