"""Links of custom resources: small tables of rules for well-known groups. A job's `link_rules` adds its own.

The group of a rule's kind is behind the kind: ``Certificate.cert-manager.io``. How a target is written stands in
`providers.kubernetes.catalogue`. What a cluster does not serve costs nothing.
"""

from __future__ import annotations

from providers.catalogue.kinds import LinkRule

Rules = tuple[LinkRule, ...]


def _local(plural: str) -> str:
    return f"@{plural}/{{metadata.namespace}}/{{value}}"


SECRET, SERVICE = _local("secrets"), "&ref:Service"
_GATEWAY = "gateway.networking.k8s.io"
_ROUTE: Rules = (
    LinkRule("attached_to", "spec.parentRefs[]", f"&ref:Gateway.{_GATEWAY}"),
    LinkRule("routes_to", "spec.rules[].backendRefs[]", SERVICE),
)
_ISSUER: Rules = (
    LinkRule("uses_secret", "spec.ca.secretName", SECRET),
    LinkRule("uses_secret", "spec.acme.privateKeySecretRef.name", SECRET),
)
_HELM_SOURCE = "&ref:HelmRepository.source.toolkit.fluxcd.io"
_FLUX: Rules = (
    LinkRule("reads_from", "spec.sourceRef", "&ref:GitRepository.source.toolkit.fluxcd.io"),
    LinkRule("depends_on", "spec.dependsOn[]", "&ref:Kustomization.kustomize.toolkit.fluxcd.io"),
    LinkRule("runs_as", "spec.serviceAccountName", _local("serviceaccounts")),
    LinkRule("uses_secret", "spec.kubeConfig.secretRef.name", SECRET),
)
_FLUX_SOURCE: Rules = (LinkRule("uses_secret", "spec.secretRef.name", SECRET),)
_NODE_CLASS = "&ref:EC2NodeClass.karpenter.k8s.aws"

