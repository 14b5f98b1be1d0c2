"""Kubernetes: whatever the API server says it has, custom resources included."""

from __future__ import annotations

from providers.kubernetes import catalogue
from providers.kubernetes.config import KubernetesConfig, KubernetesOperator
from providers.provider import Provider, ResourceType, Source


class Kubernetes(Provider):
    """Reads every type of one cluster."""

    name = "kubernetes"
    title = "Kubernetes"
    config = KubernetesConfig
    files = ("/var/run/secrets/kubernetes.io/serviceaccount",)
    shared_prefix = True
    operator = KubernetesOperator
    sdk = ("yaml",)
    memory_mb = 112

    def open(self, config: KubernetesConfig, operator: KubernetesOperator) -> Source:
        """Raises `ConfigError` when it is not clear which cluster, or the kubeconfig wants more than it may."""
        from providers.kubernetes.source import Cluster  # noqa: PLC0415 - the SDK is loaded by a job only

        return Cluster(config, operator)

    def resource_types(self) -> tuple[ResourceType, ...]:
        """The known kinds, and a star for all others."""
        return catalogue.resource_types()
