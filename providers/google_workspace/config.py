"""The config of the Google Workspace connector; ``admin_email`` is the environment variable ``GOOGLE_WORKSPACE_ADMIN_EMAIL``."""

from __future__ import annotations

from typing import Annotated

import msgspec

from providers.google import key as google_key
from providers.schema import SourceConfig
from providers.variables import setting


class GoogleWorkspaceConnector(msgspec.Struct, frozen=True):
    """The variables of the Google Workspace connector."""

    credentials_path: Annotated[str, setting("File with the key of a service account that has domain-wide delegation.", file=True)]
    admin_email: Annotated[str, setting("Administrator to act as; one who may read users, groups, units and roles.")]
    customer_id: Annotated[str, setting("Customer to read; `my_customer` is the administrator's own.")] = "my_customer"


class GoogleWorkspaceConfig(SourceConfig, frozen=True):
    """The customer to read, and the service account with domain-wide delegation that reads it as an administrator."""

    admin_email: Annotated[
        str,
        msgspec.Meta(
            description=(
                "Address of the administrator as whom it reads: a super administrator, or one with a role that may read "
                "users, groups, units and roles."
            )
        ),
    ]
    credentials: Annotated[
        google_key.Key | None,
        msgspec.Meta(description="Key of the service account, as the JSON object that Google gives out. Else give `credentials_path`."),
    ] = None
    credentials_path: Annotated[
        str | None,
        msgspec.Meta(description="A file with the service account's key, under DISCOVERY_ALLOWED_PATHS. Else give `credentials`."),
    ] = None
    customer_id: Annotated[
        str,
        msgspec.Meta(description="Id of the customer to read; `my_customer` is the administrator's own."),
    ] = "my_customer"

    def __post_init__(self) -> None:
        """Cross-field rules; a complaint is a `ValueError`, or the key's own `ConfigError`."""
        if bool(self.credentials) == bool(self.credentials_path):
            raise ValueError("one of `credentials` and `credentials_path` is needed, and not both")
        if "@" not in self.admin_email:
            raise ValueError("`admin_email` is not an e-mail address")
        if self.credentials:
            google_key.check_job(self.credentials)
