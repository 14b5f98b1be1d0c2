"""A shop as a platform team runs it: the objects of each link rule, and the links that they must have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]
NS = "graph"
CORE, APPS = f"/api/v1/namespaces/{NS}/", f"/apis/apps/v1/namespaces/{NS}/"
RBAC = "/apis/rbac.authorization.k8s.io/v1/"
DIGEST = f"registry.example:5000/shop/web@sha256:{'a' * 64}"
ROLE_ARN = "arn:aws:iam::111122223333:role/web"
AZURE = "/subscriptions/S/resourceGroups/RG/providers/Microsoft.Compute"
CANARY = "canary-graph-7f3a"

CUSTOM = (  # kind, plural, group, namespaced
    ("Gateway", "gateways", "gateway.networking.k8s.io", True), ("GatewayClass", "gatewayclasses", "gateway.networking.k8s.io", False),
    ("HTTPRoute", "httproutes", "gateway.networking.k8s.io", True), ("Certificate", "certificates", "cert-manager.io", True),
    ("Issuer", "issuers", "cert-manager.io", True), ("ClusterIssuer", "clusterissuers", "cert-manager.io", False),
    ("Application", "applications", "argoproj.io", True), ("AppProject", "appprojects", "argoproj.io", True),
    ("Rollout", "rollouts", "argoproj.io", True), ("Kustomization", "kustomizations", "kustomize.toolkit.fluxcd.io", True),
    ("HelmRelease", "helmreleases", "helm.toolkit.fluxcd.io", True), ("GitRepository", "gitrepositories", "source.toolkit.fluxcd.io", True),
    ("HelmRepository", "helmrepositories", "source.toolkit.fluxcd.io", True), ("NodePool", "nodepools", "karpenter.sh", False),
    ("NodeClaim", "nodeclaims", "karpenter.sh", False), ("EC2NodeClass", "ec2nodeclasses", "karpenter.k8s.aws", False),
    ("Service", "services", "serving.knative.dev", True), ("Revision", "revisions", "serving.knative.dev", True),
    ("Route", "routes", "serving.knative.dev", True), ("Gateway", "gateways", "networking.istio.io", True),
    ("VirtualService", "virtualservices", "networking.istio.io", True), ("DestinationRule", "destinationrules", "networking.istio.io", True),
    ("AuthorizationPolicy", "authorizationpolicies", "security.istio.io", True), ("VolumeSnapshot", "volumesnapshots", "snapshot.storage.k8s.io", True),
    ("VolumeSnapshotClass", "volumesnapshotclasses", "snapshot.storage.k8s.io", False), ("ScaledObject", "scaledobjects", "keda.sh", True),
    ("VolumeSnapshotContent", "volumesnapshotcontents", "snapshot.storage.k8s.io", False),
    ("VerticalPodAutoscaler", "verticalpodautoscalers", "autoscaling.k8s.io", True), ("Widget", "widgets", "acme.example", True),
)  # fmt: skip
GROUPS = {(kind, group): (plural, namespaced) for kind, plural, group, namespaced in CUSTOM}


def definitions() -> Iterator[Document]:
    """A CustomResourceDefinition for each of `CUSTOM`."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    for kind, plural, group, namespaced in CUSTOM:
        names = {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"}
        spec = {"group": group, "scope": "Namespaced" if namespaced else "Cluster", "names": names, "versions": [version]}
        approved = {"api-approved.kubernetes.io": "https://github.com/kubernetes/kubernetes/pull/1"}
        yield {"metadata": {"name": f"{plural}.{group}", "annotations": approved}, "spec": spec}


def meta(name: str, labels: Document | None = None, **more: Any) -> Document:
    return {"metadata": {"name": name, **({"labels": labels} if labels else {}), **more}}


def custom(kind: str, group: str, name: str, spec: Document, status: Document | None = None) -> tuple[str, Document]:
    plural, namespaced = GROUPS[kind, group]
    where = f"/apis/{group}/v1/" + (f"namespaces/{NS}/" if namespaced else "") + plural
    secret = {"password": CANARY, "config": {"clientSecret": CANARY}}
    body = {"apiVersion": f"{group}/v1", "kind": kind, **meta(name), "spec": {**spec, "settings": secret}}
    return where, {**body, **({"status": status} if status else {})}


def pod(name: str, labels: Document, **spec: Any) -> Document:
    container = {"name": "c", "image": "registry.example:5000/shop/web:1.2", "args": [f"--token={CANARY}"]}
    return {**meta(name, labels), "spec": {"nodeName": "aws-node", "containers": [container], **spec}}


def documents() -> Iterator[tuple[str, Document]]:
    """Every object, what others name first."""
    yield "/api/v1/namespaces", meta(NS)
    for name, provider in (
        ("aws-node", "aws:///eu-west-1a/i-0123456789abcdef0"),
        ("gce-node", "gce://proj/europe-west1-b/gke-1"),
        ("azure-node", f"azure://{AZURE}/virtualMachines/vm1"),
    ):
        yield "/api/v1/nodes", {**meta(name), "spec": {"providerID": provider}}
    accounts = {"eks.amazonaws.com/role-arn": ROLE_ARN, "iam.gke.io/gcp-service-account": "web@proj.iam.gserviceaccount.com"}
    yield CORE + "serviceaccounts", meta("web", annotations=accounts)
    for name in ("tls", "issuer-key"):
        yield CORE + "secrets", {**meta(name), "stringData": {"key": CANARY}}
    yield CORE + "configmaps", {**meta("values"), "data": {"key": CANARY}}
    for revision, status in ((1, "superseded"), (2, "deployed")):
        labels = {"owner": "helm", "name": "shop", "version": str(revision), "status": status}
        body = {**meta(f"sh.helm.release.v1.shop.v{revision}", labels), "type": "helm.sh/release.v1", "stringData": {"release": CANARY}}
        yield CORE + "secrets", body
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "x"}]}}
    charted = {"app.kubernetes.io/instance": "shop", "helm.sh/chart": "web-shop-1.4.2"}
    yield APPS + "deployments", {**meta("web", charted), "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template}}
    yield CORE + "pods", pod("web-1", {"app": "web", "tier": "front"}, serviceAccountName="web")
    yield CORE + "pods", pod("db-1", {"app": "db"})
    yield CORE + "services", {**meta("web"), "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}
    tier = {"matchExpressions": [{"key": "tier", "operator": "In", "values": ["front"]}]}
    yield f"/apis/policy/v1beta1/namespaces/{NS}/poddisruptionbudgets", {**meta("web"), "spec": {"minAvailable": 1, "selector": tier}}
    yield f"/apis/networking.k8s.io/v1/namespaces/{NS}/networkpolicies", {**meta("all"), "spec": {"podSelector": {}}}
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    yield (
        f"/apis/autoscaling/v1/namespaces/{NS}/horizontalpodautoscalers",
        {**meta("web"), "spec": {"maxReplicas": 3, "scaleTargetRef": target}},
    )
    yield from _storage()
    yield from _rbac()
    yield from _custom()


def _storage() -> Iterator[tuple[str, Document]]:
    yield "/apis/storage.k8s.io/v1/storageclasses", {**meta("fast"), "provisioner": "ebs.csi.aws.com"}
    yield "/apis/storage.k8s.io/v1/csidrivers", {**meta("ebs.csi.aws.com"), "spec": {}}
    size = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": "fast"}
    zone = {"key": "topology.ebs.csi.aws.com/zone", "operator": "In", "values": ["eu-west-1a"]}
    affinity = {"required": {"nodeSelectorTerms": [{"matchExpressions": [zone]}]}}
    ebs = {"driver": "ebs.csi.aws.com", "volumeHandle": "vol-0aaa"}
    yield "/api/v1/persistentvolumes", {**meta("ebs"), "spec": {**size, "csi": ebs, "nodeAffinity": affinity}}
    gce = {"driver": "pd.csi.storage.gke.io", "volumeHandle": "projects/proj/zones/z/disks/d1"}
    yield "/api/v1/persistentvolumes", {**meta("gce"), "spec": {**size, "csi": gce}}
    claim = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
        "volumeName": "ebs",
        "storageClassName": "fast",
    }
    yield CORE + "persistentvolumeclaims", {**meta("data"), "spec": claim}
    attached = {"attacher": "ebs.csi.aws.com", "nodeName": "aws-node", "source": {"persistentVolumeName": "ebs"}}
    yield "/apis/storage.k8s.io/v1/volumeattachments", {**meta("va"), "spec": attached}


def _rbac() -> Iterator[tuple[str, Document]]:
    group = "rbac.authorization.k8s.io"
    yield RBAC + f"namespaces/{NS}/roles", {**meta("reader"), "rules": []}
    subjects = [
        {"kind": "User", "name": "web", "apiGroup": group},
        {"kind": "Group", "name": "team", "apiGroup": group},
        {"kind": "ServiceAccount", "name": "web", "namespace": NS},
    ]
    role = {"kind": "Role", "name": "reader", "apiGroup": group}
    yield RBAC + f"namespaces/{NS}/rolebindings", {**meta("readers"), "roleRef": role, "subjects": subjects}


def _custom() -> Iterator[tuple[str, Document]]:
    gateway, flux = "gateway.networking.k8s.io", "source.toolkit.fluxcd.io"
    parameters = {"group": "", "kind": "ConfigMap", "name": "values", "namespace": NS}
    yield custom("GatewayClass", gateway, "public", {"controllerName": "x", "parametersRef": parameters})
    listener = {"tls": {"certificateRefs": [{"name": "tls"}]}}
    yield custom("Gateway", gateway, "edge", {"gatewayClassName": "public", "listeners": [listener]})
    yield custom("HTTPRoute", gateway, "web", {"parentRefs": [{"name": "edge"}], "rules": [{"backendRefs": [{"name": "web", "port": 80}]}]})
    yield custom("Issuer", "cert-manager.io", "local", {"ca": {"secretName": "issuer-key"}})
    yield "/api/v1/namespaces", meta("cert-manager")
    yield "/api/v1/namespaces/cert-manager/secrets", {**meta("global-key"), "stringData": {"key": CANARY}}
    yield custom("ClusterIssuer", "cert-manager.io", "global", {"acme": {"privateKeySecretRef": {"name": "global-key"}}})
    yield custom("Certificate", "cert-manager.io", "web", {"secretName": "tls", "issuerRef": {"name": "local"}})
    yield custom("Certificate", "cert-manager.io", "edge", {"secretName": "tls", "issuerRef": {"name": "global", "kind": "ClusterIssuer"}})
    yield custom("AppProject", "argoproj.io", "default", {})
    deployed = {"group": "apps", "kind": "Deployment", "namespace": NS, "name": "web", "version": "v1"}
    yield custom("Application", "argoproj.io", "shop", {"project": "default"}, {"resources": [deployed]})
    canary = {"stableService": "web", "canaryService": "web"}
    yield custom("Rollout", "argoproj.io", "web", {"workloadRef": {"kind": "Deployment", "name": "web"}, "strategy": {"canary": canary}})
    yield custom("GitRepository", flux, "repo", {"secretRef": {"name": "tls"}})
    yield custom("HelmRepository", flux, "charts", {"secretRef": {"name": "tls"}})
    yield custom("Kustomization", "kustomize.toolkit.fluxcd.io", "base", {"sourceRef": {"kind": "GitRepository", "name": "repo"}})
    source = {"kind": "GitRepository", "name": "repo"}
    running = {"serviceAccountName": "web", "kubeConfig": {"secretRef": {"name": "tls"}}}
    yield custom("Kustomization", "kustomize.toolkit.fluxcd.io", "app", {"sourceRef": source, "dependsOn": [{"name": "base"}], **running})
    chart = {"spec": {"sourceRef": {"kind": "HelmRepository", "name": "charts"}}}
    yield custom("HelmRelease", "helm.toolkit.fluxcd.io", "shop", {"chart": chart, "valuesFrom": [{"kind": "ConfigMap", "name": "values"}]})
    again = {"chart": chart, "dependsOn": [{"name": "shop"}], "serviceAccountName": "web"}
    yield custom("HelmRelease", "helm.toolkit.fluxcd.io", "later", again)
    node_class = {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"}
    yield custom("EC2NodeClass", "karpenter.k8s.aws", "default", {})
    yield custom("NodePool", "karpenter.sh", "general", {"template": {"spec": {"nodeClassRef": node_class}}})
    claimed = {"nodeName": "aws-node", "providerID": "aws:///eu-west-1a/i-0123456789abcdef0"}
    yield custom("NodeClaim", "karpenter.sh", "general-1", {"nodeClassRef": node_class}, claimed)
    yield custom("Revision", "serving.knative.dev", "fn-1", {"serviceAccountName": "web"})
    yield custom(
        "Service", "serving.knative.dev", "fn", {"template": {"spec": {"serviceAccountName": "web"}}}, {"latestReadyRevisionName": "fn-1"}
    )
    yield custom("Route", "serving.knative.dev", "fn", {}, {"traffic": [{"revisionName": "fn-1", "percent": 100}]})
    yield custom("Gateway", "networking.istio.io", "mesh", {"selector": {"app": "web"}, "servers": [{"tls": {"credentialName": "tls"}}]})
    route = {"route": [{"destination": {"host": f"web.{NS}.svc.cluster.local"}}]}
    yield custom("VirtualService", "networking.istio.io", "web", {"gateways": ["mesh"], "http": [route]})
    yield custom("DestinationRule", "networking.istio.io", "web", {"host": "web"})
    yield custom("AuthorizationPolicy", "security.istio.io", "web", {"selector": {"matchLabels": {"app": "db"}}})
    yield custom("VolumeSnapshotClass", "snapshot.storage.k8s.io", "daily", {})
    taken = {"volumeSnapshotClassName": "daily", "source": {"persistentVolumeClaimName": "data"}}
    yield custom("VolumeSnapshotContent", "snapshot.storage.k8s.io", "c1", {})
    yield custom("VolumeSnapshot", "snapshot.storage.k8s.io", "s1", taken, {"boundVolumeSnapshotContentName": "c1"})
    yield custom("ScaledObject", "keda.sh", "web", {"scaleTargetRef": {"name": "web"}})
    yield custom(
        "VerticalPodAutoscaler", "autoscaling.k8s.io", "web", {"targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}
    )
    yield custom(
        "Widget", "acme.example", "w", {"stores": [{"secretRef": {"kind": "Secret", "name": "tls"}}], "on": "aws-node", "outside": "urn:x"}
    )


def q(name: str) -> str:
    return f"{NS}/{name}"


LINKS = {  # (sub_type, name, link, target's sub_type, target's name)
    ("k8s_pod", q("web-1"), "runs_on", "k8s_node", "aws-node"), ("k8s_pod", q("web-1"), "runs_as", "k8s_service_account", q("web")),
    ("k8s_pod", q("web-1"), "runs_image", "k8s_image", DIGEST),
    ("k8s_pod", q("web-1"), "runs_image", "k8s_image", "registry.example:5000/shop/web:1.2"),
    ("k8s_image", "registry.example:5000/shop/web:1.2", "resolves_to", "k8s_image", DIGEST),
    ("k8s_pod", q("web-1"), "served_by", "k8s_service", q("web")),
    ("k8s_pod", q("web-1"), "protected_by", "k8s_pod_disruption_budget", q("web")),
    ("k8s_pod", q("web-1"), "governed_by", "k8s_network_policy", q("all")),
    ("k8s_pod", q("db-1"), "governed_by", "k8s_network_policy", q("all")),
    ("k8s_horizontal_pod_autoscaler", q("web"), "scales", "k8s_deployment", q("web")),
    ("k8s_persistent_volume", "ebs", "has_class", "k8s_storage_class", "fast"),
    ("k8s_persistent_volume", "ebs", "provisioned_by", "k8s_csi_driver", "ebs.csi.aws.com"),
    ("k8s_storage_class", "fast", "provisioned_by", "k8s_csi_driver", "ebs.csi.aws.com"),
    ("k8s_pvc", q("data"), "bound_to", "k8s_persistent_volume", "ebs"), ("k8s_pvc", q("data"), "has_class", "k8s_storage_class", "fast"),
    ("k8s_volume_attachment", "va", "attached_to", "k8s_node", "aws-node"), ("k8s_volume_attachment", "va", "attaches", "k8s_persistent_volume", "ebs"),
    ("k8s_role_binding", q("readers"), "has_role", "k8s_role", q("reader")),
    ("k8s_role_binding", q("readers"), "granted_to", "k8s_user", "web"), ("k8s_role_binding", q("readers"), "granted_to", "k8s_group", "team"),
    ("k8s_role_binding", q("readers"), "granted_to", "k8s_service_account", q("web")),
    ("k8s_helm_release", q("shop"), "stored_in", "k8s_secret", q("sh.helm.release.v1.shop.v2")),
    ("k8s_gateway__gateway_networking_k8s_io", q("edge"), "has_class", "k8s_gateway_class__gateway_networking_k8s_io", "public"),
    ("k8s_gateway__gateway_networking_k8s_io", q("edge"), "uses_secret", "k8s_secret", q("tls")),
    ("k8s_http_route__gateway_networking_k8s_io", q("web"), "attached_to", "k8s_gateway__gateway_networking_k8s_io", q("edge")),
    ("k8s_http_route__gateway_networking_k8s_io", q("web"), "routes_to", "k8s_service", q("web")),
    ("k8s_issuer__cert_manager_io", q("local"), "uses_secret", "k8s_secret", q("issuer-key")),
    ("k8s_certificate__cert_manager_io", q("web"), "issued_by", "k8s_issuer__cert_manager_io", q("local")),
    ("k8s_certificate__cert_manager_io", q("edge"), "issued_by", "k8s_cluster_issuer__cert_manager_io", "global"),
    ("k8s_certificate__cert_manager_io", q("web"), "uses_secret", "k8s_secret", q("tls")),
    ("k8s_application__argoproj_io", q("shop"), "in_project", "k8s_app_project__argoproj_io", q("default")),
    ("k8s_application__argoproj_io", q("shop"), "deploys", "k8s_deployment", q("web")),
    ("k8s_rollout__argoproj_io", q("web"), "manages", "k8s_deployment", q("web")),
    ("k8s_rollout__argoproj_io", q("web"), "routes_to", "k8s_service", q("web")),
    ("k8s_git_repository__source_toolkit_fluxcd_io", q("repo"), "uses_secret", "k8s_secret", q("tls")),
    ("k8s_kustomization__kustomize_toolkit_fluxcd_io", q("app"), "reads_from", "k8s_git_repository__source_toolkit_fluxcd_io", q("repo")),
    ("k8s_kustomization__kustomize_toolkit_fluxcd_io", q("app"), "depends_on", "k8s_kustomization__kustomize_toolkit_fluxcd_io", q("base")),
    ("k8s_helm_release__helm_toolkit_fluxcd_io", q("shop"), "reads_from", "k8s_helm_repository__source_toolkit_fluxcd_io", q("charts")),
    ("k8s_helm_release__helm_toolkit_fluxcd_io", q("shop"), "uses_config", "k8s_config_map", q("values")),
    ("k8s_node_pool__karpenter_sh", "general", "has_class", "k8s_ec2_node_class__karpenter_k8s_aws", "default"),
    ("k8s_node_claim__karpenter_sh", "general-1", "has_class", "k8s_ec2_node_class__karpenter_k8s_aws", "default"),
    ("k8s_node_claim__karpenter_sh", "general-1", "provides", "k8s_node", "aws-node"),
    ("k8s_service__serving_knative_dev", q("fn"), "routes_to", "k8s_revision__serving_knative_dev", q("fn-1")),
    ("k8s_service__serving_knative_dev", q("fn"), "runs_as", "k8s_service_account", q("web")),
    ("k8s_revision__serving_knative_dev", q("fn-1"), "runs_as", "k8s_service_account", q("web")),
    ("k8s_route__serving_knative_dev", q("fn"), "routes_to", "k8s_revision__serving_knative_dev", q("fn-1")),
    ("k8s_gateway__networking_istio_io", q("mesh"), "applies_to", "k8s_pod", q("web-1")),
    ("k8s_gateway__networking_istio_io", q("mesh"), "uses_secret", "k8s_secret", q("tls")),
    ("k8s_virtual_service__networking_istio_io", q("web"), "attached_to", "k8s_gateway__networking_istio_io", q("mesh")),
    ("k8s_virtual_service__networking_istio_io", q("web"), "routes_to", "k8s_service", q("web")),
    ("k8s_destination_rule__networking_istio_io", q("web"), "applies_to", "k8s_service", q("web")),
    ("k8s_authorization_policy__security_istio_io", q("web"), "applies_to", "k8s_pod", q("db-1")),
    ("k8s_volume_snapshot__snapshot_storage_k8s_io", q("s1"), "snapshot_of", "k8s_pvc", q("data")),
    ("k8s_volume_snapshot__snapshot_storage_k8s_io", q("s1"), "has_class", "k8s_volume_snapshot_class__snapshot_storage_k8s_io", "daily"),
    ("k8s_gateway_class__gateway_networking_k8s_io", "public", "configured_by", "k8s_config_map", q("values")),
    ("k8s_cluster_issuer__cert_manager_io", "global", "uses_secret", "k8s_secret", "cert-manager/global-key"),
    ("k8s_helm_repository__source_toolkit_fluxcd_io", q("charts"), "uses_secret", "k8s_secret", q("tls")),
    ("k8s_kustomization__kustomize_toolkit_fluxcd_io", q("app"), "runs_as", "k8s_service_account", q("web")),
    ("k8s_kustomization__kustomize_toolkit_fluxcd_io", q("app"), "uses_secret", "k8s_secret", q("tls")),
    ("k8s_helm_release__helm_toolkit_fluxcd_io", q("later"), "depends_on", "k8s_helm_release__helm_toolkit_fluxcd_io", q("shop")),
    ("k8s_helm_release__helm_toolkit_fluxcd_io", q("later"), "runs_as", "k8s_service_account", q("web")),
    ("k8s_volume_snapshot__snapshot_storage_k8s_io", q("s1"), "bound_to", "k8s_volume_snapshot_content__snapshot_storage_k8s_io", "c1"),
    ("k8s_scaled_object__keda_sh", q("web"), "scales", "k8s_deployment", q("web")),
    ("k8s_vertical_pod_autoscaler__autoscaling_k8s_io", q("web"), "scales", "k8s_deployment", q("web")),
    ("k8s_widget__acme_example", q("w"), "uses_secret", "k8s_secret", q("tls")),
    ("k8s_widget__acme_example", q("w"), "runs_on", "k8s_node", "aws-node"),
}  # fmt: skip

ABROAD = {  # (sub_type, name, link, external id in another provider's inventory)
    ("k8s_node", "aws-node", "runs_on", "arn:aws:ec2:eu-west-1:111122223333:instance/i-0123456789abcdef0"),
    ("k8s_node", "gce-node", "runs_on", "//compute.googleapis.com/projects/proj/zones/europe-west1-b/instances/gke-1"),
    ("k8s_node", "azure-node", "runs_on", f"{AZURE}/virtualMachines/vm1".lower()),
    ("k8s_node_claim__karpenter_sh", "general-1", "runs_on", "arn:aws:ec2:eu-west-1:111122223333:instance/i-0123456789abcdef0"),
    ("k8s_service_account", q("web"), "acts_as", ROLE_ARN),
    ("k8s_service_account", q("web"), "acts_as", "//iam.googleapis.com/projects/-/serviceAccounts/web@proj.iam.gserviceaccount.com"),
    ("k8s_persistent_volume", "ebs", "stored_on", "arn:aws:ec2:eu-west-1:111122223333:volume/vol-0aaa"),
    ("k8s_persistent_volume", "gce", "stored_on", "//compute.googleapis.com/projects/proj/zones/z/disks/d1"),
    ("k8s_widget__acme_example", q("w"), "made_from", "urn:x"),
}  # fmt: skip
