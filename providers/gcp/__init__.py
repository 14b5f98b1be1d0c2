"""Google Cloud: projects, compute, networks, buckets, service accounts and who may do what, read by what `catalogue` declares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from providers import schema
from providers.catalogue.kinds import ResourceKind
from providers.gcp import catalogue
from providers.gcp.config import GcpConfig, GcpConnector, GcpOperator
from providers.gcp.declaration import LIST_ASSETS
from providers.google import key as google_key
from providers.provider import Provider, ResourceType, Source


class Gcp(Provider):
    """Google Cloud, as a discovery job and as a connector."""

    name, title, config = "gcp", "GCP", GcpConfig
    metadata_service = True
    pins_identity = False  # a job reads the projects that its credentials may see
    shared_prefix = True
    connector = GcpConnector
    operator = GcpOperator
    sdk = ("google.auth", "google.cloud.compute_v1", "google.cloud.storage")
    memory_mb = 128
    grant_advice = (
        "Run this, with the id of the project or organization that has the custom role of the service account, to add them to that role; "
        "`roles create` and `--permissions` make a new role in place of `roles update` and `--add-permissions`. It has to be granted then."
    )

    def open(self, config: GcpConfig, operator: GcpOperator) -> Source:
        """Imports Google's client libraries. Raises `ConfigError` for a key that cannot be used."""
        from providers.gcp.source import GcpSource  # noqa: PLC0415 - the SDK is loaded by a job only

        return GcpSource(config, operator)

    def further_files(self, operator: GcpOperator) -> tuple[str, ...]:
        """The token of workload identity federation."""
        paths = (operator.credentials_file, operator.application_credentials)
        return tuple(token for path in paths if path and (token := google_key.token_file(path)))

    def kinds(self) -> Iterable[ResourceKind]:
        """Returns all kinds of the catalogue."""
        return catalogue.ALL

    def resource_types(self) -> tuple[ResourceType, ...]:
        """One for each declaration."""
        return catalogue.resource_types()

    def policy(self) -> dict[str, Any]:
        """The least-privilege custom role for all of them, of an organization."""
        return catalogue.policy()

    def policy_for(self, config: Mapping[str, Any], _operator: GcpOperator) -> dict[str, Any]:
        """The role for what a job with this config reads. One that names neither organization nor folders takes a role of a project."""
        read = schema.parse(GcpConfig, config)
        return catalogue.policy(has_hierarchy=bool(read.organization_id or read.folder_ids), has_assets=read.reads_assets)

    def can_grant(self, permission: str) -> bool:
        """True for the permission of Cloud Asset Inventory as well."""
        return permission == LIST_ASSETS or super().can_grant(permission)

    def grant(self, permissions: Sequence[str]) -> str:
        """The command that adds them to the custom role of the setup page: of the organization for what no project can give."""
        place = "--organization=ORGANIZATION_ID" if any(map(catalogue.is_above_projects, permissions)) else "--project=PROJECT_ID"
        return f"gcloud iam roles update {catalogue.ROLE_ID} {place} \\\n  --add-permissions={','.join(permissions)}"
