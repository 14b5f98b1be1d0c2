"""The config of a Kubernetes discovery job."""

from __future__ import annotations

from typing import Annotated

import msgspec

from providers.schema import Secret, SecretObject, SourceConfig, given_for
from providers.variables import setting


class KubernetesOperator(msgspec.Struct, frozen=True):
    """The operator's settings: the cluster of jobs that name none."""

    kubeconfig: Annotated[
        str, setting("kubeconfig file, for jobs that name no cluster of their own.", variable="KUBECONFIG", file=True)
    ] = ""
    service_host: Annotated[str, setting("Address of the API server; Kubernetes sets it in every pod.")] = ""
    service_port: Annotated[str, setting("Port of the API server; Kubernetes sets it in every pod.")] = "443"


LEFT_OUT = ("events", "leases", "endpoints", "endpointslices")
"""Types that are not read unless `include_types` names them: they change all the time, and repeat what other objects say."""


class KubernetesConfig(SourceConfig, frozen=True):
    """Which cluster is read, as whom, and which part of it."""

    kubeconfig_path: str | None = None
    """A kubeconfig file, or the folder of a service account as Kubernetes mounts it (token, ca.crt)."""
    kubeconfig: Annotated[SecretObject, given_for()] | None = None
    """A kubeconfig as a JSON object. It may neither name files or programs, nor a proxy, nor somebody to impersonate."""
    context: str | None = None
    """The context of the kubeconfig; without one, its current context."""
    server: str | None = None
    """URL of the API server; with `token`."""
    token: Annotated[Secret, given_for("server", "ca_certificate")] | None = None
    ca_certificate: str | None = None
    """PEM of the CA that signed the server's certificate; with `server` and `token`."""
    cluster_name: str | None = None
    """Display name of the cluster. Its identity is the uid of its namespace kube-system, whatever the name."""
    namespaces: tuple[str, ...] = ()
    """Namespaces that are read; objects without a namespace are then left out. Empty: everything."""
    exclude_types: tuple[str, ...] = ()
    """Types that are not read, as `plural` or `plural.group`, beside those that are left out by default."""
    include_types: tuple[str, ...] = ()
    """Types that are left out by default and are to be read (events, leases, endpoints, endpointslices)."""
    page_size: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 500
    """Objects that are asked for at once. A page of more than 4 MB is asked for again at half the size."""
    batch_size: Annotated[int, msgspec.Meta(ge=1, le=5000)] | None = None

    def __post_init__(self) -> None:
        """Checks what one field alone cannot. Raises `ValueError`."""
        ways = [name for name in ("kubeconfig_path", "kubeconfig", "server") if getattr(self, name)]
        if len(ways) > 1:
            raise ValueError(f"`{ways[0]}` and `{ways[1]}` exclude each other")
        if self.server and not self.token:
            raise ValueError("`server` needs `token`")
        if self.server and not self.server.startswith("https://"):
            raise ValueError("`server` must begin with https://")
        if not 1 <= self.page_size <= 5000:
            raise ValueError("`page_size` must be from 1 to 5000")
        for namespace in self.namespaces:
            if not namespace or "/" in namespace:
                raise ValueError(f"`namespaces`: '{namespace}' is not the name of a namespace")
