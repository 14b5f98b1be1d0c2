"""Types for networks, addresses, balancers, gateways and names."""

from __future__ import annotations

from providers.azure.kinds import ID, RESOURCES, AzureKind
from providers.catalogue.kinds import LinkRule

NETWORK_VERSION = "2023-09-01"
DNS_RECORDS = "DnsResources"
RECORD_TYPES = ("AAAA", "CNAME", "MX", "PTR", "SOA", "SRV", "TXT")
"""Beside A. Resource Graph has no NS and CAA records; a zone's own name servers are an attribute of the zone."""

# A table reads better than one argument a line.
# fmt: off
NETWORK = (
    AzureKind(
        "azure_vnet", "vpc", ID, "Microsoft.Network/virtualNetworks", RESOURCES, NETWORK_VERSION, back=("properties.subnets",),
        links=(LinkRule("peered_with", "properties.virtualNetworkPeerings[].properties.remoteVirtualNetwork.id"),),
    ),
    AzureKind(
        "azure_subnet", "subnet", ID, "Microsoft.Network/virtualNetworks/subnets",
        under="azure_vnet", inside="properties.subnets[]", permission="Microsoft.Network/virtualNetworks/read",
        tags="", parent="{parent}",
        back=("properties.ipConfigurations", "properties.privateEndpoints", "properties.ipConfigurationProfiles"),
        links=(
            LinkRule("has_security_group", "properties.networkSecurityGroup.id"),
            LinkRule("has_route_table", "properties.routeTable.id"),
            LinkRule("has_nat_gateway", "properties.natGateway.id"),
        ),
    ),
    AzureKind(
        "azure_network_security_group", "network", ID, "Microsoft.Network/networkSecurityGroups", RESOURCES, NETWORK_VERSION,
        back=("properties.networkInterfaces", "properties.subnets"),
    ),
    AzureKind("azure_application_security_group", "network", ID, "Microsoft.Network/applicationSecurityGroups", RESOURCES, NETWORK_VERSION),
    AzureKind(
        "azure_route_table", "network", ID, "Microsoft.Network/routeTables", RESOURCES, NETWORK_VERSION, back=("properties.subnets",),
    ),
    AzureKind(
        "azure_network_interface", "network", ID, "Microsoft.Network/networkInterfaces", RESOURCES, NETWORK_VERSION,
        back=("properties.privateEndpoint",),
        links=(
            LinkRule("attached_to", "properties.virtualMachine.id"),
            LinkRule("in_subnet", "properties.ipConfigurations[].properties.subnet.id"),
            LinkRule("has_address", "properties.ipConfigurations[].properties.publicIPAddress.id"),
            LinkRule("has_security_group", "properties.networkSecurityGroup.id"),
        ),
    ),
    AzureKind(
        "azure_public_ip_address", "network", ID, "Microsoft.Network/publicIPAddresses", RESOURCES, NETWORK_VERSION,
        links=(LinkRule("attached_to", "properties.ipConfiguration.id"),), back=("properties.ipConfiguration", "properties.natGateway"),
    ),
    AzureKind(
        "azure_nat_gateway", "network", ID, "Microsoft.Network/natGateways", RESOURCES, NETWORK_VERSION, back=("properties.subnets",),
        links=(LinkRule("has_address", "properties.publicIpAddresses[].id"),),
    ),
    AzureKind(
        "azure_load_balancer", "network", ID, "Microsoft.Network/loadBalancers", RESOURCES, NETWORK_VERSION,
        back=("properties.backendAddressPools[].properties.backendIPConfigurations",),
        links=(LinkRule("has_address", "properties.frontendIPConfigurations[].properties.publicIPAddress.id"),),
    ),
    AzureKind(
        "azure_application_gateway", "network", ID, "Microsoft.Network/applicationGateways", RESOURCES, NETWORK_VERSION,
        back=("properties.backendAddressPools[].properties.backendIPConfigurations",),
        links=(
            LinkRule("has_address", "properties.frontendIPConfigurations[].properties.publicIPAddress.id"),
            LinkRule("protected_by", "properties.firewallPolicy.id"),
        ),
    ),
    AzureKind(
        "azure_firewall", "network", ID, "Microsoft.Network/azureFirewalls", RESOURCES, NETWORK_VERSION,
        links=(
            LinkRule("has_address", "properties.ipConfigurations[].properties.publicIPAddress.id"),
            LinkRule("follows", "properties.firewallPolicy.id"),
        ),
    ),
    AzureKind(
        "azure_firewall_policy", "network", ID, "Microsoft.Network/firewallPolicies", RESOURCES, NETWORK_VERSION,
        back=("properties.firewalls", "properties.childPolicies"),
    ),
    AzureKind(
        "azure_network_gateway", "network", ID, "Microsoft.Network/virtualNetworkGateways", RESOURCES, NETWORK_VERSION,
        links=(LinkRule("has_address", "properties.ipConfigurations[].properties.publicIPAddress.id"),),
    ),
    AzureKind(
        "azure_express_route_circuit", "network", ID, "Microsoft.Network/expressRouteCircuits", RESOURCES, NETWORK_VERSION,
        omit=("properties.serviceKey", "properties.authorizationKey", "properties.activationKey"),  # whoever knows them, connects
    ),
    AzureKind(
        "azure_private_endpoint", "network", ID, "Microsoft.Network/privateEndpoints", RESOURCES, NETWORK_VERSION,
        links=(
            LinkRule("in_subnet", "properties.subnet.id"),
            LinkRule("has_interface", "properties.networkInterfaces[].id"),
            LinkRule("connects_to", "properties.privateLinkServiceConnections[].properties.privateLinkServiceId"),
            LinkRule("connects_to", "properties.manualPrivateLinkServiceConnections[].properties.privateLinkServiceId"),
        ),
    ),
    AzureKind(
        "azure_bastion_host", "network", ID, "Microsoft.Network/bastionHosts", RESOURCES, NETWORK_VERSION,
        links=(LinkRule("has_address", "properties.ipConfigurations[].properties.publicIPAddress.id"),),
    ),
    AzureKind("azure_dns_zone", "dns", ID, "Microsoft.Network/dnsZones", RESOURCES, "2018-05-01", omit=("properties.numberOfRecordSets",)),
    AzureKind(
        "azure_dns_record", "dns", ID, "Microsoft.Network/dnsZones/A", DNS_RECORDS, "2018-05-01", further=RECORD_TYPES, tags="",
        links=(LinkRule("points_to", "properties.targetResource.id"),),
    ),
    AzureKind(
        "azure_private_dns_zone", "dns", ID, "Microsoft.Network/privateDnsZones", RESOURCES, "2020-06-01",
        omit=("properties.numberOfRecordSets",),
    ),
    AzureKind(
        "azure_private_dns_record", "dns", ID, "Microsoft.Network/privateDnsZones/A", DNS_RECORDS, "2020-06-01", further=RECORD_TYPES,
        tags="",
    ),
    AzureKind("azure_front_door", "network", ID, "Microsoft.Network/frontDoors", RESOURCES, "2021-06-01"),
    AzureKind("azure_cdn_profile", "network", ID, "Microsoft.Cdn/profiles", RESOURCES, "2023-05-01"),
    AzureKind(
        "azure_traffic_manager_profile", "dns", ID, "Microsoft.Network/trafficManagerProfiles", RESOURCES, "2022-04-01",
        links=(LinkRule("routes_to", "properties.endpoints[].properties.targetResourceId"),),
    ),
    AzureKind(
        "azure_waf_policy", "network", ID, "Microsoft.Network/ApplicationGatewayWebApplicationFirewallPolicies", RESOURCES, NETWORK_VERSION,
        back=("properties.applicationGateways", "properties.httpListeners", "properties.pathBasedRules"),
    ),
)
