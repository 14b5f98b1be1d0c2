"""Knowledge about kinds of Kubernetes: category, links, and fields that change without meaning. Every other kind is read just as well.

Names are ``k8s_`` and the kind in snake case; kinds outside the groups of Kubernetes itself have their group behind it:
``k8s_widget__acme_example``.

A target or parent that begins with ``@`` is an object known by its name: ``@nodes/{value}``, ``@secrets/{metadata.namespace}/{value}``,
``@jobs.batch/...`` with a group (see `providers.kubernetes.names`). Other targets of links are

``&ref``            the object that a reference names by its kind, group, namespace and name; users and groups of bindings, too.
                    ``&ref:Gateway.gateway.networking.k8s.io`` says which kind is meant where the reference has none
``&selected:pods``  the objects of that type in the same namespace that a label selector fits
``&selecting:...``  the other way round: the objects of a type whose selector fits these labels, as ``&selecting:services:spec.selector``.
                    Pods come and go: a link that is the pod's own comes and goes with it, and its Service does not change
``&host``           the Service of a host name inside the cluster
``&machine``        the machine of a cloud, by a node's providerID; ``&volume`` the disk, by a volume's handle (see `clouds`)
"""

from __future__ import annotations

import re

import msgspec

from providers.catalogue.kinds import LinkRule, ResourceKind
from providers.kubernetes import clouds, custom
from providers.provider import ResourceType

BUILT_IN_GROUPS = frozenset({
    "", "admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io", "apps", "authentication.k8s.io",
    "authorization.k8s.io", "autoscaling", "batch", "certificates.k8s.io", "coordination.k8s.io", "discovery.k8s.io",
    "flowcontrol.apiserver.k8s.io", "internal.apiserver.k8s.io", "networking.k8s.io", "node.k8s.io", "policy",
    "rbac.authorization.k8s.io", "resource.k8s.io", "scheduling.k8s.io", "storage.k8s.io", "storagemigration.k8s.io",
})  # fmt: skip
"""The groups of Kubernetes itself, in which no kind comes twice."""

REPEATED_GROUPS = frozenset({
    "metrics.k8s.io", "custom.metrics.k8s.io", "external.metrics.k8s.io", "extensions", "events.k8s.io"
})  # fmt: skip
"""Groups that are not read: measurements, and second names of what other groups have."""

METADATA_ONLY = frozenset({"secrets", "configmaps"})
"""Types whose values never leave the API server: it is asked for metadata and the columns of `kubectl get` alone."""

METADATA_ONLY_KINDS = frozenset({"k8s_secret", "k8s_config_map"})
"""The names of those types."""

CLUSTER = "k8s_cluster"

REFERENCE, SELECTED, SELECTING, HOST, MACHINE, VOLUME = "&ref", "&selected:", "&selecting:", "&host", "&machine", "&volume"

ZONE = "spec.nodeAffinity.required.nodeSelectorTerms[].matchExpressions[].values[]"
"""Paths of a volume's zone."""

_ID = "{cluster}/{metadata.uid}"
_VIEW_ID = "{cluster}/{metadata.uid}/{kind}.{group}/{metadata.name}"
_OWNED_BY = LinkRule("owned_by", "metadata.ownerReferences[].uid", "{cluster}/{value}")
_OMIT = ("metadata.labels", "metadata.managedFields", "metadata.resourceVersion", "metadata.selfLink", "metadata.generation")


class KubernetesKind(ResourceKind, frozen=True, kw_only=True):
    """A kind, and the type under which it is listed."""

    kind: str
    plural: str
    group: str = ""


def _known(
    kind: str,
    plural: str,
    entity_type: str,
    group: str = "",
    *,
    short: str = "",
    links: tuple[LinkRule, ...] = (),
    omit: tuple[str, ...] = (),
) -> KubernetesKind:
    """A kind; `short` is an older name that does not follow the rule, `plural` has the group behind it where there is one."""
    return KubernetesKind(
        short or sub_type(kind, group),
        entity_type,
        _ID,
        kind=kind,
        plural=plural,
        group=group,
        tags="metadata.labels",
        links=(_OWNED_BY, *links),
        parent="@namespaces/{metadata.namespace}",
        omit=(*_OMIT[1:], *omit),
        permission=f"list {plural}" + (f".{group}" if group else ""),
    )


