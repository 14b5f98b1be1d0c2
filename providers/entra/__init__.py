"""Microsoft Entra ID: users, groups, memberships, service principals, applications, devices, directory roles and who has them."""

from __future__ import annotations

from collections.abc import Iterable

from providers.catalogue.kinds import ResourceKind
from providers.entra import catalogue
from providers.entra.config import EntraConfig, EntraConnector, EntraOperator
from providers.provider import Provider, ResourceType, Source


class Entra(Provider):
    """Reads one tenant through Microsoft Graph."""

    name, title, config = "entra", "Microsoft Entra ID", EntraConfig
    metadata_service = True
    operator = EntraOperator
    connector = EntraConnector
    sdk = ("azure.identity",)
    memory_mb = 96
    grant_advice = "Add these application permissions of Microsoft Graph under API permissions of the app, and grant admin consent."

    def open(self, config: EntraConfig, operator: EntraOperator) -> Source:
        """Signs in lazily: the first call shows whether the credentials are right."""
        from providers.entra.source import EntraSource  # noqa: PLC0415 - the SDK is loaded by a job only

        return EntraSource(config, operator)

    def kinds(self) -> Iterable[ResourceKind]:
        """Returns all kinds of the catalogue."""
        return catalogue.KINDS

    def resource_types(self) -> tuple[ResourceType, ...]:
        """All of the catalogue; the permissions are application permissions of Microsoft Graph."""
        return tuple(ResourceType(kind.sub_type, kind.entity_type, kind.calls, (kind.permission,)) for kind in catalogue.KINDS)
