"""What is special about kinds: a category, a name that is older than the rule, links. Every other kind is read just as well.

The rule for names is ``k8s_`` and the kind in snake case, custom resources too.
"""

from __future__ import annotations

import re

import msgspec

from providers.provider import ResourceType


class LinkRule(msgspec.Struct, frozen=True):
    """The names at `path` are objects of type `plural` (in the same namespace, if that type has them)."""

    type: str
    path: str
    plural: str


class Kind(msgspec.Struct, frozen=True):
    """A kind that we know something about."""

    entity_type: str
    sub_type: str = ""
    links: tuple[LinkRule, ...] = ()


_POD_LINKS = (
    LinkRule("runs_on", "spec.nodeName", "nodes"),
    LinkRule("runs_as", "spec.serviceAccountName", "serviceaccounts"),
    LinkRule("mounts", "spec.volumes[].persistentVolumeClaim.claimName", "persistentvolumeclaims"),
)

KINDS: dict[str, Kind] = {
    "Namespace": Kind("namespace"),
    "Node": Kind("compute"),
    "Pod": Kind("workload", links=_POD_LINKS),
    "Deployment": Kind("workload"),
    "ReplicaSet": Kind("workload"),
    "StatefulSet": Kind("workload"),
    "DaemonSet": Kind("workload"),
    "ReplicationController": Kind("workload"),
    "Job": Kind("workload"),
    "CronJob": Kind("workload"),
    "Service": Kind("network"),
    "Ingress": Kind("network", links=(LinkRule("routes_to", "spec.rules[].http.paths[].backend.service.name", "services"),)),
    "NetworkPolicy": Kind("network"),
    "PersistentVolume": Kind("storage"),
    "PersistentVolumeClaim": Kind("storage", "k8s_pvc", (LinkRule("bound_to", "spec.volumeName", "persistentvolumes"),)),
    "StorageClass": Kind("storage"),
    "ServiceAccount": Kind("service_account"),
    "Role": Kind("role"),
    "ClusterRole": Kind("role"),
    "RoleBinding": Kind("permission"),
    "ClusterRoleBinding": Kind("permission", links=(LinkRule("has_role", "roleRef.name", "clusterroles"),)),
    "Secret": Kind("secret"),
    "ConfigMap": Kind("configuration"),
    "CustomResourceDefinition": Kind("configuration"),
}

METADATA_ONLY = frozenset({"secrets", "configmaps"})
"""Types whose values never leave the API server: it is asked for their metadata alone."""

SKIPPED_GROUPS = frozenset({"metrics.k8s.io", "custom.metrics.k8s.io", "external.metrics.k8s.io", "extensions"})
"""Measurements, which are new at every look, and old names of what other groups have."""

WITHOUT_IDENTITY = frozenset({"componentstatuses"})
"""Types whose objects have no uid: they are answers, not things."""

CLUSTER = "k8s_cluster"


def sub_type(kind: str) -> str:
    """``PersistentVolumeClaim`` -> ``k8s_pvc``, ``CSIDriver`` -> ``k8s_csi_driver``."""
    known = KINDS.get(kind)
    if known and known.sub_type:
        return known.sub_type
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", kind)
    return "k8s_" + re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")


def entity_type(kind: str) -> str:
    """The category of a kind."""
    known = KINDS.get(kind)
    return known.entity_type if known else "kubernetes"


def resource_types() -> tuple[ResourceType, ...]:
    """The known kinds, and a star for all others."""
    known = (ResourceType(sub_type(kind), rule.entity_type, ("list",), (f"list {kind}",)) for kind, rule in KINDS.items())
    return (
        ResourceType(CLUSTER, "cluster", ("GET /version",), ()),
        *known,
        ResourceType("k8s_*", "kubernetes", ("list of whatever the server has",), ("list *",)),
    )
