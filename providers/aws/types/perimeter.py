"""The border of networks and accounts: firewalls, resolvers, shares, directories, APIs.

These are optional types, as each service costs a client in every region.
"""

from __future__ import annotations

from providers.aws.declaration import KEY, AwsKind, Detail
from providers.aws.types.network import IN_VPC, SECURITY_GROUP
from providers.catalogue.kinds import LinkRule

# A table reads better than one argument a line.
# fmt: off
PERIMETER = (
    AwsKind(
        "network_firewall", "network", "{FirewallArn}", "network-firewall", "ListFirewalls", "Firewalls[]", name="FirewallName",
        optional=True, details=(Detail("DescribeFirewall", {"FirewallArn": "{FirewallArn}"}, "Firewall"),), omit=("NumberOfAssociations",),
        links=(
            IN_VPC, LinkRule("in_subnet", "SubnetMappings[].SubnetId", "ec2:subnet/{value}"), LinkRule("uses", "FirewallPolicyArn"),
            LinkRule("encrypted_with", "EncryptionConfiguration.KeyId", KEY, when=("EncryptionConfiguration.Type", "CUSTOMER_KMS")),
        ),
    ),
    AwsKind(
        "resolver_endpoint", "dns", "{Arn}", "route53resolver", "ListResolverEndpoints", "ResolverEndpoints[]", name="Name",
        tagged_as="route53resolver:resolver-endpoint", optional=True, omit=("StatusMessage",), unordered=("SecurityGroupIds",),
        links=(
            LinkRule("in_vpc", "HostVPCId", "ec2:vpc/{value}"), LinkRule("has_security_group", "SecurityGroupIds[]", SECURITY_GROUP),
        ),
    ),
    AwsKind(
        "resolver_rule", "dns", "{Arn}", "route53resolver", "ListResolverRules", "ResolverRules[]", name="Name", own="OwnerId",
        tagged_as="route53resolver:resolver-rule", optional=True, omit=("StatusMessage",),
        links=(LinkRule("uses", "ResolverEndpointId", "route53resolver:resolver-endpoint/{value}"),),
    ),
    AwsKind(
        "resource_share", "permission", "{resourceShareArn}", "ram", "GetResourceShares", "resourceShares[]", name="name", tags="tags",
        parameters={"resourceOwner": "SELF"}, unless=(("status", "DELETED"),), optional=True, omit=("statusMessage",),
    ),
    AwsKind(
        "directory", "identity_provider", "ds:directory/{DirectoryId}", "ds", "DescribeDirectories", "DirectoryDescriptions[]", name="Name",
        tagged_as="ds:directory", optional=True, omit=("StageReason",),
        links=(
            LinkRule("in_vpc", "VpcSettings.VpcId", "ec2:vpc/{value}"),
            LinkRule("in_subnet", "VpcSettings.SubnetIds[]", "ec2:subnet/{value}"),
            LinkRule("has_security_group", "VpcSettings.SecurityGroupId", SECURITY_GROUP),
        ),
    ),
    AwsKind(
        "appsync_api", "network", "{arn}", "appsync", "ListGraphqlApis", "graphqlApis[]", name="name", tags="tags", optional=True,
        links=(LinkRule("protected_by", "wafWebAclArn"), LinkRule("has_role", "logConfig.cloudWatchLogsRoleArn")),
    ),
)
# fmt: on
