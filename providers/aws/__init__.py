"""Amazon Web Services: accounts and organizations of accounts, every region, read by what `catalogue` declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.aws import catalogue
from providers.aws.config import AwsConfig
from providers.provider import Provider, ResourceType, Source

_FROM_ENVIRONMENT = {
    "access_key_id": "AWS_ACCESS_KEY_ID",
    "secret_access_key": "AWS_SECRET_ACCESS_KEY",
    "session_token": "AWS_SESSION_TOKEN",
}


class Aws(Provider):
    """AWS, as a discovery job and as a connector."""

    name, title, config = "aws", "AWS", AwsConfig
    metadata_service = True
    connector = True
    operator_variables = (
        "AWS_ENDPOINT_URL",
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "AWS_CA_BUNDLE",
        "AWS_CREDENTIALS_FILE",
        "AWS_ROLE_ARN",
        "AWS_ROLE_SESSION_NAME",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_EC2_METADATA_DISABLED",
    )

    def open(self, config: AwsConfig, operator: Mapping[str, str]) -> Source:
        """Imports botocore."""
        from providers.aws.source import AwsSource  # noqa: PLC0415 - costs 40 MB: only a job process may pay

        return AwsSource(config, operator)

    def connector_config(self, environment: Mapping[str, str]) -> dict[str, Any]:
        """Keys and `AWS_REGIONS`; without keys the worker's own identity, without regions every enabled one."""
        config: dict[str, Any] = {key: environment[name] for key, name in _FROM_ENVIRONMENT.items() if environment.get(name)}
        regions = [region.strip() for region in environment.get("AWS_REGIONS", "").split(",") if region.strip()]
        return config | ({"regions": regions} if regions else {})

    def resource_types(self) -> tuple[ResourceType, ...]:
        """One for each declaration."""
        return catalogue.resource_types()

    def policy(self) -> dict[str, Any]:
        """The least-privilege IAM policy for all of them."""
        return catalogue.policy()
