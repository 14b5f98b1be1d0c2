"""The config of Microsoft Entra ID: ``tenant_id`` is the environment variable ``ENTRA_TENANT_ID``."""

from __future__ import annotations

from typing import Annotated

import msgspec

from providers.microsoft.operator import Cloud, SignInOperator, blank_faults
from providers.schema import Secret, SourceConfig, given_for
from providers.variables import setting


class EntraOperator(SignInOperator, frozen=True):
    """The operator's settings: as whom, in which cloud, and where it is."""

    cloud: Annotated[Cloud, setting("The cloud that the tenant is in.")] = "AzureCloud"
    graph_url: Annotated[str, setting("Another endpoint of Microsoft Graph, as https://dod-graph.microsoft.us. Without: the cloud's.")] = ""


class EntraConnector(msgspec.Struct, frozen=True):
    """The variables of the Entra ID connector."""

    tenant_id: Annotated[str, setting("Tenant to read: its id, or one of its domains. Unset: that of the worker's own identity.")] = ""
    client_id: Annotated[str, setting("Application (client) id of the app registration that reads the tenant.")] = ""
    client_secret: Annotated[Secret, setting("Client secret of the app registration: its value, not its id.")] = ""


class EntraConfig(SourceConfig, frozen=True):
    """The credentials. Without them, the worker's own are used (file, workload or managed identity)."""

    tenant_id: Annotated[
        str,
        msgspec.Meta(
            description=(
                "Directory (tenant) id of the app registration; with `client_id` and `client_secret`. Without these, the "
                "worker's own identity is used."
            )
        ),
    ] = ""
    client_id: Annotated[
        str,
        msgspec.Meta(description="Application (client) id of the app registration."),
    ] = ""
    client_secret: Annotated[
        Annotated[Secret, given_for("tenant_id", "client_id")],
        msgspec.Meta(description="Value of a client secret of the app registration, not its id."),
    ] = ""

    def __post_init__(self) -> None:
        """Cross-field rules; a complaint is a `ValueError`."""
        given = [name for name in ("tenant_id", "client_id", "client_secret") if getattr(self, name)]
        if given and len(given) < 3:
            raise ValueError(f"`tenant_id`, `client_id` and `client_secret` go together; only {', '.join(given)} given")
        if faults := blank_faults(self.tenant_id, self.client_id, self.client_secret):
            raise ValueError("; ".join(faults))
