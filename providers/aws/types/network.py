"""Networks: what is in a VPC, what joins VPCs, what balances load."""

from __future__ import annotations

from providers.aws.declaration import AwsKind, Batch, Detail, Listing
from providers.catalogue.kinds import LinkRule

IN_VPC = LinkRule("in_vpc", "VpcId", "ec2:vpc/{value}")
IN_SUBNET = LinkRule("in_subnet", "SubnetId", "ec2:subnet/{value}")
SECURITY_GROUP = "ec2:security-group/{value}"
FUNCTION = r"(?P<function>arn:[^:]+:lambda:[^:]+:\d+:function:[^:]+)"
"""The ARN of a function, without the alias or the version that may follow."""
BUCKET_HOST = r"(?P<bucket>.+)\.s3[.-](?:[a-z0-9-]+\.)*amazonaws\.com"
"""Host names of buckets, with and without a region, and those of buckets that are websites."""
VPC_OF = "arn:{{partition}}:ec2:{{{0}.Region|region}}:{{{0}.OwnerId|account}}:vpc/{{value}}"
TRANSIT_GATEWAY = "arn:{partition}:ec2:{region}:{TransitGatewayOwnerId|account}:transit-gateway/{value}"
VPC_OF_ATTACHMENT = "arn:{partition}:ec2:{region}:{ResourceOwnerId|account}:vpc/{value}"
"""Both sides of a peering or an attachment have it, each under its own ARN; what it joins belongs to the owner that AWS names."""
LOGGED = (
    ("vpc", "vpc-"), ("subnet", "subnet-"), ("network-interface", "eni-"), ("transit-gateway", "tgw-(?!attach-)"),
    ("transit-gateway-attachment", "tgw-attach-"), ("natgateway", "nat-"),
)  # fmt: skip
"""Things of which there are flow logs: what each is, and how its id starts."""
ROUTES = (
    ("GatewayId", "internet-gateway", "igw-"), ("GatewayId", "vpn-gateway", "vgw-"), ("GatewayId", "vpc-endpoint", "vpce-"),
    ("NatGatewayId", "natgateway", ""), ("TransitGatewayId", "transit-gateway", ""), ("InstanceId", "instance", ""),
    ("NetworkInterfaceId", "network-interface", ""), ("VpcPeeringConnectionId", "vpc-peering-connection", ""),
    ("EgressOnlyInternetGatewayId", "egress-only-internet-gateway", ""), ("CarrierGatewayId", "carrier-gateway", ""),
    ("LocalGatewayId", "local-gateway", ""),
)  # fmt: skip
"""Targets of a route: the key that names each, what it is, and how its ids start where one key names several. A gateway `local` is none."""


def not_gone(filter_name: str, *states: str) -> list[dict[str, object]]:
    """EC2 goes on listing what was deleted, for an hour or so."""
    return [{"Name": filter_name, "Values": list(states)}]


BALANCERS = Listing("DescribeLoadBalancers", "LoadBalancers[]", into="LoadBalancer")
OF_BALANCER = {"LoadBalancerArn": "{LoadBalancer.LoadBalancerArn}"}
LISTENERS = Listing("DescribeListeners", "Listeners[]", into="Listener", parameters=OF_BALANCER, under=BALANCERS)
APIS = "arn:{partition}:apigateway:{region}::/"

