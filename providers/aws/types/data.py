"""Data types: volumes, buckets, databases, caches."""

from __future__ import annotations

from providers.aws.declaration import KEY, AwsKind, Batch, Detail, Listing
from providers.aws.types.network import IN_SUBNET, IN_VPC, SECURITY_GROUP
from providers.catalogue.kinds import LinkRule

BUCKET = {"Bucket": "{Name}"}
TABLE = "arn:{partition}:dynamodb:{region}:{account}:table/{TableName}"
ENCRYPTED_WITH = LinkRule("encrypted_with", "KmsKeyId", KEY)

# A table reads better than one argument a line.
# fmt: off
DATA = (
    AwsKind(
        "ebs_volume", "storage", "ec2:volume/{VolumeId}", "ec2", "DescribeVolumes", "Volumes[]",
        links=(
            LinkRule("attached_to", "Attachments[].InstanceId", "ec2:instance/{value}"),
            LinkRule("made_of", "SnapshotId", "ec2:snapshot/{value}"), ENCRYPTED_WITH,
        ),
    ),
    AwsKind(
        "ebs_snapshot", "storage", "ec2:snapshot/{SnapshotId}", "ec2", "DescribeSnapshots", "Snapshots[]",
        parameters={"OwnerIds": ["self"]}, links=(LinkRule("made_of", "VolumeId", "ec2:volume/{value}"), ENCRYPTED_WITH),
        omit=("Progress",),
    ),
    AwsKind(
        "s3_bucket", "storage", "arn:{partition}:s3:::{Name}", "s3", "ListBuckets", "Buckets[]", name="Name",
        parameters={"BucketRegion": "{region}"}, permission="s3:ListAllMyBuckets",
        details=(
            Detail("GetBucketTagging", BUCKET, "TagSet[]", "Tags", ("NoSuchTagSet",)),
            Detail("GetBucketPolicy", BUCKET, "Policy", "Policy", ("NoSuchBucketPolicy",)),
            Detail("GetPublicAccessBlock", BUCKET, "PublicAccessBlockConfiguration", "PublicAccessBlock",
                   ("NoSuchPublicAccessBlockConfiguration",), "s3:GetBucketPublicAccessBlock"),
            Detail("GetBucketEncryption", BUCKET, "ServerSideEncryptionConfiguration", "Encryption",
                   ("ServerSideEncryptionConfigurationNotFoundError",), "s3:GetEncryptionConfiguration"),
            Detail("GetBucketVersioning", BUCKET, "Status", "Versioning"),
            Detail("GetBucketLogging", BUCKET, "LoggingEnabled", "Logging"),
            Detail("GetBucketOwnershipControls", BUCKET, "OwnershipControls", "OwnershipControls", ("OwnershipControlsNotFoundError",)),
        ),
        links=(
            LinkRule("encrypted_with", "Encryption.Rules[].ApplyServerSideEncryptionByDefault.KMSMasterKeyID", KEY),
            LinkRule("writes_to", "Logging.TargetBucket", "arn:{partition}:s3:::{value}"),
        ),
    ),
    AwsKind(
        "efs_file_system", "storage", "{FileSystemArn}", "efs", "DescribeFileSystems", "FileSystems[]", name="Name", own="OwnerId",
        links=(ENCRYPTED_WITH,), omit=("SizeInBytes",),
    ),
    AwsKind(
        "fsx_file_system", "storage", "{ResourceARN}", "fsx", "DescribeFileSystems", "FileSystems[]", own="OwnerId",
        unordered=("SubnetIds", "NetworkInterfaceIds"),
        links=(
            LinkRule("in_vpc", "VpcId", "ec2:vpc/{value}"), LinkRule("in_subnet", "SubnetIds[]", "ec2:subnet/{value}"), ENCRYPTED_WITH,
        ),
        omit=("AdministrativeActions", "WindowsConfiguration.MaintenanceOperationsInProgress"),
    ),
    AwsKind(
        "rds_instance", "database", "{DBInstanceArn}", "rds", "DescribeDBInstances", "DBInstances[]", name="DBInstanceIdentifier",
        tags="TagList",
        omit=(
            "PercentProgress", "StorageOperationPercentProgress", "AdditionalStorageVolumes[].StorageOperationPercentProgress",
            "LatestRestorableTime",
        ),
        unordered=("VpcSecurityGroups",), unmasked=("MasterUserSecret.SecretStatus",),
        links=(
            LinkRule("in_vpc", "DBSubnetGroup.VpcId", "ec2:vpc/{value}"),
            LinkRule("in_subnet", "DBSubnetGroup.Subnets[].SubnetIdentifier", "ec2:subnet/{value}"),
            LinkRule("has_security_group", "VpcSecurityGroups[].VpcSecurityGroupId", SECURITY_GROUP),
            LinkRule("member_of", "DBClusterIdentifier", "rds:cluster:{value}"), ENCRYPTED_WITH,
            LinkRule("replica_of", "ReadReplicaSourceDBInstanceIdentifier", "rds:db:{value}"), LinkRule("has_role", "MonitoringRoleArn"),
            LinkRule("uses", "MasterUserSecret.SecretArn"), LinkRule("uses", "DBParameterGroups[].DBParameterGroupName", "rds:pg:{value}"),
            LinkRule("uses", "DBSubnetGroup.DBSubnetGroupName", "rds:subgrp:{value}"),
        ),
    ),
    AwsKind(
        "rds_cluster", "database", "{DBClusterArn}", "rds", "DescribeDBClusters", "DBClusters[]", name="DBClusterIdentifier",
        tags="TagList", omit=("PercentProgress", "LatestRestorableTime", "EarliestRestorableTime", "EarliestBacktrackTime"),
        unordered=("VpcSecurityGroups", "DBClusterMembers", "AvailabilityZones"), unmasked=("MasterUserSecret.SecretStatus",),
        links=(
            LinkRule("has_security_group", "VpcSecurityGroups[].VpcSecurityGroupId", SECURITY_GROUP), ENCRYPTED_WITH,
            LinkRule("uses", "MasterUserSecret.SecretArn"), LinkRule("uses", "DBClusterParameterGroup", "rds:cluster-pg:{value}"),
            LinkRule("uses", "DBSubnetGroup", "rds:subgrp:{value}"), LinkRule("has_role", "AssociatedRoles[].RoleArn"),
        ),
    ),
    AwsKind(
        "rds_snapshot", "database", "{DBSnapshotArn}", "rds", "DescribeDBSnapshots", "DBSnapshots[]", name="DBSnapshotIdentifier",
        tags="TagList", links=(LinkRule("made_of", "DBInstanceIdentifier", "rds:db:{value}"), ENCRYPTED_WITH),
        omit=("PercentProgress",),
    ),
    AwsKind(
        "dynamodb_table", "database", "dynamodb:table/{TableName}", "dynamodb", "ListTables", "TableNames[]", name="TableName",
        scalar="TableName",
        details=(
            Detail("DescribeTable", {"TableName": "{TableName}"}, "Table"),
            Detail("ListTagsOfResource", {"ResourceArn": TABLE}, "Tags[]", "Tags"),
        ),
        omit=(
            "ProvisionedThroughput.NumberOfDecreasesToday", "VectorIndexes[].ItemCount", "VectorIndexes[].IndexSizeBytes",
            "Replicas[].ReplicaStatusPercentProgress", "RestoreSummary.RestoreInProgress", "ItemCount", "TableSizeBytes",
            "GlobalSecondaryIndexes", "LocalSecondaryIndexes",
        ),
        links=(LinkRule("encrypted_with", "SSEDescription.KMSMasterKeyArn"),),
    ),
    AwsKind(
        "elasticache_cluster", "database", "{ARN}", "elasticache", "DescribeCacheClusters", "CacheClusters[]", name="CacheClusterId",
        tagged_as="elasticache:cluster", unordered=("SecurityGroups",), unmasked=("PendingModifiedValues.AuthTokenStatus",),
        links=(
            LinkRule("has_security_group", "SecurityGroups[].SecurityGroupId", SECURITY_GROUP),
            LinkRule("member_of", "ReplicationGroupId", "elasticache:replicationgroup:{value}"),
        ),
    ),
    AwsKind(
        "elasticache_replication_group", "database", "{ARN}", "elasticache", "DescribeReplicationGroups", "ReplicationGroups[]",
        name="ReplicationGroupId", tagged_as="elasticache:replicationgroup", links=(ENCRYPTED_WITH,),
        unmasked=("PendingModifiedValues.AuthTokenStatus",),
        omit=("PendingModifiedValues.Resharding",),
    ),
    AwsKind(
        "redshift_cluster", "database", "redshift:cluster:{ClusterIdentifier}", "redshift", "DescribeClusters", "Clusters[]",
        name="ClusterIdentifier",
        omit=(
            "DataTransferProgress", "RestoreStatus", "LoggingPublishStatus.S3Tables.LastIngestionTimes",
            "ExpectedNextSnapshotScheduleTime", "NextMaintenanceWindowStartTime", "PendingModifiedValues",
        ),
        unordered=("VpcSecurityGroups",),
        links=(
            LinkRule("in_vpc", "VpcId", "ec2:vpc/{value}"),
            LinkRule("has_security_group", "VpcSecurityGroups[].VpcSecurityGroupId", SECURITY_GROUP),
            LinkRule("has_role", "IamRoles[].IamRoleArn"), ENCRYPTED_WITH,
        ),
    ),
    AwsKind(
        "opensearch_domain", "database", "{ARN}", "opensearch", "ListDomainNames", "DomainNames[]", name="DomainName",
        tagged_as="es:domain",
        batches=(Batch("DescribeDomains", "DomainNames", "DomainName", "DomainStatusList[]", "DomainName", 5),),
        links=(
            LinkRule("in_vpc", "VPCOptions.VPCId", "ec2:vpc/{value}"),
            LinkRule("in_subnet", "VPCOptions.SubnetIds[]", "ec2:subnet/{value}"),
            LinkRule("has_security_group", "VPCOptions.SecurityGroupIds[]", SECURITY_GROUP),
            LinkRule("encrypted_with", "EncryptionAtRestOptions.KmsKeyId", KEY),
        ),
        omit=("ChangeProgressDetails",),
    ),
    AwsKind(
        "glue_database", "database", "glue:database/{Name}", "glue", "GetDatabases", "DatabaseList[]", name="Name", tags="",
    ),
    AwsKind(
        "glue_job", "compute", "glue:job/{Name}", "glue", "GetJobs", "Jobs[]", name="Name", tags="",
        names_only=("DefaultArguments", "NonOverridableArguments"),
        links=(LinkRule("has_role", "Role", "arn:{partition}:iam::{account}:role/{value}"),),
    ),
    AwsKind(
        "athena_workgroup", "database", "athena:workgroup/{Name}", "athena", "ListWorkGroups", "WorkGroups[]", name="Name",
        tagged_as="athena:workgroup", omit=("CreationTime",),  # of the group "primary" it is the time of the answer
    ),
    AwsKind(
        "backup_vault", "storage", "{BackupVaultArn}", "backup", "ListBackupVaults", "BackupVaultList[]", name="BackupVaultName",
        tagged_as="backup:backup-vault", omit=("NumberOfRecoveryPoints",), links=(LinkRule("encrypted_with", "EncryptionKeyArn"),),
    ),
    AwsKind(
        "backup_plan", "storage", "{BackupPlanArn}", "backup", "ListBackupPlans", "BackupPlansList[]", name="BackupPlanName",
        tagged_as="backup:backup-plan",
        omit=("LastExecutionDate",),
    ),
    AwsKind(
        "rds_cluster_snapshot", "database", "{DBClusterSnapshotArn}", "rds", "DescribeDBClusterSnapshots", "DBClusterSnapshots[]",
        name="DBClusterSnapshotIdentifier", tags="TagList", omit=("PercentProgress",), unordered=("AvailabilityZones",),
        links=(LinkRule("made_of", "DBClusterIdentifier", "rds:cluster:{value}"), IN_VPC, ENCRYPTED_WITH),
    ),
    AwsKind(
        "rds_subnet_group", "network", "{DBSubnetGroupArn}", "rds", "DescribeDBSubnetGroups", "DBSubnetGroups[]",
        name="DBSubnetGroupName", tagged_as="rds:subgrp", unordered=("Subnets",),
        links=(IN_VPC, LinkRule("in_subnet", "Subnets[].SubnetIdentifier", "ec2:subnet/{value}")),
    ),
    AwsKind(
        "rds_parameter_group", "configuration", "{DBParameterGroupArn}", "rds", "DescribeDBParameterGroups", "DBParameterGroups[]",
        name="DBParameterGroupName", tagged_as="rds:pg",
    ),
    AwsKind(
        "rds_cluster_parameter_group", "configuration", "{DBClusterParameterGroupArn}", "rds", "DescribeDBClusterParameterGroups",
        "DBClusterParameterGroups[]", name="DBClusterParameterGroupName", tagged_as="rds:cluster-pg",
    ),
    AwsKind(
        "rds_proxy", "database", "{DBProxyArn}", "rds", "DescribeDBProxies", "DBProxies[]", name="DBProxyName", tagged_as="rds:db-proxy",
        details=(Detail("DescribeDBProxyTargets", {"DBProxyName": "{DBProxyName}"}, "Targets[]", "Targets"),),
        unordered=("VpcSubnetIds", "VpcSecurityGroupIds", "Targets"), omit=("Targets[].TargetHealth",),
        links=(
            IN_VPC, LinkRule("in_subnet", "VpcSubnetIds[]", "ec2:subnet/{value}"),
            LinkRule("has_security_group", "VpcSecurityGroupIds[]", SECURITY_GROUP), LinkRule("has_role", "RoleArn"),
            LinkRule("uses", "Auth[].SecretArn"), LinkRule("forwards_to", "Targets[].TargetArn"),
        ),
    ),
    AwsKind(
        "efs_mount_target", "storage", "elasticfilesystem:mount-target/{MountTargetId}", "efs", "DescribeMountTargets", "MountTargets[]",
        tags="", under=Listing("DescribeFileSystems", "FileSystems[]", into="FileSystem", own="OwnerId"), own="OwnerId",
        parameters={"FileSystemId": "{FileSystem.FileSystemId}"}, parent="{FileSystem.FileSystemArn}", omit=("FileSystem",),
        links=(IN_VPC, IN_SUBNET, LinkRule("attached_to", "NetworkInterfaceId", "ec2:network-interface/{value}")),
    ),
    AwsKind(
        "glue_crawler", "compute", "glue:crawler/{Name}", "glue", "GetCrawlers", "Crawlers[]", name="Name", tags="",
        omit=("State", "CrawlElapsedTime", "LastCrawl"),
        links=(
            LinkRule("has_role", "Role", "arn:{partition}:iam::{account}:role/{value}"),
            LinkRule("writes_to", "DatabaseName", "glue:database/{value}"),
            LinkRule("reads_from", "Targets.S3Targets[].Path", "arn:{partition}:s3:::{bucket}", match="s3://(?P<bucket>[^/]+)"),
            LinkRule("reads_from", "Targets.DynamoDBTargets[].Path", "dynamodb:table/{value}"),
            LinkRule("uses", "Targets.JdbcTargets[].ConnectionName", "glue:connection/{value}"),
        ),
    ),
    AwsKind(
        "glue_connection", "network", "glue:connection/{Name}", "glue", "GetConnections", "ConnectionList[]", name="Name", tags="",
        parameters={"HidePassword": True}, omit=("LastConnectionValidationTime",),
        names_only=("ConnectionProperties", "SparkProperties", "AthenaProperties", "PythonProperties"),
        links=(
            LinkRule("in_subnet", "PhysicalConnectionRequirements.SubnetId", "ec2:subnet/{value}"),
            LinkRule("has_security_group", "PhysicalConnectionRequirements.SecurityGroupIdList[]", SECURITY_GROUP),
            LinkRule("uses", "AuthenticationConfiguration.SecretArn"),
        ),
    ),
    AwsKind(
        "backup_selection", "storage", "{Plan.BackupPlanArn}/selection/{SelectionId}", "backup", "ListBackupSelections",
        "BackupSelectionsList[]", name="SelectionName", tags="", under=Listing("ListBackupPlans", "BackupPlansList[]", into="Plan"),
        parameters={"BackupPlanId": "{Plan.BackupPlanId}"}, parent="{Plan.BackupPlanArn}", omit=("Plan",),
        details=(
            Detail("GetBackupSelection", {"BackupPlanId": "{BackupPlanId}", "SelectionId": "{SelectionId}"},
                   "BackupSelection", "Selection"),
        ),
        links=(LinkRule("has_role", "IamRoleArn"), LinkRule("applies_to", "Selection.Resources[]", match=r"arn:[^*]+$")),
    ),
)
# fmt: on
