"""The config of a Kubernetes discovery job."""

from __future__ import annotations

import re
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


class OwnLinkRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A link of every object of a kind, declared in a job's config."""

    kind: str
    """The kind with its group: ``Widget.acme.example``; ``Pod`` of those without a group."""
    type: str
    """The link's type: ``uses_config``."""
    path: str
    """Path of the target's name, or of a reference to it: ``spec.stores[].secretRef.name``."""
    to: str = "&ref"
    """The target, as docs/providers.md has them: ``@secrets/{metadata.namespace}/{value}``, ``&ref``, ``&selected:pods``, ``{value}``."""

    def __post_init__(self) -> None:
        """Checks the words. Raises `ValueError`."""
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.type):
            raise ValueError(f"'{self.type}' is not a name of a link: lower-case letters, digits and underscores")
        if not re.fullmatch(r"@[a-z0-9.-]+/.+|&ref(:\w+[\w.-]*)?|&selected:[a-z0-9.-]+|&(host|machine|volume)|[^@&].*", self.to):
            raise ValueError(
                f"'{self.to}' is not a target: write @plural.group/namespace/name, &ref, &selected:plural or an id with {{value}}"
            )
        if not self.kind or not self.path:
            raise ValueError("a link rule needs `kind` and `path`")


class KubernetesConfig(SourceConfig, frozen=True):
    """The cluster to read, the credentials, and the part of it that is read."""

    kubeconfig_path: Annotated[
        str | None,
        msgspec.Meta(description="A kubeconfig file, or the folder of a service account as Kubernetes mounts it (token, ca.crt)."),
    ] = None
    kubeconfig: Annotated[
        Annotated[SecretObject, given_for()] | None,
        msgspec.Meta(
            description=("A kubeconfig as a JSON object. It may neither name files or programs, nor a proxy, nor somebody to impersonate.")
        ),
    ] = None
    context: Annotated[
        str | None,
        msgspec.Meta(description="The context of the kubeconfig; without one, its current context."),
    ] = None
    server: Annotated[
        str | None,
        msgspec.Meta(description="URL of the API server; with `token`."),
    ] = None
    token: Annotated[
        Annotated[Secret, given_for("server", "ca_certificate")] | None,
        msgspec.Meta(description="Bearer token of a service account; with `server`."),
    ] = None
    ca_certificate: Annotated[
        str | None,
        msgspec.Meta(description="PEM of the CA that signed the server's certificate; with `server` and `token`."),
    ] = None
    cluster_name: Annotated[
        str | None,
        msgspec.Meta(description=("Display name of the cluster. Its identity is the uid of its namespace kube-system, whatever the name.")),
    ] = None
    namespaces: Annotated[
        tuple[str, ...],
        msgspec.Meta(description="Namespaces that are read; objects without a namespace are then left out. Empty: everything."),
    ] = ()
    exclude_types: Annotated[
        tuple[str, ...],
        msgspec.Meta(description="Types that are not read, as `plural` or `plural.group`, beside those that are left out by default."),
    ] = ()
    include_types: Annotated[
        tuple[str, ...],
        msgspec.Meta(description="Types that are left out by default and are to be read (events, leases, endpoints, endpointslices)."),
    ] = ()
    link_rules: Annotated[
        tuple[OwnLinkRule, ...],
        msgspec.Meta(description="Further links of objects, of custom resources above all."),
    ] = ()
    aws_account: Annotated[
        Annotated[str, msgspec.Meta(pattern=r"^(\d{12})?$")],
        msgspec.Meta(
            description=("The AWS account in which the nodes run: nodes and volumes, which do not say so, are then linked to those of EC2.")
        ),
    ] = ""
    page_size: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=10_000)],
        msgspec.Meta(description="Objects that are asked for at once. A page of more than 4 MB is asked for again at half the size."),
    ] = 500
    batch_size: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=5000)] | None,
        msgspec.Meta(description="Resources handed on at once."),
    ] = None

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
