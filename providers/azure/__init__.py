"""Microsoft Azure: subscriptions, compute, networks, storage and role assignments."""

from __future__ import annotations

from providers.azure.catalogue import RESOURCE_TYPES
from providers.azure.config import AzureConfig, AzureOperator
from providers.provider import Provider, ResourceType, Source


class Azure(Provider):
    """Reads Azure through Resource Manager and Resource Graph."""

    name = "azure"
    metadata_service = True
    title = "Azure"
    config = AzureConfig
    shared_prefix = True
    operator = AzureOperator

    def open(self, config: AzureConfig, operator: AzureOperator) -> Source:
        """Signs in lazily: the first call to Azure shows whether the credentials are right."""
        from providers.azure.source import AzureSource  # noqa: PLC0415 - the SDK is loaded by a job only

        return AzureSource(config, operator)

    def resource_types(self) -> tuple[ResourceType, ...]:
        """All types of the catalogue."""
        return RESOURCE_TYPES
