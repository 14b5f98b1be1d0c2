"""Okta: users, groups, memberships, applications and who is assigned to them, admin roles and who has them."""

from __future__ import annotations

from collections.abc import Iterable

from providers.catalogue.kinds import ResourceKind
from providers.okta.catalogue import KINDS, RESOURCE_TYPES, SCOPES
from providers.okta.config import OktaConfig
from providers.provider import Provider, ResourceType, Source
from providers.variables import NoSettings


class Okta(Provider):
    """Reads one Okta organization."""

    name = "okta"
    title = "Okta"
    config = OktaConfig
    discovery = False
    connector = OktaConfig
    memory_mb = 64
    grant_advice = "Grant these scopes to the service app in its tab Okta API Scopes; of an API token, its user's admin role decides."

    def open(self, config: OktaConfig, operator: NoSettings) -> Source:  # noqa: ARG002 - it has none
        """Makes no call yet: the source connects when it is read."""
        from providers.okta.source import OktaSource  # noqa: PLC0415 - the HTTP client is loaded by a job only

        return OktaSource(config)

    def kinds(self) -> Iterable[ResourceKind]:
        """Returns all kinds of the catalogue."""
        return KINDS

    def resource_types(self) -> tuple[ResourceType, ...]:
        """All types of the catalogue."""
        return RESOURCE_TYPES

    def policy(self) -> dict[str, object]:
        """The OAuth 2.0 scopes and the admin role that a service app needs; admin roles are shown to a greater role alone."""
        return {"scopes": SCOPES, "admin_role": "READ_ONLY_ADMIN", "admin_role_for_okta.roles.read": "SUPER_ADMIN"}
