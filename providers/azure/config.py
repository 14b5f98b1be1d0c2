"""The config of an Azure discovery job."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec

from providers.microsoft.operator import Cloud, SignInOperator, blank_faults
from providers.schema import Secret, SourceConfig, given_for
from providers.variables import setting

_GROUP = re.compile(r"[\w.()-]{1,90}")
_OPTIONAL = {"azure_key_vault_secret", "azure_key_vault_key"}
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class AzureOperator(SignInOperator, frozen=True):
    """The operator's settings: as whom, in which cloud, and where it is."""

    cloud: Annotated[Cloud, setting("The cloud that subscriptions are in.")] = "AzureCloud"
    resource_manager_url: Annotated[str, setting("Another endpoint of Resource Manager, as a private link. Without: the cloud's.")] = ""


class AzureConfig(SourceConfig, frozen=True):
    """The credentials and what to read. A job without credentials of its own uses the worker's (file, workload or managed identity)."""

    subscription_ids: Annotated[
        tuple[str, ...],
        msgspec.Meta(
            description=(
                "The subscriptions to read. With neither these nor `management_group_ids`: every subscription that the credentials see."
            )
        ),
    ] = ()
    management_group_ids: Annotated[
        tuple[str, ...],
        msgspec.Meta(description="Read the subscriptions in these management groups, and in all groups below them."),
    ] = ()
    exclude_subscriptions: Annotated[
        tuple[str, ...],
        msgspec.Meta(
            description=("Ids or names to leave out, with the wildcards `*` and `?`. What `subscription_ids` names is read all the same.")
        ),
    ] = ()
    optional_types: Annotated[
        tuple[str, ...],
        msgspec.Meta(
            description=(
                "Resource types to read besides the usual ones: `azure_key_vault_secret`, `azure_key_vault_key`. Each "
                "takes a call for every vault."
            )
        ),
    ] = ()
    tenant_id: Annotated[
        str | None,
        msgspec.Meta(
            description=(
                "Directory (tenant) id of the app registration; with `client_id` and `client_secret`. Without these, the "
                "worker's own identity is used."
            )
        ),
    ] = None
    client_id: Annotated[
        str | None,
        msgspec.Meta(description="Application (client) id of the app registration."),
    ] = None
    client_secret: Annotated[
        Annotated[Secret, given_for("tenant_id", "client_id")] | None,
        msgspec.Meta(description="Value of a client secret of the app registration, not its id."),
    ] = None
    page_size: Annotated[
        int,
        msgspec.Meta(description="Rows asked of Azure Resource Graph at once, 1 to 1000."),
    ] = 1000
    batch_size: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=5000)] | None,
        msgspec.Meta(description="Resources handed on at once."),
    ] = None

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
