"""Okta: users, groups, memberships, applications and who is assigned to them, admin roles and who has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.okta.catalogue import RESOURCE_TYPES
from providers.okta.config import OktaConfig
from providers.provider import Provider, ResourceType, Source


class Okta(Provider):
    """Reads one Okta organization."""

    name = "okta"
    title = "Okta"
    config = OktaConfig
    discovery = False
    connector = True

    def open(self, config: OktaConfig, operator: Mapping[str, str]) -> Source:  # noqa: ARG002 - it has no operator variables
        """Connects lazily."""
        from providers.okta.source import OktaSource  # noqa: PLC0415 - the HTTP client is loaded by a job only

        return OktaSource(config)

    def connector_config(self, environment: Mapping[str, str]) -> dict[str, Any]:
        """From the OKTA_* variables."""
        names = {"domain": "OKTA_DOMAIN", "api_token": "OKTA_API_TOKEN"}
        return {key: environment[name] for key, name in names.items() if environment.get(name)}

    def resource_types(self) -> tuple[ResourceType, ...]:
        """All types of the catalogue."""
        return RESOURCE_TYPES
