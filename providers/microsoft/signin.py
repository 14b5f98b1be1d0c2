"""Sign-in to Microsoft Entra: by the job's own service principal, else the operator's file, secret or certificate, workload identity, or
the machine's identity.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from azure.core.credentials import TokenCredential
from azure.identity import (
    AzureAuthorityHosts,
    CertificateCredential,
    ClientSecretCredential,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)

from providers import expiry, secrecy
from providers.errors import ConfigError, ProviderError, TimedOut
from providers.http import bearer
from providers.http.client import Http
from providers.http.response import HttpResponse
from providers.microsoft import failure
from providers.microsoft.operator import ManagedIdentity, ServicePrincipal, SignInOperator, blank_faults
from providers.microsoft.signin_faults import PRODUCTS, sign_in_explained
from providers.microsoft.transport import Transport
from providers.variables import environment

AUTHORITIES = {
    "AzureCloud": AzureAuthorityHosts.AZURE_PUBLIC_CLOUD,
    "AzureUSGovernment": AzureAuthorityHosts.AZURE_GOVERNMENT,
    "AzureChinaCloud": AzureAuthorityHosts.AZURE_CHINA,
}
"""Sign-in hosts of the clouds."""

ADVICE = "is it reachable from here?"

IMDS = "http://169.254.169.254"
"""Address at which a virtual machine gets tokens of its managed identity."""

_CLAIMS = re.compile(r'claims="([^"]+)"')
_READ_BY_SDK = (200, 400, 401, 403)


def trust(prefix: str) -> str:
    """The advice for a certificate that cannot be verified."""
    return f"set {prefix}CA_BUNDLE if a proxy signs its own"


class Bearer(bearer.Bearer):
    """The headers that carry a token of azure-identity, which remembers tokens too: one that was refused is fetched past its memory."""

    def __init__(self, credential: TokenCredential, scopes: list[str], prefix: str, anew: Callable[[], TokenCredential]) -> None:
        """`prefix` is that of the operator's variables: ``AZURE_``; `anew` makes the credential again, without what it remembers."""
        super().__init__(self._signed_in)
        self._credential, self._scopes, self._prefix, self._anew = credential, scopes, prefix, anew
        self._claims, self._has_signed_in, self._forgets = "", False, False

    def renew(self, sent: Mapping[str, Any], answer: HttpResponse) -> None:
        """A token was refused; when Azure says which claims it wants (continuous access evaluation), the next one has them."""
        asked = _CLAIMS.search(answer.headers.get("www-authenticate", ""))
        with self._lock:
            if self._is_sent(sent):
                self._token, self._claims, self._forgets = None, _decoded(asked[1]) if asked else "", True

    def _signed_in(self) -> bearer.Token:
        with self._lock:
            claims, forgets = self._claims, self._forgets
            self._claims, self._forgets = "", False
        try:
            if forgets:
                self._credential = self._anew()
            token = self._credential.get_token(*self._scopes, **({"claims": claims} if claims else {}))
        except ProviderError:
            raise
        except Exception as error:
            ours = failure.of_signin(error, self._prefix, renewed=self._has_signed_in)
            if ours is None:
                raise
            raise ours from error
        self._has_signed_in = True
        return bearer.Token(token.token, token.expires_on)


def _decoded(claims: str) -> str:
    """The claims of a challenge, which are JSON in base64 without its padding."""
    try:
        return base64.b64decode(claims + "=" * (-len(claims) % 4)).decode()
    except ValueError:
        return ""


