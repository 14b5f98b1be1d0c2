"""Authentik: users, groups with their parents, roles and who has them, applications."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.authentik.catalogue import RESOURCE_TYPES
from providers.authentik.config import AuthentikConfig
from providers.provider import Provider, ResourceType, Source


class Authentik(Provider):
    """Reads one Authentik installation."""

    name = "authentik"
    title = "Authentik"
    config = AuthentikConfig
    discovery = False
    connector = True

    def open(self, config: AuthentikConfig, operator: Mapping[str, str]) -> Source:  # noqa: ARG002 - it has no operator variables
        """Connects lazily."""
        from providers.authentik.source import AuthentikSource  # noqa: PLC0415 - the HTTP client is loaded by a job only

        return AuthentikSource(config)

    def connector_config(self, environment: Mapping[str, str]) -> dict[str, Any]:
        """From the AUTHENTIK_* variables."""
        names = {"domain": "AUTHENTIK_DOMAIN", "api_token": "AUTHENTIK_API_TOKEN"}
        config: dict[str, Any] = {key: environment[name] for key, name in names.items() if environment.get(name)}
        if environment.get("AUTHENTIK_VERIFY_SSL"):
            config["verify_ssl"] = environment["AUTHENTIK_VERIFY_SSL"].strip().lower() in ("true", "1", "yes", "on")
        return config

    def resource_types(self) -> tuple[ResourceType, ...]:
        """All types of the catalogue."""
        return RESOURCE_TYPES