CUSTOM: dict[str, Rules] = {
    f"Gateway.{_GATEWAY}": (
        LinkRule("has_class", "spec.gatewayClassName", f"@gatewayclasses.{_GATEWAY}/{{value}}"),
        LinkRule("uses_secret", "spec.listeners[].tls.certificateRefs[]", "&ref:Secret"),
    ),
    f"GatewayClass.{_GATEWAY}": (LinkRule("configured_by", "spec.parametersRef", "&ref"),),
    **{f"{kind}Route.{_GATEWAY}": _ROUTE for kind in ("HTTP", "GRPC", "TLS", "TCP", "UDP")},
    "Certificate.cert-manager.io": (
        LinkRule("issued_by", "spec.issuerRef", "&ref:Issuer.cert-manager.io"),
        LinkRule("uses_secret", "spec.secretName", SECRET),
    ),
    "CertificateRequest.cert-manager.io": (LinkRule("issued_by", "spec.issuerRef", "&ref:Issuer.cert-manager.io"),),
    "Issuer.cert-manager.io": _ISSUER,
    "ClusterIssuer.cert-manager.io": tuple(LinkRule(rule.type, rule.path, "@secrets/cert-manager/{value}") for rule in _ISSUER),
    "Application.argoproj.io": (
        LinkRule("in_project", "spec.project", "@appprojects.argoproj.io/{metadata.namespace}/{value}"),
        LinkRule("deploys", "status.resources[]", "&ref"),
    ),
    "Rollout.argoproj.io": (
        LinkRule("manages", "spec.workloadRef", "&ref:Deployment.apps"),
        LinkRule("routes_to", "spec.strategy.canary.stableService", _local("services")),
        LinkRule("routes_to", "spec.strategy.canary.canaryService", _local("services")),
        LinkRule("routes_to", "spec.strategy.blueGreen.activeService", _local("services")),
        LinkRule("routes_to", "spec.strategy.blueGreen.previewService", _local("services")),
    ),
    "Kustomization.kustomize.toolkit.fluxcd.io": _FLUX,
    "HelmRelease.helm.toolkit.fluxcd.io": (
        LinkRule("reads_from", "spec.chart.spec.sourceRef", _HELM_SOURCE),
        LinkRule("reads_from", "spec.chartRef", "&ref:OCIRepository.source.toolkit.fluxcd.io"),
        LinkRule("depends_on", "spec.dependsOn[]", "&ref:HelmRelease.helm.toolkit.fluxcd.io"),
        LinkRule("uses_config", "spec.valuesFrom[]", "&ref"),
        LinkRule("runs_as", "spec.serviceAccountName", _local("serviceaccounts")),
    ),
    **{f"{kind}.source.toolkit.fluxcd.io": _FLUX_SOURCE for kind in ("GitRepository", "HelmRepository", "OCIRepository", "Bucket")},
    "NodePool.karpenter.sh": (LinkRule("has_class", "spec.template.spec.nodeClassRef", _NODE_CLASS),),
    "NodeClaim.karpenter.sh": (
        LinkRule("has_class", "spec.nodeClassRef", _NODE_CLASS),
        LinkRule("provides", "status.nodeName", "@nodes/{value}"),
        LinkRule("runs_on", "status.providerID", "&machine"),
    ),
    "Service.serving.knative.dev": (
        LinkRule("runs_as", "spec.template.spec.serviceAccountName", _local("serviceaccounts")),
        LinkRule("routes_to", "status.latestReadyRevisionName", "@revisions.serving.knative.dev/{metadata.namespace}/{value}"),
    ),
    "Revision.serving.knative.dev": (LinkRule("runs_as", "spec.serviceAccountName", _local("serviceaccounts")),),
    "Route.serving.knative.dev": (
        LinkRule("routes_to", "status.traffic[].revisionName", "@revisions.serving.knative.dev/{metadata.namespace}/{value}"),
    ),
    "Trigger.eventing.knative.dev": (
        LinkRule("reads_from", "spec.broker", "@brokers.eventing.knative.dev/{metadata.namespace}/{value}"),
        LinkRule("routes_to", "spec.subscriber.ref", SERVICE),
    ),
    "Gateway.networking.istio.io": (
        LinkRule("applies_to", "spec.selector", "&selected:pods"),
        LinkRule("uses_secret", "spec.servers[].tls.credentialName", SECRET),
    ),
    "VirtualService.networking.istio.io": (
        LinkRule("attached_to", "spec.gateways[]", "@gateways.networking.istio.io/{metadata.namespace}/{value}"),
        LinkRule("routes_to", "spec.http[].route[].destination.host", "&host"),
        LinkRule("routes_to", "spec.tcp[].route[].destination.host", "&host"),
        LinkRule("routes_to", "spec.tls[].route[].destination.host", "&host"),
    ),
    "DestinationRule.networking.istio.io": (LinkRule("applies_to", "spec.host", "&host"),),
    "AuthorizationPolicy.security.istio.io": (LinkRule("applies_to", "spec.selector", "&selected:pods"),),
    "PeerAuthentication.security.istio.io": (LinkRule("applies_to", "spec.selector", "&selected:pods"),),
    "VerticalPodAutoscaler.autoscaling.k8s.io": (LinkRule("scales", "spec.targetRef", "&ref"),),
    "ScaledObject.keda.sh": (LinkRule("scales", "spec.scaleTargetRef", "&ref:Deployment.apps"),),
    "VolumeSnapshot.snapshot.storage.k8s.io": (
        LinkRule("snapshot_of", "spec.source.persistentVolumeClaimName", _local("persistentvolumeclaims")),
        LinkRule("has_class", "spec.volumeSnapshotClassName", "@volumesnapshotclasses.snapshot.storage.k8s.io/{value}"),
        LinkRule("bound_to", "status.boundVolumeSnapshotContentName", "@volumesnapshotcontents.snapshot.storage.k8s.io/{value}"),
    ),
    "CSIStorageCapacity.storage.k8s.io": (LinkRule("has_class", "storageClassName", "@storageclasses.storage.k8s.io/{value}"),),
    "ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io": (
        LinkRule("binds", "spec.policyName", "@validatingadmissionpolicies.admissionregistration.k8s.io/{value}"),
    ),
}
"""Kind with its group -> the rules that its objects' links are made by; kinds of Kubernetes that few versions have are among them."""

OMITTED = {"CSIStorageCapacity.storage.k8s.io": ("capacity", "maximumVolumeSize")}
"""Kind with its group -> fields that change without meaning."""


def rules(kind: str, group: str) -> Rules:
    """The rules of a kind; none when it is in no table."""
    return CUSTOM.get(f"{kind}.{group}", ())


def omitted(kind: str, group: str) -> tuple[str, ...]:
    """The fields of a kind that are not stored."""
    return OMITTED.get(f"{kind}.{group}", ())
