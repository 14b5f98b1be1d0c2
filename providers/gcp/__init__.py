"""Google Cloud: projects, compute, networks, buckets, service accounts and who may do what, read by what `catalogue` declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.gcp import catalogue
from providers.gcp.config import CREDENTIALS_VARIABLES, OPERATOR_VARIABLES, GcpConfig
from providers.google import key as google_key
from providers.provider import Provider, ResourceType, Source


class Gcp(Provider):
    """Google Cloud, as a discovery job and as a connector."""

    name, title, config = "gcp", "GCP", GcpConfig
    metadata_service = True
    connector = True
    pins_identity = False  # a job reads the projects that its credentials may see
    operator_variables = OPERATOR_VARIABLES

    def open(self, config: GcpConfig, operator: Mapping[str, str]) -> Source:
        """Imports Google's client libraries. Raises `ConfigError` for a key that cannot be used."""
        from providers.gcp.source import GcpSource  # noqa: PLC0415 - the SDK is loaded by a job only

        return GcpSource(config, operator)

    def further_files(self, operator: Mapping[str, str]) -> tuple[str, ...]:
        """The token of workload identity federation."""
        paths = (operator.get(name, "") for name in CREDENTIALS_VARIABLES)
        return tuple(token for path in paths if path and (token := google_key.token_file(path)))

    def connector_config(self, environment: Mapping[str, str]) -> dict[str, Any]:
        """`GCP_PROJECT_ID` (without, every project that is visible) and `GCP_CREDENTIALS_PATH` (without, the worker's own identity)."""
        config: dict[str, Any] = {}
        if project := environment.get("GCP_PROJECT_ID"):
            config["project_ids"] = [one.strip() for one in project.split(",") if one.strip()]
        if path := environment.get("GCP_CREDENTIALS_PATH"):
            config["credentials_path"] = path
        return config

    def resource_types(self) -> tuple[ResourceType, ...]:
        """One for each declaration."""
        return catalogue.resource_types()

    def policy(self) -> dict[str, Any]:
        """The least-privilege custom role for all of them."""
        return catalogue.policy()
