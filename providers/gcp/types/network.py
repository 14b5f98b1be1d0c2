"""Networks of Compute Engine, and what balances load in them."""

from __future__ import annotations

from providers.catalogue.kinds import LinkRule
from providers.gcp.declaration import GcpKind
from providers.gcp.types.texts import ATTACHED_TO, IN_SUBNET, IN_VPC, LINK, SERVICE_ACCOUNT

# fmt: off
KINDS: tuple[GcpKind, ...] = (
    GcpKind(
        "gcp_network", "vpc", LINK, "compute.networks.list", "items[]", tags="",
        links=(LinkRule("peered_with", "peerings[].network"),), unordered=("subnetworks",),
    ),
    GcpKind("gcp_subnetwork", "subnet", LINK, "compute.subnetworks.aggregatedList", "subnetworks[]", tags="", links=(IN_VPC,)),
    GcpKind(
        "gcp_firewall", "network", LINK, "compute.firewalls.list", "items[]", tags="",
        links=(
            IN_VPC, LinkRule("allows_from", "sourceServiceAccounts[]", SERVICE_ACCOUNT),
            LinkRule("applies_to", "targetServiceAccounts[]", SERVICE_ACCOUNT),
        ),
    ),
    GcpKind("gcp_route", "network", LINK, "compute.routes.list", "items[]", tags="", links=(IN_VPC,)),
    GcpKind(
        "gcp_router", "network", LINK, "compute.routers.aggregatedList", "routers[]", tags="", links=(IN_VPC,),
        omit=("md5AuthenticationKeys[].key",),
    ),
    GcpKind(
        "gcp_address", "network", LINK, "compute.addresses.aggregatedList", "addresses[]", also=("compute.globalAddresses.list",),
        links=(ATTACHED_TO, IN_VPC, IN_SUBNET), unordered=("users",),
    ),
    GcpKind(
        "gcp_forwarding_rule", "network", LINK, "compute.forwardingRules.aggregatedList", "forwardingRules[]",
        links=(IN_VPC, IN_SUBNET, LinkRule("routes_to", "target"), LinkRule("routes_to", "backendService")),
    ),
    GcpKind(
        "gcp_backend_service", "network", LINK, "compute.backendServices.aggregatedList", "backendServices[]", tags="",
        links=(IN_VPC, LinkRule("routes_to", "backends[].group")),
        omit=("iap.oauth2ClientSecret", "securitySettings.awsV4Authentication.accessKey", "customRequestHeaders"),
    ),
)
