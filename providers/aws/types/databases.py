"""Databases and transfers of data that few accounts have: optional types, as each service costs a client in every region."""

from __future__ import annotations

from providers.aws.declaration import KEY, AwsKind, Detail
from providers.aws.types.data import ENCRYPTED_WITH
from providers.aws.types.network import SECURITY_GROUP
from providers.catalogue.kinds import LinkRule

# A table reads better than one argument a line.
# fmt: off
DATABASES = (
    AwsKind(
        "memorydb_cluster", "database", "{ARN}", "memorydb", "DescribeClusters", "Clusters[]", name="Name", tagged_as="memorydb:cluster",
        optional=True, omit=("PendingUpdates",), unordered=("SecurityGroups",),
        links=(
            LinkRule("has_security_group", "SecurityGroups[].SecurityGroupId", SECURITY_GROUP), ENCRYPTED_WITH,
            LinkRule("notifies", "SnsTopicArn"),
        ),
    ),
    AwsKind(
        "dax_cluster", "database", "{ClusterArn}", "dax", "DescribeClusters", "Clusters[]", name="ClusterName", tags="", optional=True,
        omit=("ActiveNodes", "NodeIdsToRemove"), unordered=("SecurityGroups", "Nodes"),
        links=(
            LinkRule("has_security_group", "SecurityGroups[].SecurityGroupIdentifier", SECURITY_GROUP), LinkRule("has_role", "IamRoleArn"),
            LinkRule("notifies", "NotificationConfiguration.TopicArn"),
        ),
    ),
    AwsKind(
        "redshift_serverless_workgroup", "database", "{workgroupArn}", "redshift-serverless", "ListWorkgroups", "workgroups[]",
        name="workgroupName", tagged_as="redshift-serverless:workgroup", optional=True, unordered=("subnetIds", "securityGroupIds"),
        links=(
            LinkRule("in_subnet", "subnetIds[]", "ec2:subnet/{value}"), LinkRule("uses", "customDomainCertificateArn"),
            LinkRule("has_security_group", "securityGroupIds[]", SECURITY_GROUP),
        ),
    ),
    AwsKind(
        "redshift_serverless_namespace", "database", "{namespaceArn}", "redshift-serverless", "ListNamespaces", "namespaces[]",
        name="namespaceName", tagged_as="redshift-serverless:namespace", optional=True,
        links=(
            LinkRule("encrypted_with", "kmsKeyId", KEY), LinkRule("uses", "adminPasswordSecretArn"),
            LinkRule("has_role", "iamRoles[]", "{role}", match=r".*?(?P<role>arn:[^:]+:iam::\d+:role/[\w+=,.@/-]+)"),
        ),
    ),
    AwsKind(
        "dms_replication_instance", "database", "{ReplicationInstanceArn}", "dms", "DescribeReplicationInstances", "ReplicationInstances[]",
        name="ReplicationInstanceIdentifier", tagged_as="dms:rep", optional=True, omit=("PendingModifiedValues", "FreeUntil"),
        links=(
            LinkRule("in_vpc", "ReplicationSubnetGroup.VpcId", "ec2:vpc/{value}"), ENCRYPTED_WITH,
            LinkRule("in_subnet", "ReplicationSubnetGroup.Subnets[].SubnetIdentifier", "ec2:subnet/{value}"),
            LinkRule("has_security_group", "VpcSecurityGroups[].VpcSecurityGroupId", SECURITY_GROUP),
        ),
    ),
    AwsKind(
        "s3_directory_bucket", "storage", "s3express:bucket/{Name}", "s3", "ListDirectoryBuckets", "Buckets[]", name="Name", tags="",
        optional=True, permission="s3express:ListAllMyDirectoryBuckets", omit=("BucketArn",),
        details=(
            Detail("GetBucketEncryption", {"Bucket": "{Name}"}, "ServerSideEncryptionConfiguration", "Encryption",
                   ("ServerSideEncryptionConfigurationNotFoundError",), "s3express:GetEncryptionConfiguration"),
        ),
        links=(LinkRule("encrypted_with", "Encryption.Rules[].ApplyServerSideEncryptionByDefault.KMSMasterKeyID", KEY),),
    ),
    AwsKind(
        "s3_table_bucket", "storage", "{arn}", "s3tables", "ListTableBuckets", "tableBuckets[]", name="name", tags="tags", optional=True,
        own="ownerAccountId",
        details=(
            Detail("GetTableBucketEncryption", {"tableBucketARN": "{arn}"}, "encryptionConfiguration", "encryption"),
            Detail("ListTagsForResource", {"resourceArn": "{arn}"}, "tags", "tags"),
        ),
        links=(LinkRule("encrypted_with", "encryption.kmsKeyArn"),),
    ),
    AwsKind(
        "transfer_server", "storage", "{Arn}", "transfer", "ListServers", "Servers[]", name="ServerId", optional=True,
        details=(Detail("DescribeServer", {"ServerId": "{ServerId}"}, "Server"),), omit=("UserCount",),
        links=(
            LinkRule("has_role", "LoggingRole"), LinkRule("uses", "Certificate"),
            LinkRule("in_vpc", "EndpointDetails.VpcId", "ec2:vpc/{value}"),
            LinkRule("in_subnet", "EndpointDetails.SubnetIds[]", "ec2:subnet/{value}"),
            LinkRule("has_security_group", "EndpointDetails.SecurityGroupIds[]", SECURITY_GROUP),
            LinkRule("exposed_by", "EndpointDetails.VpcEndpointId", "ec2:vpc-endpoint/{value}"),
        ),
    ),
)
# fmt: on
