"""Amazon Web Services: accounts and organizations of accounts, every region, read by what `catalogue` declares."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from providers import schema
from providers.aws import catalogue
from providers.aws.config import AwsConfig, AwsConnector, AwsOperator
from providers.catalogue.kinds import ResourceKind
from providers.provider import Provider, ResourceType, Source


class Aws(Provider):
    """AWS, as a discovery job and as a connector."""

    name, title, config = "aws", "AWS", AwsConfig
    metadata_service = True
    shared_prefix = True
    connector = AwsConnector
    operator = AwsOperator
    sdk = ("botocore",)
    memory_mb = 144
    grant_advice = "Attach this as an inline policy to the user or role that reads, or add its statement to one of its policies."

    def open(self, config: AwsConfig, operator: AwsOperator) -> Source:
        """Imports botocore, and makes no call yet."""
        from providers.aws.source import AwsSource  # noqa: PLC0415 - costs 40 MB: only a job process may pay

        return AwsSource(config, operator)

    def kinds(self) -> Iterable[ResourceKind]:
        """Returns all kinds of the catalogue."""
        return catalogue.KINDS

    def resource_types(self) -> tuple[ResourceType, ...]:
        """One for each declaration."""
        return catalogue.resource_types()

    def policy(self) -> dict[str, Any]:
        """The least-privilege IAM policy for all but the optional types."""
        return catalogue.policy()

    def policy_for(self, config: Mapping[str, Any], _operator: AwsOperator) -> dict[str, Any]:
        """The policy for what a job with this config reads: the optional types that it names as well."""
        return catalogue.policy(schema.parse(AwsConfig, config).reads)

    def can_grant(self, permission: str) -> bool:
        """True for the permissions of the run as well."""
        return permission in catalogue.PERMISSIONS_OF_THE_RUN or super().can_grant(permission)

    def is_withheld(self, message: str) -> bool:
        """True for a denial by a policy: of the organization, of a session, a boundary, an endpoint or a resource."""
        return catalogue.IS_MISSING not in message

    def grant(self, permissions: Sequence[str]) -> str:
        """An IAM policy of one statement."""
        return json.dumps(catalogue.policy_of({"ElderMissing": permissions}), indent=2)
