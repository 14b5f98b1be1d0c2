"""Microsoft Azure: subscriptions, compute, networks, storage and role assignments."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from providers.azure import catalogue, policy
from providers.azure.config import AzureConfig, AzureOperator
from providers.azure.kinds import SECRET_WORDS
from providers.catalogue.kinds import ResourceKind
from providers.provider import Provider, ResourceType, Source


class Azure(Provider):
    """Reads Azure through Resource Manager and Resource Graph."""

    name = "azure"
    metadata_service = True
    title = "Azure"
    config = AzureConfig
    shared_prefix = True
    operator = AzureOperator
    sdk = ("azure.identity", "azure.mgmt.core", "azure.mgmt.compute", "azure.mgmt.storage")
    memory_mb = 144
    grant_advice = (
        "Add these actions to the role of the principal; or make this role with `az role definition create`, its subscriptions as "
        "AssignableScopes, and assign it. The role Reader has all of them."
    )
    secret_words = SECRET_WORDS

    def open(self, config: AzureConfig, operator: AzureOperator) -> Source:
        """Signs in lazily: the first call to Azure shows whether the credentials are right."""
        from providers.azure.source import AzureSource  # noqa: PLC0415 - the SDK is loaded by a job only

        return AzureSource(config, operator)

    def kinds(self) -> Iterable[ResourceKind]:
        """Returns all kinds of the catalogue."""
        return catalogue.KINDS

    def resource_types(self) -> tuple[ResourceType, ...]:
        """All types of the catalogue."""
        return catalogue.resource_types()

    def policy(self) -> dict[str, Any]:
        """The definition of a role that suffices to read all types, for ``az role definition create``."""
        return policy.role_definition()

    def can_grant(self, permission: str) -> bool:
        """True for the actions of the printed role: what it lacks is not a subscription's to give."""
        return permission in policy.actions()

    def is_withheld(self, message: str) -> bool:
        """True where a deny assignment forbids it."""
        return "deny assignment" in message

    def grant(self, permissions: Sequence[str]) -> str:
        """The definition of a role that has these actions alone."""
        return json.dumps(policy.definition("Elder Worker missing permissions", permissions), indent=2)