def other(kind: str, plural: str, group: str, *, stored: bool = True) -> KubernetesKind:
    """A kind of which nothing is known. One that is not stored is a view of another, and its id tells them apart."""
    found = _known(kind, plural, "kubernetes", group, links=custom.rules(kind, group), omit=custom.omitted(kind, group))
    return found if stored else msgspec.structs.replace(found, id=_VIEW_ID, links=())


def sub_type(kind: str, group: str = "") -> str:
    """``CSIDriver`` -> ``k8s_csi_driver``; ``Widget`` of ``acme.example`` -> ``k8s_widget__acme_example``."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", kind)
    return f"k8s_{_snake(words)}" + ("" if group in BUILT_IN_GROUPS else f"__{_snake(group)}")


def is_of_group(sub_type: str, group: str) -> bool:
    """True for a type of the group, as far as its name tells: it does not name the built-in ones."""
    return sub_type.endswith(f"__{_snake(group)}") if group not in BUILT_IN_GROUPS else "__" not in sub_type


def _snake(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def _in_namespace(plural: str, value: str = "{value}") -> str:
    return f"@{plural}/{{metadata.namespace}}/{value}"


def _pod_links(spec: str) -> tuple[LinkRule, ...]:
    """The links of a pod, whose spec is at a path."""
    config, secret = _in_namespace("configmaps"), _in_namespace("secrets")
    environment = (
        f"{spec}.{containers}[].{field}" for containers in ("containers", "initContainers") for field in ("env[].valueFrom", "envFrom[]")
    )
    rules = []
    for path in environment:
        names = ("configMapKeyRef", "secretKeyRef") if path.endswith("valueFrom") else ("configMapRef", "secretRef")
        rules += [LinkRule("uses_config", f"{path}.{names[0]}.name", config), LinkRule("uses_secret", f"{path}.{names[1]}.name", secret)]
    return (
        LinkRule("runs_on", f"{spec}.nodeName", "@nodes/{value}"),
        LinkRule("runs_as", f"{spec}.serviceAccountName", _in_namespace("serviceaccounts")),
        LinkRule("mounts", f"{spec}.volumes[].persistentVolumeClaim.claimName", _in_namespace("persistentvolumeclaims")),
        LinkRule("uses_config", f"{spec}.volumes[].configMap.name", config),
        LinkRule("uses_config", f"{spec}.volumes[].projected.sources[].configMap.name", config),
        LinkRule("uses_secret", f"{spec}.volumes[].secret.secretName", secret),
        LinkRule("uses_secret", f"{spec}.volumes[].projected.sources[].secret.name", secret),
        LinkRule("uses_secret", f"{spec}.imagePullSecrets[].name", secret),
        LinkRule("has_priority", f"{spec}.priorityClassName", "@priorityclasses.scheduling.k8s.io/{value}"),
        LinkRule("uses_runtime", f"{spec}.runtimeClassName", "@runtimeclasses.node.k8s.io/{value}"),
        *rules,
    )


_TEMPLATE = _pod_links("spec.template.spec")[1:]
_JOB_TEMPLATE = _pod_links("spec.jobTemplate.spec.template.spec")[1:]

_SCALED = (LinkRule("scales", "spec.scaleTargetRef", REFERENCE),)
_BACKENDS = ("spec.rules[].http.paths[].backend.service.name", "spec.defaultBackend.service.name")
_INGRESS_LINKS = (
    *(LinkRule("routes_to", path, _in_namespace("services")) for path in _BACKENDS),
    LinkRule("routes_to", "spec.rules[].http.paths[].backend.resource", REFERENCE),
    LinkRule("uses_secret", "spec.tls[].secretName", _in_namespace("secrets")),
    LinkRule("has_class", "spec.ingressClassName", "@ingressclasses.networking.k8s.io/{value}"),
)
_ADMISSION, _FLOW = "admissionregistration.k8s.io", "flowcontrol.apiserver.k8s.io"
RBAC = "rbac.authorization.k8s.io"
_BINDING = (LinkRule("has_role", "roleRef", REFERENCE), LinkRule("granted_to", "subjects[]", REFERENCE))
_WEBHOOKS = (LinkRule("calls", "webhooks[].clientConfig.service", "@services/{namespace}/{name}"),)
_CLASS = LinkRule("has_class", "spec.storageClassName", "@storageclasses.storage.k8s.io/{value}")

_SELECTED = tuple(
    LinkRule(type_, "metadata.labels", f"{SELECTING}{plural}:{path}")
    for type_, plural, path in (
        ("served_by", "services", "spec.selector"),
        ("protected_by", "poddisruptionbudgets.policy", "spec.selector"),
        ("governed_by", "networkpolicies.networking.k8s.io", "spec.podSelector"),
    )
)

KINDS = (
    _known("Namespace", "namespaces", "namespace"),
    _known("Node", "nodes", "compute", links=(LinkRule("runs_on", "spec.providerID", MACHINE),), omit=("spec.taints[].timeAdded",)),
    _known("Pod", "pods", "workload", links=(*_pod_links("spec"), *_SELECTED), omit=(
        "status.containerStatuses[].state", "status.containerStatuses[].lastState", "status.containerStatuses[].containerID",
        "status.initContainerStatuses[].state", "status.initContainerStatuses[].lastState", "status.initContainerStatuses[].containerID",
    )),
    _known("Deployment", "deployments", "workload", "apps", links=_TEMPLATE),
    _known("ReplicaSet", "replicasets", "workload", "apps", links=_TEMPLATE),
    _known("StatefulSet", "statefulsets", "workload", "apps", links=_TEMPLATE),
    _known("DaemonSet", "daemonsets", "workload", "apps", links=_TEMPLATE),
    _known("ReplicationController", "replicationcontrollers", "workload", links=_TEMPLATE),
    _known("Job", "jobs", "workload", "batch", links=_TEMPLATE),
    _known("CronJob", "cronjobs", "workload", "batch", links=_JOB_TEMPLATE, omit=("status.active",)),
    _known("HorizontalPodAutoscaler", "horizontalpodautoscalers", "workload", "autoscaling", links=_SCALED, omit=(
        "status.currentMetrics",
    )),
    _known("PodDisruptionBudget", "poddisruptionbudgets", "workload", "policy", omit=("status.disruptedPods",)),
    _known("ControllerRevision", "controllerrevisions", "configuration", "apps"),
    _known("PodTemplate", "podtemplates", "configuration"),
    _known("Service", "services", "network"),
    _known("Endpoints", "endpoints", "network", links=(LinkRule("routes_to", "subsets[].addresses[].targetRef", REFERENCE),)),
    _known("Ingress", "ingresses", "network", "networking.k8s.io", links=_INGRESS_LINKS),
    _known("IngressClass", "ingressclasses", "network", "networking.k8s.io", links=(
        LinkRule("configured_by", "spec.parameters", REFERENCE),
    )),
    _known("NetworkPolicy", "networkpolicies", "network", "networking.k8s.io"),
    _known("EndpointSlice", "endpointslices", "network", "discovery.k8s.io", links=(
        LinkRule("routes_to", "endpoints[].targetRef", REFERENCE),
    )),
    _known("PersistentVolume", "persistentvolumes", "storage", links=(
        LinkRule("bound_to", "spec.claimRef.uid", "{cluster}/{value}"), _CLASS,
        LinkRule("provisioned_by", "spec.csi.driver", "@csidrivers.storage.k8s.io/{value}"),
        LinkRule("stored_on", "spec.csi.volumeHandle", VOLUME),
    )),
    _known("PersistentVolumeClaim", "persistentvolumeclaims", "storage", short="k8s_pvc", links=(
        LinkRule("bound_to", "spec.volumeName", "@persistentvolumes/{value}"), _CLASS,
        LinkRule("made_from", "spec.dataSource", f"{REFERENCE}:PersistentVolumeClaim"),
    )),
    _known("StorageClass", "storageclasses", "storage", "storage.k8s.io", links=(
        LinkRule("provisioned_by", "provisioner", "@csidrivers.storage.k8s.io/{value}"),
    )),
    _known("VolumeAttachment", "volumeattachments", "storage", "storage.k8s.io", links=(
        LinkRule("attached_to", "spec.nodeName", "@nodes/{value}"),
        LinkRule("attaches", "spec.source.persistentVolumeName", "@persistentvolumes/{value}"),
        LinkRule("attached_by", "spec.attacher", "@csidrivers.storage.k8s.io/{value}"),
    )),
    _known("CSIDriver", "csidrivers", "storage", "storage.k8s.io"),
    _known("CSINode", "csinodes", "storage", "storage.k8s.io", links=(
        LinkRule("describes", "metadata.name", "@nodes/{value}"),
        LinkRule("has_driver", "spec.drivers[].name", "@csidrivers.storage.k8s.io/{value}"),
    )),
    _known("ResourceQuota", "resourcequotas", "configuration", omit=("status.used",)),
    _known("LimitRange", "limitranges", "configuration"),
    _known("PriorityClass", "priorityclasses", "configuration", "scheduling.k8s.io"),
    _known("RuntimeClass", "runtimeclasses", "configuration", "node.k8s.io"),
    _known("ServiceAccount", "serviceaccounts", "service_account", links=(
        LinkRule("uses_secret", "secrets[].name", _in_namespace("secrets")),
        LinkRule("uses_secret", "imagePullSecrets[].name", _in_namespace("secrets")),
        LinkRule("acts_as", 'metadata.annotations."eks.amazonaws.com/role-arn"'),
        LinkRule("acts_as", 'metadata.annotations."iam.gke.io/gcp-service-account"', clouds.service_account("{value}")),
    )),
    _known("Role", "roles", "role", RBAC),
    _known("ClusterRole", "clusterroles", "role", RBAC),
    _known("RoleBinding", "rolebindings", "permission", RBAC, links=_BINDING),
    _known("ClusterRoleBinding", "clusterrolebindings", "permission", RBAC, links=_BINDING),
    _known("Secret", "secrets", "secret"),
    _known("ConfigMap", "configmaps", "configuration"),
    _known("CustomResourceDefinition", "customresourcedefinitions", "configuration", "apiextensions.k8s.io", links=(
        LinkRule("calls", "spec.conversion.webhook.clientConfig.service", "@services/{namespace}/{name}"),
    )),
    _known("ValidatingWebhookConfiguration", "validatingwebhookconfigurations", "configuration", _ADMISSION, links=_WEBHOOKS),
    _known("MutatingWebhookConfiguration", "mutatingwebhookconfigurations", "configuration", _ADMISSION, links=_WEBHOOKS),
    _known("FlowSchema", "flowschemas", "configuration", _FLOW, links=(
        LinkRule("has_priority", "spec.priorityLevelConfiguration.name", f"@prioritylevelconfigurations.{_FLOW}/{{value}}"),
    )),
    _known("PriorityLevelConfiguration", "prioritylevelconfigurations", "configuration", _FLOW),
    _known("CertificateSigningRequest", "certificatesigningrequests", "certificate", "certificates.k8s.io"),
    _known("Lease", "leases", "configuration", "coordination.k8s.io", omit=("spec.renewTime", "spec.leaseTransitions")),
    _known("Event", "events", "event", omit=("count", "lastTimestamp", "series"), links=(
        LinkRule("concerns", "involvedObject.uid", "{cluster}/{value}"),
    )),
    _known("APIService", "apiservices", "configuration", "apiregistration.k8s.io", links=(
        LinkRule("served_by", "spec.service", "@services/{namespace}/{name}"),
    )),
)  # fmt: skip

_BY_TYPE = {(kind.group, kind.kind): kind for kind in KINDS}


def kind_of(kind: str, plural: str, group: str, *, stored: bool = True) -> KubernetesKind:
    """The known kind, or one of which nothing is known."""
    return _BY_TYPE.get((group, kind)) or other(kind, plural, group, stored=stored)


_BINDINGS_RIGHTS = tuple(f"list {plural}.{RBAC}" for plural in ("clusterrolebindings", "rolebindings"))


def resource_types() -> tuple[ResourceType, ...]:
    """The known kinds, and a star for all others."""
    return (
        ResourceType(CLUSTER, "cluster", ("GET /version",), ()),
        *(ResourceType(kind.sub_type, kind.entity_type, ("list",), (kind.permission,)) for kind in KINDS),
        ResourceType("k8s_image", "image", ("list of pods",), ("list pods",)),
        ResourceType("k8s_helm_release", "workload", ("list of secrets, without values",), ("list secrets",)),
        *(ResourceType(f"k8s_{kind}", kind, ("list of bindings",), _BINDINGS_RIGHTS) for kind in ("user", "group")),
        ResourceType("k8s_*", "kubernetes", ("list of whatever the server has",), ("list *",)),
    )
