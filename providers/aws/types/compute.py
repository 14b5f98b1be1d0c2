"""Compute types: instances, functions, models, desktops."""

from __future__ import annotations

from providers.aws.declaration import KEY, AwsKind, Detail, Listing
from providers.aws.types.network import FUNCTION, IN_SUBNET, IN_VPC, SECURITY_GROUP, not_gone
from providers.catalogue.kinds import LinkRule

IMAGE = "SourceConfiguration.ImageRepository.ImageConfiguration"
CODE = "SourceConfiguration.CodeRepository.CodeConfiguration.CodeConfigurationValues"
"""Parts of a service of App Runner that have its variables and commands."""

# A table reads better than one argument a line.
# fmt: off
COMPUTE = (
    AwsKind(
        "ec2_instance", "compute", "ec2:instance/{InstanceId}", "ec2", "DescribeInstances", "Reservations[].Instances[]",
        parameters={"Filters": not_gone("instance-state-name", "pending", "running", "shutting-down", "stopping", "stopped")},
        unordered=("SecurityGroups", "NetworkInterfaces", "BlockDeviceMappings"), unmasked=("MetadataOptions.HttpTokens",),
        links=(
            IN_VPC, IN_SUBNET, LinkRule("has_security_group", "SecurityGroups[].GroupId", SECURITY_GROUP),
            LinkRule("has_instance_profile", "IamInstanceProfile.Arn"), LinkRule("runs_image", "ImageId", "ec2:image/{value}"),
        ),
    ),
    AwsKind(
        "ami", "compute", "ec2:image/{ImageId}", "ec2", "DescribeImages", "Images[]", name="Name",
        parameters={"Owners": ["self"], "IncludeDisabled": True},
        omit=("LastLaunchedTime",),
        links=(
            LinkRule("made_of", "BlockDeviceMappings[].Ebs.SnapshotId", "ec2:snapshot/{value}"),
            LinkRule("encrypted_with", "BlockDeviceMappings[].Ebs.KmsKeyId", KEY),
        ),
    ),
    AwsKind(
        "key_pair", "compute", "ec2:key-pair/{KeyPairId}", "ec2", "DescribeKeyPairs", "KeyPairs[]", name="KeyName",
    ),
    AwsKind(
        "launch_template", "compute", "ec2:launch-template/{LaunchTemplateId}", "ec2", "DescribeLaunchTemplates", "LaunchTemplates[]",
        name="LaunchTemplateName",
    ),
    AwsKind(
        "auto_scaling_group", "compute", "{AutoScalingGroupARN}", "autoscaling", "DescribeAutoScalingGroups", "AutoScalingGroups[]",
        name="AutoScalingGroupName", unordered=("Instances", "AvailabilityZones", "TargetGroupARNs", "EnabledMetrics"),
        links=(
            LinkRule("contains", "Instances[].InstanceId", "ec2:instance/{value}"),
            LinkRule("uses", "LaunchTemplate.LaunchTemplateId", "ec2:launch-template/{value}"),
            LinkRule("uses", "MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification.LaunchTemplateId",
                     "ec2:launch-template/{value}"),
            LinkRule("attached_to", "TargetGroupARNs[]"),
            LinkRule("attached_to", "LoadBalancerNames[]", "elasticloadbalancing:loadbalancer/{value}"),
        ),
        omit=("PredictedCapacity",),
    ),
    AwsKind(
        "lambda_function", "serverless", "{FunctionArn}", "lambda", "ListFunctions", "Functions[]", name="FunctionName",
        tagged_as="lambda:function",
        names_only=("Environment.Variables",),
        links=(
            LinkRule("has_role", "Role"), LinkRule("in_vpc", "VpcConfig.VpcId", "ec2:vpc/{value}"),
            LinkRule("in_subnet", "VpcConfig.SubnetIds[]", "ec2:subnet/{value}"),
            LinkRule("has_security_group", "VpcConfig.SecurityGroupIds[]", SECURITY_GROUP),
            LinkRule("encrypted_with", "KMSKeyArn"), LinkRule("writes_to", "LoggingConfig.LogGroup", "logs:log-group:{value}"),
            LinkRule("notifies", "DeadLetterConfig.TargetArn"),
        ),
    ),
    AwsKind(
        "beanstalk_environment", "compute", "{EnvironmentArn}", "elasticbeanstalk", "DescribeEnvironments", "Environments[]",
        name="EnvironmentName", tagged_as="elasticbeanstalk:environment", parameters={"IncludeDeleted": False},
        omit=("AbortableOperationInProgress",), links=(LinkRule("has_role", "OperationsRole"),),
    ),
    AwsKind(
        "emr_cluster", "compute", "{ClusterArn}", "emr", "ListClusters", "Clusters[]", name="Name", tagged_as="elasticmapreduce:cluster",
        parameters={"ClusterStates": ["STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING", "TERMINATING"]},
        omit=("NormalizedInstanceHours",),
    ),
    AwsKind(
        "sagemaker_endpoint", "compute", "{EndpointArn}", "sagemaker", "ListEndpoints", "Endpoints[]", name="EndpointName",
        tagged_as="sagemaker:endpoint",
    ),
    AwsKind(
        "sagemaker_notebook", "compute", "{NotebookInstanceArn}", "sagemaker", "ListNotebookInstances", "NotebookInstances[]",
        name="NotebookInstanceName", tagged_as="sagemaker:notebook-instance",
    ),
    AwsKind(
        "bedrock_agent", "compute", "bedrock:agent/{agentId}", "bedrock-agent", "ListAgents", "agentSummaries[]", name="agentName",
        tags="",
    ),
    AwsKind(
        "workspace", "compute", "workspaces:workspace/{WorkspaceId}", "workspaces", "DescribeWorkspaces", "Workspaces[]",
        name="ComputerName", tagged_as="workspaces:workspace",
        links=(
            IN_SUBNET, LinkRule("encrypted_with", "VolumeEncryptionKey", KEY),
            LinkRule("member_of", "DirectoryId", "ds:directory/{value}"),
        ),
    ),
    AwsKind(
        "lambda_event_source_mapping", "serverless", "lambda:event-source-mapping:{UUID}", "lambda", "ListEventSourceMappings",
        "EventSourceMappings[]", name="UUID", tagged_as="lambda:event-source-mapping",
        omit=("LastProcessingResult", "StateTransitionReason"),
        links=(
            LinkRule("triggers", "FunctionArn", "{function}", match=FUNCTION), LinkRule("reads_from", "EventSourceArn"),
            LinkRule("dead_letters_to", "DestinationConfig.OnFailure.Destination", match="arn:"),
            LinkRule("uses", "SourceAccessConfigurations[].URI", match="arn:"), LinkRule("encrypted_with", "KMSKeyArn"),
        ),
    ),
    AwsKind(
        "lambda_function_url", "serverless", "{FunctionArn}/url", "lambda", "ListFunctionUrlConfigs", "FunctionUrlConfigs[]",
        name="FunctionUrl", tags="", optional=True, under=Listing("ListFunctions", "Functions[]", into="Function"),
        parameters={"FunctionName": "{Function.FunctionArn}"}, parent="{Function.FunctionArn}", omit=("Function",),
        links=(LinkRule("exposes", "FunctionArn", "{function}", match=FUNCTION),),
    ),
    AwsKind(
        "batch_compute_environment", "compute", "{computeEnvironmentArn}", "batch", "DescribeComputeEnvironments", "computeEnvironments[]",
        name="computeEnvironmentName", tags="tags", optional=True, omit=("statusReason", "computeResources.desiredvCpus"),
        links=(
            LinkRule("runs_on", "ecsClusterArn"), LinkRule("runs_on", "eksConfiguration.eksClusterArn"),
            LinkRule("has_role", "serviceRole", match="arn:"), LinkRule("in_subnet", "computeResources.subnets[]", "ec2:subnet/{value}"),
            LinkRule("has_security_group", "computeResources.securityGroupIds[]", SECURITY_GROUP),
        ),
    ),
    AwsKind(
        "batch_job_queue", "compute", "{jobQueueArn}", "batch", "DescribeJobQueues", "jobQueues[]", name="jobQueueName", tags="tags",
        optional=True, omit=("statusReason",), links=(LinkRule("runs_on", "computeEnvironmentOrder[].computeEnvironment"),),
    ),
    AwsKind(
        "apprunner_service", "serverless", "{ServiceArn}", "apprunner", "ListServices", "ServiceSummaryList[]", name="ServiceName",
        tagged_as="apprunner:service", optional=True, details=(Detail("DescribeService", {"ServiceArn": "{ServiceArn}"}, "Service"),),
        names_only=tuple(f"{part}.RuntimeEnvironment{kind}" for part in (IMAGE, CODE) for kind in ("Variables", "Secrets")),
        omit=tuple(f"{part}.{name}" for part, name in ((IMAGE, "StartCommand"), (CODE, "StartCommand"), (CODE, "BuildCommand"))),
        links=(
            LinkRule("has_role", "InstanceConfiguration.InstanceRoleArn"), LinkRule("encrypted_with", "EncryptionConfiguration.KmsKey"),
            LinkRule("has_role", "SourceConfiguration.AuthenticationConfiguration.AccessRoleArn"),
        ),
    ),
)
# fmt: on