# A table reads better than one argument a line.
# fmt: off
NETWORK = (
    AwsKind(
        "vpc", "vpc", "ec2:vpc/{VpcId}", "ec2", "DescribeVpcs", "Vpcs[]", own="OwnerId",
    ),
    AwsKind(
        "subnet", "subnet", "ec2:subnet/{SubnetId}", "ec2", "DescribeSubnets", "Subnets[]", own="OwnerId", links=(IN_VPC,),
        parent="ec2:vpc/{VpcId}", omit=("AvailableIpAddressCount",),
    ),
    AwsKind(
        "security_group", "network", "ec2:security-group/{GroupId}", "ec2", "DescribeSecurityGroups", "SecurityGroups[]",
        name="GroupName", own="OwnerId", links=(IN_VPC,), unordered=("IpPermissions", "IpPermissionsEgress"),
    ),
    AwsKind(
        "route_table", "network", "ec2:route-table/{RouteTableId}", "ec2", "DescribeRouteTables", "RouteTables[]", own="OwnerId",
        unordered=("Associations", "Routes"),
        links=(
            IN_VPC, LinkRule("attached_to", "Associations[].SubnetId", "ec2:subnet/{value}"),
            *(LinkRule("routes_to", f"Routes[].{key}", f"ec2:{to}/{{value}}", match=start) for key, to, start in ROUTES),
            LinkRule("routes_to", "Routes[].CoreNetworkArn"),
        ),
    ),
    AwsKind(
        "network_acl", "network", "ec2:network-acl/{NetworkAclId}", "ec2", "DescribeNetworkAcls", "NetworkAcls[]", own="OwnerId",
        links=(IN_VPC, LinkRule("attached_to", "Associations[].SubnetId", "ec2:subnet/{value}")), unordered=("Associations", "Entries"),
    ),
    AwsKind(
        "network_interface", "network", "ec2:network-interface/{NetworkInterfaceId}", "ec2", "DescribeNetworkInterfaces",
        "NetworkInterfaces[]", own="OwnerId", tags="TagSet", unordered=("Groups",),
        links=(
            IN_VPC, IN_SUBNET, LinkRule("attached_to", "Attachment.InstanceId", "ec2:instance/{value}"),
            LinkRule("has_security_group", "Groups[].GroupId", SECURITY_GROUP),
        ),
    ),
    AwsKind(
        "internet_gateway", "network", "ec2:internet-gateway/{InternetGatewayId}", "ec2", "DescribeInternetGateways",
        "InternetGateways[]", own="OwnerId",
        links=(LinkRule("attached_to", "Attachments[].VpcId", "ec2:vpc/{value}"),),
    ),
    AwsKind(
        "nat_gateway", "network", "ec2:natgateway/{NatGatewayId}", "ec2", "DescribeNatGateways", "NatGateways[]",
        parameters={"Filter": not_gone("state", "pending", "failed", "available", "deleting")},
        links=(IN_VPC, IN_SUBNET, LinkRule("has_address", "NatGatewayAddresses[].AllocationId", "ec2:elastic-ip/{value}")),
    ),
    AwsKind(
        "elastic_ip", "network", "ec2:elastic-ip/{AllocationId}", "ec2", "DescribeAddresses", "Addresses[]", name="PublicIp",
        links=(
            LinkRule("attached_to", "InstanceId", "ec2:instance/{value}"),
            LinkRule("attached_to", "NetworkInterfaceId", "ec2:network-interface/{value}"),
        ),
    ),
    AwsKind(
        "vpc_endpoint", "network", "ec2:vpc-endpoint/{VpcEndpointId}", "ec2", "DescribeVpcEndpoints", "VpcEndpoints[]", own="OwnerId",
        unordered=("SubnetIds", "RouteTableIds", "Groups", "NetworkInterfaceIds"),
        links=(
            IN_VPC, LinkRule("in_subnet", "SubnetIds[]", "ec2:subnet/{value}"),
            LinkRule("has_security_group", "Groups[].GroupId", SECURITY_GROUP),
            LinkRule("attached_to", "RouteTableIds[]", "ec2:route-table/{value}"),
        ),
    ),
    AwsKind(
        "vpc_peering", "network", "ec2:vpc-peering-connection/{VpcPeeringConnectionId}", "ec2", "DescribeVpcPeeringConnections",
        "VpcPeeringConnections[]",
        parameters={"Filters": not_gone("status-code", "initiating-request", "pending-acceptance", "provisioning", "active", "failed")},
        links=(
            LinkRule("connects", "RequesterVpcInfo.VpcId", VPC_OF.format("RequesterVpcInfo")),
            LinkRule("connects", "AccepterVpcInfo.VpcId", VPC_OF.format("AccepterVpcInfo")),
        ),
    ),
    AwsKind(
        "transit_gateway", "network", "{TransitGatewayArn}", "ec2", "DescribeTransitGateways", "TransitGateways[]", own="OwnerId",
        parameters={"Filters": not_gone("state", "pending", "available", "modifying", "deleting")},
    ),
    AwsKind(
        "transit_gateway_attachment", "network", "ec2:transit-gateway-attachment/{TransitGatewayAttachmentId}", "ec2",
        "DescribeTransitGatewayAttachments", "TransitGatewayAttachments[]",
        links=(
            LinkRule("attached_to", "TransitGatewayId", TRANSIT_GATEWAY),
            LinkRule("connects", "ResourceId", VPC_OF_ATTACHMENT, when=("ResourceType", "vpc")),
        ),
    ),
    AwsKind(
        "vpn_connection", "network", "ec2:vpn-connection/{VpnConnectionId}", "ec2", "DescribeVpnConnections", "VpnConnections[]",
        parameters={"Filters": not_gone("state", "pending", "available", "deleting")},
        omit=("CustomerGatewayConfiguration", "Options", "VgwTelemetry"),
        links=(LinkRule("attached_to", "TransitGatewayId", "ec2:transit-gateway/{value}"),),
    ),
    AwsKind(
        "direct_connect_connection", "network", "directconnect:dxcon/{connectionId}", "directconnect", "DescribeConnections",
        "connections[]", name="connectionName", tags="tags", own="ownerAccount", omit=("loaIssueTime", "macSecKeys"),
    ),
    AwsKind(
        "load_balancer", "network", "{LoadBalancerArn}", "elbv2", "DescribeLoadBalancers", "LoadBalancers[]", name="LoadBalancerName",
        batches=(Batch("DescribeTags", "ResourceArns", "LoadBalancerArn", "TagDescriptions[]", "ResourceArn", 20),),
        unordered=("AvailabilityZones", "SecurityGroups"),
        links=(
            IN_VPC, LinkRule("in_subnet", "AvailabilityZones[].SubnetId", "ec2:subnet/{value}"),
            LinkRule("has_security_group", "SecurityGroups[]", SECURITY_GROUP),
        ),
    ),
    AwsKind(
        "listener", "network", "{ListenerArn}", "elbv2", "DescribeListeners", "Listeners[]",
        under=BALANCERS, parameters=OF_BALANCER, parent="{LoadBalancerArn}",
        batches=(Batch("DescribeTags", "ResourceArns", "ListenerArn", "TagDescriptions[]", "ResourceArn", 20),),
        omit=("LoadBalancer", "DefaultActions[].AuthenticateOidcConfig.ClientSecret"),
        links=(
            LinkRule("forwards_to", "DefaultActions[].TargetGroupArn"), LinkRule("uses", "Certificates[].CertificateArn"),
            LinkRule("forwards_to", "DefaultActions[].ForwardConfig.TargetGroups[].TargetGroupArn"),
        ),
    ),
    AwsKind(
        "listener_rule", "network", "{RuleArn}", "elbv2", "DescribeRules", "Rules[]", name="Priority", under=LISTENERS,
        parameters={"ListenerArn": "{Listener.ListenerArn}"}, parent="{Listener.ListenerArn}",
        batches=(Batch("DescribeTags", "ResourceArns", "RuleArn", "TagDescriptions[]", "ResourceArn", 20),),
        omit=("LoadBalancer", "Listener", "Actions[].AuthenticateOidcConfig.ClientSecret"),
        links=(
            LinkRule("forwards_to", "Actions[].TargetGroupArn"),
            LinkRule("forwards_to", "Actions[].ForwardConfig.TargetGroups[].TargetGroupArn"),
        ),
    ),
    AwsKind(
        "target_group", "network", "{TargetGroupArn}", "elbv2", "DescribeTargetGroups", "TargetGroups[]", name="TargetGroupName",
        batches=(Batch("DescribeTags", "ResourceArns", "TargetGroupArn", "TagDescriptions[]", "ResourceArn", 20),),
        details=(Detail("DescribeTargetHealth", {"TargetGroupArn": "{TargetGroupArn}"}, "TargetHealthDescriptions[]", "Targets"),),
        links=(
            IN_VPC, LinkRule("attached_to", "LoadBalancerArns[]"),
            LinkRule("balances", "Targets[].Target.Id", "ec2:instance/{value}", when=("TargetType", "instance")),
            LinkRule("balances", "Targets[].Target.Id", "{function}", when=("TargetType", "lambda"), match=FUNCTION),
            LinkRule("balances", "Targets[].Target.Id", when=("TargetType", "alb")),
        ),
        omit=("Targets[].TargetHealth", "Targets[].AnomalyDetection", "Targets[].AdministrativeOverride"),
        unordered=("LoadBalancerArns", "Targets"),
    ),
    AwsKind(
        "classic_load_balancer", "network", "elasticloadbalancing:loadbalancer/{LoadBalancerName}", "elb", "DescribeLoadBalancers",
        "LoadBalancerDescriptions[]", name="LoadBalancerName",
        batches=(Batch("DescribeTags", "LoadBalancerNames", "LoadBalancerName", "TagDescriptions[]", "LoadBalancerName", 20),),
        unordered=("AvailabilityZones", "Subnets", "SecurityGroups", "Instances"),
        links=(
            LinkRule("in_vpc", "VPCId", "ec2:vpc/{value}"), LinkRule("in_subnet", "Subnets[]", "ec2:subnet/{value}"),
            LinkRule("has_security_group", "SecurityGroups[]", SECURITY_GROUP),
            LinkRule("balances", "Instances[].InstanceId", "ec2:instance/{value}"),
        ),
    ),
    AwsKind(
        "route53_zone", "dns", "arn:{partition}:route53:::hostedzone/{Id/}", "route53", "ListHostedZones", "HostedZones[]", name="Name",
        tagged_as="route53:hostedzone", regional=False, omit=("ResourceRecordSetCount",),
    ),
    AwsKind(
        "route53_record", "dns", "arn:{partition}:route53:::hostedzone/{Zone.Id/}/{Type}/{Name}/{SetIdentifier?}", "route53",
        "ListResourceRecordSets", "ResourceRecordSets[]", name="Name", tags="", regional=False,
        under=Listing("ListHostedZones", "HostedZones[]", into="Zone"), parameters={"HostedZoneId": "{Zone.Id}"},
        parent="arn:{partition}:route53:::hostedzone/{Zone.Id/}", omit=("Zone", "AliasOf"), unordered=("ResourceRecords",),
        links=(
            LinkRule("alias_of", "AliasOf"),
            LinkRule("uses", "HealthCheckId", "arn:{partition}:route53:::healthcheck/{value}"),
            LinkRule("alias_of", "AliasTarget.DNSName", "arn:{partition}:ec2:{where}:{account}:vpc-endpoint/{endpoint}",
                     match=r"(?P<endpoint>vpce-\w+)-.+\.(?P<where>[a-z0-9-]+)\.vpce\.amazonaws\.com"),
        ),
    ),
    AwsKind(
        "cloudfront_distribution", "network", "{ARN}", "cloudfront", "ListDistributions", "DistributionList.Items[]", name="DomainName",
        tagged_as="cloudfront:distribution", regional=False, names_only=("Origins.Items[].CustomHeaders.Items",),
        links=(
            LinkRule("serves", "Origins.Items[].DomainName", "arn:{partition}:s3:::{bucket}", match=BUCKET_HOST),
            LinkRule("uses", "ViewerCertificate.ACMCertificateArn"), LinkRule("protected_by", "WebACLId", match="arn:"),
        ),
    ),
    AwsKind(
        "rest_api", "network", "arn:{partition}:apigateway:{region}::/restapis/{id}", "apigateway", "GetRestApis", "items[]",
        name="name", tags="tags", permission="apigateway:GET", unmasked=("apiKeySource",),
        links=(LinkRule("exposed_by", "endpointConfiguration.vpcEndpointIds[]", "ec2:vpc-endpoint/{value}"),),
    ),
    AwsKind(
        "http_api", "network", "arn:{partition}:apigateway:{region}::/apis/{ApiId}", "apigatewayv2", "GetApis", "Items[]", name="Name",
        permission="apigateway:GET", unmasked=("ApiKeySelectionExpression",),
    ),
    AwsKind(
        "web_acl", "network", "{ARN}", "wafv2", "ListWebACLs", "WebACLs[]", name="Name", parameters={"Scope": "REGIONAL"}, tags="",
        omit=("LockToken",),
    ),
    AwsKind(
        "cloudfront_web_acl", "network", "{ARN}", "wafv2", "ListWebACLs", "WebACLs[]", name="Name", parameters={"Scope": "CLOUDFRONT"},
        tags="", regional=False, omit=("LockToken",), unsupported=("WAFInvalidParameterException",),
    ),
    AwsKind(
        "transit_gateway_route_table", "network", "ec2:transit-gateway-route-table/{TransitGatewayRouteTableId}", "ec2",
        "DescribeTransitGatewayRouteTables", "TransitGatewayRouteTables[]",
        parameters={"Filters": not_gone("state", "pending", "available", "deleting")},
        links=(LinkRule("attached_to", "TransitGatewayId", "ec2:transit-gateway/{value}"),),
    ),
    AwsKind(
        "prefix_list", "network", "{PrefixListArn}", "ec2", "DescribeManagedPrefixLists", "PrefixLists[]", name="PrefixListName",
        own="OwnerId",
    ),
    AwsKind(
        "vpc_endpoint_service", "network", "ec2:vpc-endpoint-service/{ServiceId}", "ec2", "DescribeVpcEndpointServiceConfigurations",
        "ServiceConfigurations[]", name="ServiceName",
        unordered=("NetworkLoadBalancerArns", "GatewayLoadBalancerArns", "AvailabilityZones"),
        links=(LinkRule("exposes", "NetworkLoadBalancerArns[]"), LinkRule("exposes", "GatewayLoadBalancerArns[]")),
    ),
    AwsKind(
        "flow_log", "monitoring", "ec2:vpc-flow-log/{FlowLogId}", "ec2", "DescribeFlowLogs", "FlowLogs[]",
        omit=("DeliverLogsErrorMessage",),
        links=(
            *(LinkRule("applies_to", "ResourceId", f"ec2:{to}/{{value}}", match=start) for to, start in LOGGED),
            LinkRule("writes_to", "LogDestination", "{bucket}", match="(?P<bucket>arn:[^:]+:s3:::[^/]+)"),
            LinkRule("writes_to", "LogDestination", match="arn:[^:]+:firehose:"),
            LinkRule("writes_to", "LogGroupName", "logs:log-group:{value}"), LinkRule("has_role", "DeliverLogsPermissionArn"),
        ),
    ),
    AwsKind(
        "route53_health_check", "monitoring", "arn:{partition}:route53:::healthcheck/{Id}", "route53", "ListHealthChecks", "HealthChecks[]",
        tagged_as="route53:healthcheck", regional=False,
        links=(
            LinkRule("depends_on", "HealthCheckConfig.ChildHealthChecks[]", "arn:{partition}:route53:::healthcheck/{value}"),
            LinkRule("depends_on", "HealthCheckConfig.AlarmIdentifier", "arn:{partition}:cloudwatch:{Region}:{account}:alarm:{Name}"),
        ),
    ),
    AwsKind(
        "rest_api_stage", "network", APIS + "restapis/{Api.id}/stages/{stageName}", "apigateway", "GetStages", "item[]", name="stageName",
        tags="tags", permission="apigateway:GET", under=Listing("GetRestApis", "items[]", into="Api", permission="apigateway:GET"),
        parameters={"restApiId": "{Api.id}"}, parent=APIS + "restapis/{Api.id}",
        names_only=("variables", "canarySettings.stageVariableOverrides"), omit=("Api", "cacheClusterStatus"),
        links=(
            LinkRule("writes_to", "accessLogSettings.destinationArn"), LinkRule("protected_by", "webAclArn"),
            LinkRule("uses", "clientCertificateId", APIS + "clientcertificates/{value}"),
        ),
    ),
    AwsKind(
        "http_api_stage", "network", APIS + "apis/{Api.ApiId}/stages/{StageName}", "apigatewayv2", "GetStages", "Items[]", name="StageName",
        permission="apigateway:GET", under=Listing("GetApis", "Items[]", into="Api", permission="apigateway:GET"),
        parameters={"ApiId": "{Api.ApiId}"}, parent=APIS + "apis/{Api.ApiId}", names_only=("StageVariables",),
        omit=("Api", "LastDeploymentStatusMessage"), links=(LinkRule("writes_to", "AccessLogSettings.DestinationArn"),),
    ),
    AwsKind(
        "api_domain", "dns", APIS + "domainnames/{DomainName}", "apigatewayv2", "GetDomainNames", "Items[]", name="DomainName",
        permission="apigateway:GET",
        links=(
            LinkRule("uses", "DomainNameConfigurations[].CertificateArn"),
            LinkRule("reads_from", "MutualTlsAuthentication.TruststoreUri", "arn:{partition}:s3:::{bucket}", match="s3://(?P<bucket>[^/]+)"),
        ),
    ),
)
# fmt: on