class SignIn:
    """A credential of azure-identity on our transport, and the name to show for it. `close` ends its connections.

    `prefix` is that of the operator's variables: ``AZURE_``.
    """

    def __init__(self, config: ServicePrincipal, operator: SignInOperator, authority: str, prefix: str) -> None:
        self._operator, self._prefix = operator, prefix
        self._ca_file = operator.ca_bundle
        self.http: Http | None = None
        self._made_of = config, authority
        self.expires_at = ""
        """The end of the certificate that is signed in with; empty for every other credential."""
        self.hint = ""
        """The first three characters of the secret that is signed in with, by which the source names it; else empty."""
        self.credential, self.who = self._credential(*self._made_of)

    def bearer(self, scopes: list[str]) -> Bearer:
        """The headers that carry a token for these scopes."""
        return Bearer(self.credential, scopes, self._prefix, self._anew)

    def close(self) -> None:
        """Closes all open connections."""
        if self.http:
            self.http.close()

    def _anew(self) -> TokenCredential:
        """The same credential, without the tokens that it remembers."""
        self.close()
        self.credential, self.who = self._credential(*self._made_of)
        return self.credential

    def _credential(self, config: ServicePrincipal, authority: str) -> tuple[TokenCredential, str]:
        given = _own(config) or _from_file(self._operator.credentials_file, f"{self._prefix}CREDENTIALS_FILE")
        if given:
            self.hint = given[2][:3]
            return ClientSecretCredential(*given, **self._options(authority)), given[1]
        operator, client = self._operator, self._operator.client_id or None
        if operator.client_secret:
            tenant, app = self._app("AZURE_CLIENT_SECRET", "the worker's app registration")
            self.hint = operator.client_secret[:3]
            return ClientSecretCredential(tenant, app, operator.client_secret, **self._options(authority)), app
        if operator.client_certificate_path:
            return self._certificate(authority), client or ""
        if operator.federated_token_file:
            return self._workload(authority), client or ""
        return self._machine(client), client or "managed identity"

    def _app(self, variable: str, what: str) -> tuple[str, str]:
        """Tenant and client of the worker's own identity, which `variable` needs. Raises `ConfigError`."""
        needed = {"AZURE_TENANT_ID": self._operator.tenant_id, "AZURE_CLIENT_ID": self._operator.client_id}
        lacking = [name for name, value in needed.items() if not value]
        if lacking:
            raise ConfigError(f"{variable} is set, but {' and '.join(lacking)} is not: {what} needs them all")
        if faults := blank_faults(self._operator.tenant_id, self._operator.client_id, ""):
            raise ConfigError(f"AZURE_TENANT_ID and AZURE_CLIENT_ID of {what}: {'; '.join(faults)}")
        return self._operator.tenant_id, self._operator.client_id

    def _workload(self, authority: str) -> TokenCredential:
        tenant, app = self._app("AZURE_FEDERATED_TOKEN_FILE", "workload identity")
        token = self._operator.federated_token_file
        return WorkloadIdentityCredential(tenant_id=tenant, client_id=app, token_file_path=token, **self._options(authority))

    def _certificate(self, authority: str) -> TokenCredential:
        variable, path = "AZURE_CLIENT_CERTIFICATE_PATH", self._operator.client_certificate_path
        tenant, app = self._app(variable, "the worker's app registration")
        password = self._operator.client_certificate_password or None
        try:
            self.expires_at = expiry.of_certificate(Path(path).read_bytes(), password.encode() if password else None)
            return CertificateCredential(tenant, app, path, password=password, **self._options(authority))
        except (OSError, ValueError) as error:
            advice = "it needs a certificate and its private key, and AZURE_CLIENT_CERTIFICATE_PASSWORD where it has a password"
            raise ConfigError(f"{variable} ({path}) cannot be used ({type(error).__name__}): {advice}") from None

    def _machine(self, client: str | None) -> TokenCredential:
        # azure-identity looks for these in its process's environment, now and at each sign-in; a job has only what it was handed
        os.environ.update(environment(msgspec.convert(self._operator, ManagedIdentity, from_attributes=True)))
        own = self._operator
        at = own.identity_endpoint or own.msi_endpoint or own.pod_identity_authority_host or IMDS
        verify = not own.identity_server_thumbprint  # Service Fabric's endpoint signs for itself
        self.http = Http(
            origin_of(at), "the managed identity endpoint", explain=_explain_machine, verify=verify, tries=3, trust=trust(self._prefix)
        )
        return ManagedIdentityCredential(client_id=client, transport=Transport(self.http, _READ_BY_SDK), retry_total=0)

    def _options(self, authority: str) -> dict[str, Any]:
        host = authority if "://" in authority else f"https://{authority}"
        advice = f"is it reachable from here, and is {self._prefix}AUTHORITY_HOST right?" if self._operator.authority_host else ADVICE
        explain, certificates = sign_in_explained(self._prefix), trust(self._prefix)
        name = f"{PRODUCTS[self._prefix][0]}'s sign-in"
        self.http = Http(host, name, explain=explain, ca_file=self._ca_file, trust=certificates, advice=advice)
        return {
            "authority": authority,
            "disable_instance_discovery": True,
            "transport": Transport(self.http),
            "retry_total": 0,
        }


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL."""
    return "/".join(url.split("/", 3)[:3])


def _explain_machine(answer: HttpResponse, _what: str) -> ProviderError | None:
    """The endpoint answers 404 and 410 for as long as it is being updated."""
    if answer.status in (404, 410):
        return TimedOut(f"the managed identity endpoint is being updated ({answer.status})", detail=answer.text())
    return None


def _own(config: ServicePrincipal) -> tuple[str, str, str] | None:
    if config.tenant_id and config.client_id and config.client_secret:
        return config.tenant_id, config.client_id, config.client_secret
    return None


def _from_file(path: str, variable: str) -> tuple[str, str, str] | None:
    """A service principal, in our spelling or in that of ``az ad sp create-for-rbac`` (old and new)."""
    if not path:
        return None
    try:
        found = json.loads(Path(path).read_text())
        spellings = (("tenant_id", "tenantId", "tenant"), ("client_id", "clientId", "appId"), ("client_secret", "clientSecret", "password"))
        tenant, client, secret = [str(next(found[name] for name in names if name in found)) for names in spellings]
    except (OSError, ValueError, TypeError, StopIteration) as error:
        reason = "needs tenant_id, client_id and client_secret" if isinstance(error, StopIteration) else type(error).__name__
        raise ConfigError(f"{variable} ({path}) is not a service principal: {reason}") from None
    secrecy.register_secret(secret)
    if faults := blank_faults(tenant, client, secret):
        raise ConfigError(f"{variable} ({path}): {'; '.join(faults)}")
    return tenant, client, secret
