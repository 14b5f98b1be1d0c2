"""What keeps data: volumes, buckets, databases, caches."""

from __future__ import annotations

from providers.aws.declaration import Batch, Detail, Kind, LinkRule
from providers.aws.types.network import SECURITY_GROUP

BUCKET = {"Bucket": "{Name}"}
ENCRYPTED_WITH = LinkRule("encrypted_with", "KmsKeyId")

# A table reads better than one argument a line.
# fmt: off
DATA = (
    Kind(
        "ebs_volume", "storage", "ec2", "DescribeVolumes", "Volumes[]", "ec2:volume/{VolumeId}",
        links=(
            LinkRule("attached_to", "Attachments[].InstanceId", "ec2:instance/{value}"),
            LinkRule("made_of", "SnapshotId", "ec2:snapshot/{value}"), ENCRYPTED_WITH,
        ),
    ),
    Kind(
        "ebs_snapshot", "storage", "ec2", "DescribeSnapshots", "Snapshots[]", "ec2:snapshot/{SnapshotId}",
        parameters={"OwnerIds": ["self"]}, links=(LinkRule("made_of", "VolumeId", "ec2:volume/{value}"), ENCRYPTED_WITH),
    ),
    Kind(
        "s3_bucket", "storage", "s3", "ListBuckets", "Buckets[]", "arn:{partition}:s3:::{Name}", name="Name",
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
    ),
    Kind(
        "efs_file_system", "storage", "efs", "DescribeFileSystems", "FileSystems[]", "{FileSystemArn}", name="Name", own="OwnerId",
        links=(ENCRYPTED_WITH,), omit=("SizeInBytes",),
    ),
    Kind(
        "fsx_file_system", "storage", "fsx", "DescribeFileSystems", "FileSystems[]", "{ResourceARN}", own="OwnerId",
        unordered=("SubnetIds", "NetworkInterfaceIds"),
        links=(
            LinkRule("in_vpc", "VpcId", "ec2:vpc/{value}"), LinkRule("in_subnet", "SubnetIds[]", "ec2:subnet/{value}"), ENCRYPTED_WITH,
        ),
    ),
    Kind(
        "rds_instance", "database", "rds", "DescribeDBInstances", "DBInstances[]", "{DBInstanceArn}", name="DBInstanceIdentifier",
        tags="TagList", omit=("LatestRestorableTime",), unordered=("VpcSecurityGroups",),
        links=(
            LinkRule("in_vpc", "DBSubnetGroup.VpcId", "ec2:vpc/{value}"),
            LinkRule("in_subnet", "DBSubnetGroup.Subnets[].SubnetIdentifier", "ec2:subnet/{value}"),
            LinkRule("has_security_group", "VpcSecurityGroups[].VpcSecurityGroupId", SECURITY_GROUP),
            LinkRule("member_of", "DBClusterIdentifier", "rds:cluster:{value}"), ENCRYPTED_WITH,
        ),
    ),
    Kind(
        "rds_cluster", "database", "rds", "DescribeDBClusters", "DBClusters[]", "{DBClusterArn}", name="DBClusterIdentifier",
        tags="TagList", omit=("LatestRestorableTime", "EarliestRestorableTime", "EarliestBacktrackTime"),
        unordered=("VpcSecurityGroups", "DBClusterMembers", "AvailabilityZones"),
        links=(LinkRule("has_security_group", "VpcSecurityGroups[].VpcSecurityGroupId", SECURITY_GROUP), ENCRYPTED_WITH),
    ),
    Kind(
        "rds_snapshot", "database", "rds", "DescribeDBSnapshots", "DBSnapshots[]", "{DBSnapshotArn}", name="DBSnapshotIdentifier",
        tags="TagList", links=(LinkRule("made_of", "DBInstanceIdentifier", "rds:db:{value}"), ENCRYPTED_WITH),
    ),
    Kind(
        "dynamodb_table", "database", "dynamodb", "ListTables", "TableNames[]", "{TableArn}", name="TableName", scalar="TableName",
        details=(
            Detail("DescribeTable", {"TableName": "{TableName}"}, "Table"),
            Detail("ListTagsOfResource", {"ResourceArn": "{TableArn}"}, "Tags[]", "Tags"),
        ),
        omit=("ItemCount", "TableSizeBytes", "GlobalSecondaryIndexes", "LocalSecondaryIndexes"),
        links=(LinkRule("encrypted_with", "SSEDescription.KMSMasterKeyArn"),),
    ),
    Kind(
        "elasticache_cluster", "database", "elasticache", "DescribeCacheClusters", "CacheClusters[]", "{ARN}", name="CacheClusterId",
        tagged_as="elasticache:cluster", unordered=("SecurityGroups",),
        links=(
            LinkRule("has_security_group", "SecurityGroups[].SecurityGroupId", SECURITY_GROUP),
            LinkRule("member_of", "ReplicationGroupId", "elasticache:replicationgroup:{value}"),
        ),
    ),
    Kind(
        "elasticache_replication_group", "database", "elasticache", "DescribeReplicationGroups", "ReplicationGroups[]", "{ARN}",
        name="ReplicationGroupId", tagged_as="elasticache:replicationgroup", links=(ENCRYPTED_WITH,),
    ),
    Kind(
        "redshift_cluster", "database", "redshift", "DescribeClusters", "Clusters[]", "redshift:cluster:{ClusterIdentifier}",
        name="ClusterIdentifier", omit=("ExpectedNextSnapshotScheduleTime", "NextMaintenanceWindowStartTime", "PendingModifiedValues"),
        unordered=("VpcSecurityGroups",),
        links=(
            LinkRule("in_vpc", "VpcId", "ec2:vpc/{value}"),
            LinkRule("has_security_group", "VpcSecurityGroups[].VpcSecurityGroupId", SECURITY_GROUP),
            LinkRule("has_role", "IamRoles[].IamRoleArn"), ENCRYPTED_WITH,
        ),
    ),
    Kind(
        "opensearch_domain", "database", "opensearch", "ListDomainNames", "DomainNames[]", "{ARN}", name="DomainName",
        tagged_as="es:domain",
        batches=(Batch("DescribeDomains", "DomainNames", "DomainName", "DomainStatusList[]", "DomainName", 5),),
        links=(
            LinkRule("in_vpc", "VPCOptions.VPCId", "ec2:vpc/{value}"),
            LinkRule("in_subnet", "VPCOptions.SubnetIds[]", "ec2:subnet/{value}"),
            LinkRule("has_security_group", "VPCOptions.SecurityGroupIds[]", SECURITY_GROUP),
        ),
    ),
    Kind(
        "glue_database", "database", "glue", "GetDatabases", "DatabaseList[]", "glue:database/{Name}", name="Name", tags="",
    ),
    Kind(
        "glue_job", "compute", "glue", "GetJobs", "Jobs[]", "glue:job/{Name}", name="Name", tags="",
        names_only=("DefaultArguments", "NonOverridableArguments"), links=(LinkRule("has_role", "Role"),),
    ),
    Kind(
        "athena_workgroup", "database", "athena", "ListWorkGroups", "WorkGroups[]", "athena:workgroup/{Name}", name="Name",
        tagged_as="athena:workgroup",
    ),
    Kind(
        "backup_vault", "storage", "backup", "ListBackupVaults", "BackupVaultList[]", "{BackupVaultArn}", name="BackupVaultName",
        tagged_as="backup:backup-vault", omit=("NumberOfRecoveryPoints",), links=(LinkRule("encrypted_with", "EncryptionKeyArn"),),
    ),
    Kind(
        "backup_plan", "storage", "backup", "ListBackupPlans", "BackupPlansList[]", "{BackupPlanArn}", name="BackupPlanName",
        tagged_as="backup:backup-plan",
        omit=("LastExecutionDate",),
    ),
)
# fmt: on
