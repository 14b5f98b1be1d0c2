"""Load balancing, certificates, Cloud Armor, VPN and Interconnect, read by REST."""

from __future__ import annotations

from providers.catalogue.kinds import LinkRule
from providers.gcp.declaration import GcpKind
from providers.gcp.types.compute import PARTIAL, V1
from providers.gcp.types.texts import IN_SUBNET, IN_VPC, LINK


def _listed(
    sub_type: str,
    entity_type: str,
    collection: str,
    *links: LinkRule,
    tags: str = "",
    omit: tuple[str, ...] = (),
    assets: tuple[str, ...] = (),
) -> GcpKind:
    """A type that is listed for all regions at once."""
    return GcpKind(
        *(sub_type, entity_type, LINK, f"compute.{collection}.aggregatedList", f"{collection}[]"),
        address=f"{V1}/aggregated/{collection}",
        parameters=PARTIAL,
        size_parameter="maxResults",
        tags=tags,
        omit=omit,
        links=links,
        assets=assets,
    )


# fmt: off
KINDS: tuple[GcpKind, ...] = (
    _listed("gcp_health_check", "network", "healthChecks"),
    _listed(
        "gcp_url_map", "network", "urlMaps", LinkRule("routes_to", "defaultService"), LinkRule("routes_to",
        "pathMatchers[].defaultService"),
        LinkRule("routes_to", "pathMatchers[].pathRules[].service"), omit=("status", "tests"),
    ),
    _listed("gcp_target_http_proxy", "network", "targetHttpProxies", LinkRule("routes_to", "urlMap")),
    _listed(
        "gcp_target_https_proxy", "network", "targetHttpsProxies", LinkRule("routes_to", "urlMap"),
        LinkRule("uses_certificate", "sslCertificates[]"), LinkRule("uses", "sslPolicy"),
    ),
    _listed("gcp_ssl_certificate", "certificate", "sslCertificates", omit=("privateKey", "selfManaged.privateKey")),
    _listed("gcp_ssl_policy", "network", "sslPolicies"),
    _listed("gcp_security_policy", "network", "securityPolicies", tags="labels"),
    _listed(
        "gcp_network_endpoint_group", "network", "networkEndpointGroups", IN_VPC, IN_SUBNET, omit=("size",),
    ),
    GcpKind(
        "gcp_firewall_policy", "network", LINK, "compute.networkFirewallPolicies.aggregatedList", "firewallPolicies[]", tags="",
        address=f"{V1}/aggregated/firewallPolicies", parameters=PARTIAL, size_parameter="maxResults",
        links=(LinkRule("applies_to", "associations[].attachmentTarget"),), permission="compute.firewallPolicies.list",
    ),
    GcpKind(
        "gcp_backend_bucket", "network", LINK, "compute.backendBuckets.list", "items[]", tags="", address=f"{V1}/global/backendBuckets",
        size_parameter="maxResults", links=(LinkRule("routes_to", "bucketName", "//storage.googleapis.com/projects/_/buckets/{value}"),),
        omit=("usedBy",),
    ),
    _listed(
        "gcp_vpn_tunnel", "network", "vpnTunnels", LinkRule("uses", "router"), LinkRule("uses", "vpnGateway"), LinkRule("uses",
        "targetVpnGateway"),
        tags="labels", omit=("sharedSecret", "sharedSecretHash", "detailedStatus"), assets=("compute.googleapis.com/VpnTunnel",),
    ),
    _listed("gcp_target_vpn_gateway", "network", "targetVpnGateways", IN_VPC, tags="labels", omit=("status",)),
    _listed("gcp_vpn_gateway", "network", "vpnGateways", IN_VPC, tags="labels", assets=("compute.googleapis.com/VpnGateway",)),
    _listed(
        "gcp_interconnect_attachment", "network", "interconnectAttachments", LinkRule("uses", "router"), LinkRule("uses", "interconnect"),
        tags="labels", omit=("pairingKey",), assets=("compute.googleapis.com/InterconnectAttachment",),
    ),
)
