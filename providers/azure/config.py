"""The config of an Azure discovery job."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec

from providers.schema import Secret, SourceConfig, given_for
from providers.variables import setting

_TENANT = re.compile(r"[0-9A-Za-z]([0-9A-Za-z.-]*[0-9A-Za-z])?")
_GROUP = re.compile(r"[\w.()-]{1,90}")
_OPTIONAL = {"azure_key_vault_secret", "azure_key_vault_key"}
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class ManagedIdentity(msgspec.Struct, frozen=True):
    """The endpoints of a machine's own identity: Azure sets these variables, and azure-identity reads them from its environment."""

    identity_endpoint: Annotated[str, setting("Set by Azure for managed identity.", variable="IDENTITY_ENDPOINT")] = ""
    identity_header: Annotated[Secret, setting("Set by Azure for managed identity.", variable="IDENTITY_HEADER")] = ""
    identity_server_thumbprint: Annotated[str, setting("Set by Azure for managed identity.", variable="IDENTITY_SERVER_THUMBPRINT")] = ""
    imds_endpoint: Annotated[str, setting("Set by Azure Arc for managed identity.", variable="IMDS_ENDPOINT")] = ""
    msi_endpoint: Annotated[str, setting("Set by Azure for managed identity.", variable="MSI_ENDPOINT")] = ""
    msi_secret: Annotated[Secret, setting("Set by Azure for managed identity.", variable="MSI_SECRET")] = ""
    pod_identity_authority_host: Annotated[str, setting("Set for pod identity.", variable="AZURE_POD_IDENTITY_AUTHORITY_HOST")] = ""


class AzureOperator(ManagedIdentity, frozen=True):
    """The operator's settings: as whom, in which cloud, and where it is."""

    credentials_file: Annotated[
        str, setting("JSON file with a service principal (tenant, client, secret), for jobs that bring none of their own.", file=True)
    ] = ""
    cloud: Annotated[Literal["AzureCloud", "AzureUSGovernment", "AzureChinaCloud"], setting("The cloud that subscriptions are in.")] = (
        "AzureCloud"
    )
    authority_host: Annotated[str, setting("Another sign-in endpoint: of a private cloud, or a simulator's. Without: the cloud's.")] = ""
    resource_manager_url: Annotated[str, setting("Another endpoint of Resource Manager, as a private link. Without: the cloud's.")] = ""
    ca_bundle: Annotated[
        str, setting("File with the CA certificates for Azure's endpoints, where a proxy has its own. Without: the system's.", file=True)
    ] = ""
    tenant_id: Annotated[str, setting("Tenant of the workload identity; Kubernetes sets it.")] = ""
    client_id: Annotated[str, setting("Client of the workload identity, or of a user-assigned managed identity.")] = ""
    federated_token_file: Annotated[str, setting("Token of the workload identity; Kubernetes sets it.", file=True)] = ""


class AzureConfig(SourceConfig, frozen=True):
    """The credentials and what to read. A job without credentials of its own uses the worker's (file, workload or managed identity)."""

    subscription_ids: tuple[str, ...] = ()
    """The subscriptions to read. With neither these nor `management_group_ids`: every subscription that the credentials see."""
    management_group_ids: tuple[str, ...] = ()
    """Read the subscriptions in these management groups, and in all groups below them."""
    exclude_subscriptions: tuple[str, ...] = ()
    """Ids or names to leave out, with the wildcards `*` and `?`. What `subscription_ids` names is read all the same."""
    optional_types: tuple[str, ...] = ()
    """Resource types to read besides the usual ones: `azure_key_vault_secret`, `azure_key_vault_key`. Each takes a call for every vault."""
    tenant_id: str | None = None
    client_id: str | None = None
    client_secret: Annotated[Secret, given_for("tenant_id", "client_id")] | None = None
    page_size: int = 1000
    """Rows asked of Azure Resource Graph at once, 1 to 1000."""
    batch_size: Annotated[int, msgspec.Meta(ge=1, le=5000)] | None = None
    """Resources handed on at once."""
    ignore_fields: tuple[str, ...] = ()
    """Further fields that are not stored, as they change without meaning: paths such as ``properties.diskState``."""

    def __post_init__(self) -> None:
        """Cross-field rules; a complaint is a `ValueError`."""
        given = [name for name in ("tenant_id", "client_id", "client_secret") if getattr(self, name)]
        if given and len(given) < 3:
            raise ValueError(f"`tenant_id`, `client_id` and `client_secret` go together; only {', '.join(given)} given")
        if faults := blank_faults(self.tenant_id or "", self.client_id or "", self.client_secret or ""):
            raise ValueError("; ".join(faults))
        wrong = [text for text in self.subscription_ids if not _GUID.fullmatch(text)]
        if wrong:
            raise ValueError(f"`subscription_ids`: '{wrong[0]}' is not a subscription id (a GUID)")
        odd = [text for text in self.management_group_ids if not _GROUP.fullmatch(text)]
        if odd:
            raise ValueError(f"`management_group_ids`: '{odd[0]}' is not the id of a management group (letters, digits, `-_.()`)")
        unknown = sorted({*self.optional_types} - _OPTIONAL)
        if unknown:
            raise ValueError(f"`optional_types`: `{unknown[0]}` is not one of {', '.join(sorted(_OPTIONAL))}")
        if not 1 <= self.page_size <= 1000:
            raise ValueError("`page_size` must be from 1 to 1000, which is the most that Resource Graph gives")


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
