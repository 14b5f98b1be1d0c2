"""Google Workspace: org units, users, groups, memberships, admin roles and domains of one customer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from providers.catalogue.kinds import ResourceKind
from providers.google.operator import GoogleOperator
from providers.google_workspace import catalogue
from providers.google_workspace.config import GoogleWorkspaceConfig, GoogleWorkspaceConnector
from providers.provider import Provider, ResourceType, Source


class GoogleWorkspace(Provider):
    """Reads the directory of one customer, as an administrator of it."""

    name, title, config = "google_workspace", "Google Workspace", GoogleWorkspaceConfig
    metadata_service = True
    operator = GoogleOperator
    discovery = False
    connector = GoogleWorkspaceConnector
    sdk = ("google.auth",)
    memory_mb = 64
    grant_advice = (
        "Add these OAuth scopes to those of the service account under Security > API controls > Domain-wide delegation. If they are there, "
        "the administrator as whom the worker reads lacks the privilege."
    )

    def open(self, config: GoogleWorkspaceConfig, operator: GoogleOperator) -> Source:
        """Makes no call yet: the source signs in when it is read."""
        from providers.google_workspace.source import Directory  # noqa: PLC0415 - google-auth is loaded by a job only

        return Directory(config, operator)

    def kinds(self) -> Iterable[ResourceKind]:
        """Returns all kinds of the catalogue."""
        return catalogue.KINDS

    def resource_types(self) -> tuple[ResourceType, ...]:
        """All of the catalogue; the permissions are OAuth scopes."""
        return tuple(ResourceType(kind.sub_type, kind.entity_type, kind.calls, (kind.scope,)) for kind in catalogue.KINDS)

    def grant(self, permissions: Sequence[str]) -> str:
        """The scopes as the admin console takes them."""
        return ",\n".join(permissions)
