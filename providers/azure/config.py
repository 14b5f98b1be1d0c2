"""The config of an Azure discovery job."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec

from providers.schema import Secret

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

MANAGED_IDENTITY = (
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "IDENTITY_SERVER_THUMBPRINT",
    "IMDS_ENDPOINT",
    "MSI_ENDPOINT",
    "MSI_SECRET",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
)
"""Where a machine's own identity is to be had; Azure sets them."""

OPERATOR_VARIABLES = (
    "AZURE_CREDENTIALS_FILE",
    "AZURE_CLOUD",
    "AZURE_AUTHORITY_HOST",
    "AZURE_RESOURCE_MANAGER_URL",
    "AZURE_CA_BUNDLE",
    "AZURE_TENANT_ID",
    "AZURE_CLIENT_ID",
    "AZURE_FEDERATED_TOKEN_FILE",
    *MANAGED_IDENTITY,
)


class AzureConfig(msgspec.Struct, frozen=True):
    """Who to be and what to read. With no credentials of its own, a job uses the worker's (file, workload or managed identity)."""

    subscription_ids: tuple[str, ...] = ()
    """Empty: every subscription that the credentials see."""
    tenant_id: str | None = None
    client_id: str | None = None
    client_secret: Secret | None = None
    page_size: int = 1000
    """Rows asked of Azure Resource Graph at once, 1 to 1000."""
    batch_size: Annotated[int, msgspec.Meta(ge=1, le=5000)] | None = None
    """Resources handed on at once."""

    def __post_init__(self) -> None:
        """Cross-field rules; a complaint is a `ValueError`."""
        given = [name for name in ("tenant_id", "client_id", "client_secret") if getattr(self, name)]
        if given and len(given) < 3:
            raise ValueError(f"`tenant_id`, `client_id` and `client_secret` go together; only {', '.join(given)} given")
        wrong = [text for text in self.subscription_ids if not _GUID.fullmatch(text)]
        if wrong:
            raise ValueError(f"`subscription_ids`: '{wrong[0]}' is not a subscription id (a GUID)")
        if not 1 <= self.page_size <= 1000:
            raise ValueError("`page_size` must be from 1 to 1000, which is the most that Resource Graph gives")
