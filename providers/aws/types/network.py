"""Networks: what is in a VPC, what joins VPCs, what balances load."""

from __future__ import annotations

from providers.aws.declaration import Batch, Kind, LinkRule, Listing

IN_VPC = LinkRule("in_vpc", "VpcId", "ec2:vpc/{value}")
IN_SUBNET = LinkRule("in_subnet", "SubnetId", "ec2:subnet/{value}")
SECURITY_GROUP = "ec2:security-group/{value}"


def not_gone(filter_name: str, *states: str) -> list[dict[str, object]]:
    """EC2 goes on listing what was deleted, for an hour or so."""
    return [{"Name": filter_name, "Values": list(states)}]


# A table reads better than one argument a line.
# fmt: off
NETWORK = (
    Kind(
        "vpc", "vpc", "ec2", "DescribeVpcs", "Vpcs[]", "ec2:vpc/{VpcId}", own="OwnerId",
    ),
    Kind(
        "subnet", "subnet", "ec2", "DescribeSubnets", "Subnets[]", "ec2:subnet/{SubnetId}", own="OwnerId", links=(IN_VPC,),
        parent="ec2:vpc/{VpcId}", omit=("AvailableIpAddressCount",),
    ),
    Kind(
        "security_group", "network", "ec2", "DescribeSecurityGroups", "SecurityGroups[]", "ec2:security-group/{GroupId}",
        name="GroupName", own="OwnerId", links=(IN_VPC,), unordered=("IpPermissions", "IpPermissionsEgress"),
    ),
    Kind(
        "route_table", "network", "ec2", "DescribeRouteTables", "RouteTables[]", "ec2:route-table/{RouteTableId}", own="OwnerId",
        unordered=("Associations", "Routes"),
        links=(
            IN_VPC, LinkRule("attached_to", "Associations[].SubnetId", "ec2:subnet/{value}"),
            LinkRule("routes_to", "Routes[].NatGatewayId", "ec2:natgateway/{value}"),
            LinkRule("routes_to", "Routes[].TransitGatewayId", "ec2:transit-gateway/{value}"),
        ),
    ),
    Kind(
        "network_acl", "network", "ec2", "DescribeNetworkAcls", "NetworkAcls[]", "ec2:network-acl/{NetworkAclId}", own="OwnerId",
        links=(IN_VPC, LinkRule("attached_to", "Associations[].SubnetId", "ec2:subnet/{value}")), unordered=("Associations", "Entries"),
    ),
    Kind(
        "network_interface", "network", "ec2", "DescribeNetworkInterfaces", "NetworkInterfaces[]",
        "ec2:network-interface/{NetworkInterfaceId}", own="OwnerId", tags="TagSet", unordered=("Groups",),
        links=(
            IN_VPC, IN_SUBNET, LinkRule("attached_to", "Attachment.InstanceId", "ec2:instance/{value}"),
            LinkRule("has_security_group", "Groups[].GroupId", SECURITY_GROUP),
        ),
    ),
    Kind(
        "internet_gateway", "network", "ec2", "DescribeInternetGateways", "InternetGateways[]",
        "ec2:internet-gateway/{InternetGatewayId}", own="OwnerId",
        links=(LinkRule("attached_to", "Attachments[].VpcId", "ec2:vpc/{value}"),),
    ),
    Kind(
        "nat_gateway", "network", "ec2", "DescribeNatGateways", "NatGateways[]", "ec2:natgateway/{NatGatewayId}",
        parameters={"Filter": not_gone("state", "pending", "failed", "available", "deleting")}, links=(IN_VPC, IN_SUBNET),
    ),
    Kind(
        "elastic_ip", "network", "ec2", "DescribeAddresses", "Addresses[]", "ec2:elastic-ip/{AllocationId}", name="PublicIp",
        links=(
            LinkRule("attached_to", "InstanceId", "ec2:instance/{value}"),
            LinkRule("attached_to", "NetworkInterfaceId", "ec2:network-interface/{value}"),
        ),
    ),
    Kind(
        "vpc_endpoint", "network", "ec2", "DescribeVpcEndpoints", "VpcEndpoints[]", "ec2:vpc-endpoint/{VpcEndpointId}", own="OwnerId",
        unordered=("SubnetIds", "RouteTableIds", "Groups", "NetworkInterfaceIds"),
        links=(
            IN_VPC, LinkRule("in_subnet", "SubnetIds[]", "ec2:subnet/{value}"),
            LinkRule("has_security_group", "Groups[].GroupId", SECURITY_GROUP),
        ),
    ),
    Kind(
        "vpc_peering", "network", "ec2", "DescribeVpcPeeringConnections", "VpcPeeringConnections[]",
        "ec2:vpc-peering-connection/{VpcPeeringConnectionId}",
        parameters={"Filters": not_gone("status-code", "initiating-request", "pending-acceptance", "provisioning", "active", "failed")},
        own="RequesterVpcInfo.OwnerId",
        links=(
            LinkRule("connects", "RequesterVpcInfo.VpcId", "ec2:vpc/{value}"),
            LinkRule("connects", "AccepterVpcInfo.VpcId", "ec2:vpc/{value}"),
        ),
    ),
    Kind(
        "transit_gateway", "network", "ec2", "DescribeTransitGateways", "TransitGateways[]", "{TransitGatewayArn}", own="OwnerId",
        parameters={"Filters": not_gone("state", "pending", "available", "modifying", "deleting")},
    ),
    Kind(
        "transit_gateway_attachment", "network", "ec2", "DescribeTransitGatewayAttachments", "TransitGatewayAttachments[]",
        "ec2:transit-gateway-attachment/{TransitGatewayAttachmentId}", own="ResourceOwnerId",
        links=(LinkRule("attached_to", "TransitGatewayId", "ec2:transit-gateway/{value}"),),
    ),
    Kind(
        "vpn_connection", "network", "ec2", "DescribeVpnConnections", "VpnConnections[]", "ec2:vpn-connection/{VpnConnectionId}",
        parameters={"Filters": not_gone("state", "pending", "available", "deleting")},
        omit=("CustomerGatewayConfiguration", "Options", "VgwTelemetry"),
        links=(LinkRule("attached_to", "TransitGatewayId", "ec2:transit-gateway/{value}"),),
    ),
    Kind(
        "direct_connect_connection", "network", "directconnect", "DescribeConnections", "connections[]",
        "directconnect:dxcon/{connectionId}", name="connectionName", tags="tags", own="ownerAccount", omit=("loaIssueTime", "macSecKeys"),
    ),
    Kind(
        "load_balancer", "network", "elbv2", "DescribeLoadBalancers", "LoadBalancers[]", "{LoadBalancerArn}", name="LoadBalancerName",
        batches=(Batch("DescribeTags", "ResourceArns", "LoadBalancerArn", "TagDescriptions[]", "ResourceArn", 20),),
        unordered=("AvailabilityZones", "SecurityGroups"),
        links=(
            IN_VPC, LinkRule("in_subnet", "AvailabilityZones[].SubnetId", "ec2:subnet/{value}"),
            LinkRule("has_security_group", "SecurityGroups[]", SECURITY_GROUP),
        ),
    ),
    Kind(
        "listener", "network", "elbv2", "DescribeListeners", "Listeners[]", "{ListenerArn}",
        under=Listing("DescribeLoadBalancers", "LoadBalancers[]", into="LoadBalancer"),
        parameters={"LoadBalancerArn": "{LoadBalancer.LoadBalancerArn}"}, parent="{LoadBalancerArn}",
        batches=(Batch("DescribeTags", "ResourceArns", "ListenerArn", "TagDescriptions[]", "ResourceArn", 20),),
        omit=("LoadBalancer", "DefaultActions[].AuthenticateOidcConfig.ClientSecret"),
        links=(
            LinkRule("forwards_to", "DefaultActions[].TargetGroupArn"), LinkRule("uses", "Certificates[].CertificateArn"),
        ),
    ),
    Kind(
        "target_group", "network", "elbv2", "DescribeTargetGroups", "TargetGroups[]", "{TargetGroupArn}", name="TargetGroupName",
        batches=(Batch("DescribeTags", "ResourceArns", "TargetGroupArn", "TagDescriptions[]", "ResourceArn", 20),),
        links=(IN_VPC, LinkRule("attached_to", "LoadBalancerArns[]")), unordered=("LoadBalancerArns",),
    ),
    Kind(
        "classic_load_balancer", "network", "elb", "DescribeLoadBalancers", "LoadBalancerDescriptions[]",
        "elasticloadbalancing:loadbalancer/{LoadBalancerName}", name="LoadBalancerName",
        batches=(Batch("DescribeTags", "LoadBalancerNames", "LoadBalancerName", "TagDescriptions[]", "LoadBalancerName", 20),),
        unordered=("AvailabilityZones", "Subnets", "SecurityGroups", "Instances"),
        links=(
            LinkRule("in_vpc", "VPCId", "ec2:vpc/{value}"), LinkRule("in_subnet", "Subnets[]", "ec2:subnet/{value}"),
            LinkRule("has_security_group", "SecurityGroups[]", SECURITY_GROUP),
            LinkRule("balances", "Instances[].InstanceId", "ec2:instance/{value}"),
        ),
    ),
    Kind(
        "route53_zone", "dns", "route53", "ListHostedZones", "HostedZones[]", "arn:{partition}:route53:::{Id}", name="Name", tags="",
        regional=False, omit=("ResourceRecordSetCount",),
    ),
    Kind(
        "route53_record", "dns", "route53", "ListResourceRecordSets", "ResourceRecordSets[]",
        "arn:{partition}:route53:::{Zone.Id}/{Type}/{Name}/{SetIdentifier?}", name="Name", tags="", regional=False,
        under=Listing("ListHostedZones", "HostedZones[]", into="Zone"), parameters={"HostedZoneId": "{Zone.Id}"},
        parent="arn:{partition}:route53:::{Zone.Id}", omit=("Zone",), unordered=("ResourceRecords",),
    ),
    Kind(
        "cloudfront_distribution", "network", "cloudfront", "ListDistributions", "DistributionList.Items[]", "{ARN}", name="DomainName",
        tagged_as="cloudfront:distribution", regional=False,
    ),
    Kind(
        "rest_api", "network", "apigateway", "GetRestApis", "items[]", "arn:{partition}:apigateway:{region}::/restapis/{id}",
        name="name", tags="tags", permission="apigateway:GET",
    ),
    Kind(
        "http_api", "network", "apigatewayv2", "GetApis", "Items[]", "arn:{partition}:apigateway:{region}::/apis/{ApiId}", name="Name",
        permission="apigateway:GET",
    ),
    Kind(
        "web_acl", "network", "wafv2", "ListWebACLs", "WebACLs[]", "{ARN}", name="Name", parameters={"Scope": "REGIONAL"}, tags="",
        omit=("LockToken",),
    ),
    Kind(
        "cloudfront_web_acl", "network", "wafv2", "ListWebACLs", "WebACLs[]", "{ARN}", name="Name", parameters={"Scope": "CLOUDFRONT"},
        tags="", regional=False, omit=("LockToken",), unsupported=("WAFInvalidParameterException",),
    ),
)
# fmt: on
