"""Google Workspace: org units, users, groups, memberships, admin roles and domains of one customer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.google_workspace import catalogue
from providers.google_workspace.config import OPERATOR_VARIABLES, GoogleWorkspaceConfig
from providers.provider import Provider, ResourceType, Source

_FROM_ENVIRONMENT = {
    "credentials_path": "GOOGLE_WORKSPACE_CREDENTIALS_PATH",
    "admin_email": "GOOGLE_WORKSPACE_ADMIN_EMAIL",
    "customer_id": "GOOGLE_WORKSPACE_CUSTOMER_ID",
}


class GoogleWorkspace(Provider):
    """Reads the directory of one customer, as an administrator of it."""

    name, title, config = "google_workspace", "Google Workspace", GoogleWorkspaceConfig
    metadata_service = True
    operator_variables = OPERATOR_VARIABLES
    discovery = False
    connector = True

    def open(self, config: GoogleWorkspaceConfig, operator: Mapping[str, str]) -> Source:
        """Signs in lazily."""
        from providers.google_workspace.source import Directory  # noqa: PLC0415 - google-auth is loaded by a job only

        return Directory(config, operator)

    def connector_config(self, environment: Mapping[str, str]) -> dict[str, Any]:
        """From the GOOGLE_WORKSPACE_* variables."""
        return {key: environment[name] for key, name in _FROM_ENVIRONMENT.items() if environment.get(name)}

    def resource_types(self) -> tuple[ResourceType, ...]:
        """All of the catalogue; the permissions are OAuth scopes."""
        return tuple(ResourceType(kind.sub_type, kind.entity_type, kind.calls, (kind.scope,)) for kind in catalogue.KINDS)
