"""Authentik: users, groups with their parents, roles and who has them, applications."""

from __future__ import annotations

from collections.abc import Iterable

from providers.authentik.catalogue import KINDS, RESOURCE_TYPES
from providers.authentik.config import AuthentikConfig
from providers.catalogue.kinds import ResourceKind
from providers.provider import Provider, ResourceType, Source
from providers.variables import NoSettings


class Authentik(Provider):
    """Reads one Authentik installation."""

    name = "authentik"
    title = "Authentik"
    config = AuthentikConfig
    discovery = False
    connector = AuthentikConfig
    memory_mb = 64
    grant_advice = "Give a role of the token's user these permissions on all objects."

    def open(self, config: AuthentikConfig, operator: NoSettings) -> Source:  # noqa: ARG002 - it has none
        """Makes no call yet: the source connects when it is read."""
        from providers.authentik.source import AuthentikSource  # noqa: PLC0415 - the HTTP client is loaded by a job only

        return AuthentikSource(config)

    def kinds(self) -> Iterable[ResourceKind]:
        """Returns all kinds of the catalogue."""
        return KINDS

    def resource_types(self) -> tuple[ResourceType, ...]:
        """All types of the catalogue."""
        return RESOURCE_TYPES
