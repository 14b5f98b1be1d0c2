"""Settings of every provider that signs in to Microsoft Entra."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Protocol

import msgspec

from providers.schema import Secret
from providers.variables import setting

Cloud = Literal["AzureCloud", "AzureUSGovernment", "AzureChinaCloud"]

_TENANT = re.compile(r"[0-9A-Za-z]([0-9A-Za-z.-]*[0-9A-Za-z])?")


class ServicePrincipal(Protocol):
    """A config with the credentials of an app registration, or with none."""

    @property
    def tenant_id(self) -> str | None: ...
    @property
    def client_id(self) -> str | None: ...
    @property
    def client_secret(self) -> str | None: ...


class ManagedIdentity(msgspec.Struct, frozen=True):
    """The endpoints of a machine's own identity: Azure sets these variables, and azure-identity reads them from its environment."""

    identity_endpoint: Annotated[str, setting("Set by Azure for managed identity.", variable="IDENTITY_ENDPOINT")] = ""
    identity_header: Annotated[Secret, setting("Set by Azure for managed identity.", variable="IDENTITY_HEADER")] = ""
    identity_server_thumbprint: Annotated[str, setting("Set by Azure for managed identity.", variable="IDENTITY_SERVER_THUMBPRINT")] = ""
    imds_endpoint: Annotated[str, setting("Set by Azure Arc for managed identity.", variable="IMDS_ENDPOINT")] = ""
    msi_endpoint: Annotated[str, setting("Set by Azure for managed identity.", variable="MSI_ENDPOINT")] = ""
    msi_secret: Annotated[Secret, setting("Set by Azure for managed identity.", variable="MSI_SECRET")] = ""
    pod_identity_authority_host: Annotated[str, setting("Set for pod identity.", variable="AZURE_POD_IDENTITY_AUTHORITY_HOST")] = ""


class SignInOperator(ManagedIdentity, frozen=True):
    """The operator's settings for signing in: as whom, and where."""

    credentials_file: Annotated[
        str, setting("JSON file with a service principal (tenant, client, secret), for jobs that bring none of their own.", file=True)
    ] = ""
    authority_host: Annotated[str, setting("Another sign-in endpoint: of a private cloud, or a simulator's. Without: the cloud's.")] = ""
    ca_bundle: Annotated[
        str, setting("File with the CA certificates for the endpoints, where a proxy has its own. Without: the system's.", file=True)
    ] = ""
    tenant_id: Annotated[
        str, setting("Tenant of the worker's own identity; Kubernetes sets it for a workload identity.", variable="AZURE_TENANT_ID")
    ] = ""
    client_id: Annotated[
        str, setting("Client of the worker's own identity, or of a user-assigned managed identity.", variable="AZURE_CLIENT_ID")
    ] = ""
    client_secret: Annotated[
        Secret, setting("Secret of the worker's own app registration, for jobs that bring none.", variable="AZURE_CLIENT_SECRET")
    ] = ""
    client_certificate_path: Annotated[
        str,
        setting(
            "PEM or PKCS12 file with certificate and key of the worker's own app registration.",
            variable="AZURE_CLIENT_CERTIFICATE_PATH",
            file=True,
        ),
    ] = ""
    client_certificate_password: Annotated[
        Secret, setting("Password of that file, where it has one.", variable="AZURE_CLIENT_CERTIFICATE_PASSWORD")
    ] = ""
    federated_token_file: Annotated[
        str, setting("Token of the workload identity; Kubernetes sets it.", variable="AZURE_FEDERATED_TOKEN_FILE", file=True)
    ] = ""


def blank_faults(tenant_id: str, client_id: str, client_secret: str) -> list[str]:
    """Returns what is wrong with the parts of a service principal, as far as their characters show; an empty part is none."""
    faults = []
    if tenant_id and not _TENANT.fullmatch(tenant_id):
        faults.append("`tenant_id` must be a GUID or a domain of the tenant, without blanks")
    if re.search(r"\s", client_id):
        faults.append("`client_id` must not contain blanks")
    if client_secret != client_secret.strip():
        faults.append("`client_secret` must not begin or end with blanks")
    return faults
