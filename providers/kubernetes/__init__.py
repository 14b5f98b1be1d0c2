"""Kubernetes: whatever the API server says it has, custom resources included."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from providers import schema
from providers.catalogue.kinds import ResourceKind
from providers.catalogue.masking import Masking
from providers.kubernetes import annotation, catalogue, kubeconfig, policy
from providers.kubernetes.config import KubernetesConfig, KubernetesOperator
from providers.provider import Provider, ResourceType, Source

_LISTS_A_TYPE = re.compile(r"list [a-z0-9]+(?:\.[a-z0-9-]+)*")


class Kubernetes(Provider):
    """Reads every type of one cluster."""

    name = "kubernetes"
    title = "Kubernetes"
    config = KubernetesConfig
    files = (kubeconfig.SERVICE_ACCOUNT,)
    shared_prefix = True
    operator = KubernetesOperator
    sdk = ("kubernetes", "yaml")
    memory_mb = 112
    grant_advice = "Add these rules to those of the ClusterRole (or Role) of the worker's account: `kubectl edit clusterrole elder-worker`."

    def open(self, config: KubernetesConfig, operator: KubernetesOperator) -> Source:
        """Opens the cluster. Raises `ConfigError` when it is not clear which one, or the kubeconfig wants more than it may."""
        from providers.kubernetes.source import Cluster  # noqa: PLC0415 - a job alone needs it

        return Cluster(config, operator)

    def further_files(self, operator: KubernetesOperator) -> tuple[str, ...]:
        """Certificates, keys and tokens that the operator's kubeconfig names."""
        return tuple(kubeconfig.named_files(operator.kubeconfig)) if operator.kubeconfig else ()

    def named_files(self, path: str) -> tuple[str, ...]:
        """Certificates, keys and tokens that a job's kubeconfig file names."""
        return tuple(kubeconfig.named_files(path))

    def kinds(self) -> Iterable[ResourceKind]:
        """Returns all kinds of the catalogue."""
        return catalogue.KINDS

    def without_secrets(self, sub_type: str, attributes: dict[str, Any], masking: Masking) -> dict[str, Any]:
        """Masks secrets; removes annotations that are documents or belong to a type of which only metadata is kept."""
        metadata = attributes.get("metadata")
        if isinstance(metadata, dict) and metadata.get("annotations"):
            hidden = sub_type in catalogue.METADATA_ONLY_KINDS
            metadata["annotations"] = (annotation.names if hidden else annotation.kept)(metadata["annotations"])
        return super().without_secrets(sub_type, attributes, masking)

    def resource_types(self) -> tuple[ResourceType, ...]:
        """The known kinds, and a star for all others."""
        return catalogue.resource_types()

    def policy(self) -> dict[str, Any]:
        """A ClusterRole that suffices for every cluster, custom resources included."""
        return policy.policy(KubernetesConfig())

    def policy_for(self, config: Mapping[str, Any], operator: KubernetesOperator) -> dict[str, Any]:
        """The least that a job with this config needs: with access to the cluster type by type, without for every type it may have."""
        parsed = schema.parse(KubernetesConfig, config)
        if not (parsed.kubeconfig_path or parsed.kubeconfig or parsed.server or operator.kubeconfig):
            return policy.policy(parsed)
        from providers.kubernetes.source import Cluster  # noqa: PLC0415 - a job alone needs it

        cluster = Cluster(parsed, operator)
        try:
            return policy.policy(parsed, cluster.planned_types()[0])
        finally:
            cluster.close()

    def can_grant(self, permission: str) -> bool:
        """True for the right to list one type, custom resources included."""
        return bool(_LISTS_A_TYPE.fullmatch(permission))

    def is_withheld(self, message: str) -> bool:
        """True for a request without a user: whatever is granted to nobody is granted to everybody."""
        return policy.ANONYMOUS in message

    def grant(self, permissions: Sequence[str]) -> str:
        """The rules of a ClusterRole or a Role."""
        types = (permission.removeprefix("list ").partition(".") for permission in permissions)
        return json.dumps({"rules": policy.rules((group, plural) for plural, _, group in types)}, indent=2)
