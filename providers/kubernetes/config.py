"""The config of a Kubernetes discovery job."""

from __future__ import annotations

from typing import Annotated

import msgspec

from providers.schema import Secret, SecretObject
from providers.variables import setting


class KubernetesOperator(msgspec.Struct, frozen=True):
    """The operator's settings: the cluster of jobs that name none."""

    kubeconfig: Annotated[
        str, setting("kubeconfig file, for jobs that name no cluster of their own.", variable="KUBECONFIG", file=True)
    ] = ""
    service_host: Annotated[str, setting("Address of the API server; Kubernetes sets it in every pod.")] = ""
    service_port: Annotated[str, setting("Port of the API server; Kubernetes sets it in every pod.")] = "443"


class KubernetesConfig(msgspec.Struct, frozen=True):
    """Which cluster, as whom, and how much of it."""

    kubeconfig_path: str | None = None
    """A kubeconfig file, or the folder of a service account as Kubernetes mounts it (token, ca.crt)."""
    kubeconfig: SecretObject | None = None
    """The same, inline, as a JSON object."""
    context: str | None = None
    """Of the kubeconfig; its current one otherwise."""
    server: str | None = None
    token: Secret | None = None
    ca_certificate: str | None = None
    """PEM of the CA that signed the server's certificate; with `server` and `token`."""
    cluster_name: str | None = None
    """What people call it; the cluster's identity is the uid of its kube-system namespace."""
    namespaces: tuple[str, ...] = ()
    """Only these; empty: all, and what has no namespace."""
    exclude_types: tuple[str, ...] = ("events", "leases", "endpoints", "endpointslices")
    """Plural names of types that are not read."""
    page_size: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 500
    batch_size: Annotated[int, msgspec.Meta(ge=1, le=5000)] | None = None

    def __post_init__(self) -> None:
        """Cross-field rules; a complaint is a `ValueError`."""
        ways = [name for name in ("kubeconfig_path", "kubeconfig", "server") if getattr(self, name)]
        if len(ways) > 1:
            raise ValueError(f"`{ways[0]}` and `{ways[1]}` exclude each other")
        if self.server and not self.token:
            raise ValueError("`server` needs `token`")
        if self.server and not self.server.startswith("https://"):
            raise ValueError("`server` must begin with https://")
        if not 1 <= self.page_size <= 5000:
            raise ValueError("`page_size` must be from 1 to 5000")
