"""What runs: instances, functions, models, desktops."""

from __future__ import annotations

from providers.aws.declaration import Kind, LinkRule
from providers.aws.types.network import IN_SUBNET, IN_VPC, SECURITY_GROUP, not_gone

# A table reads better than one argument a line.
# fmt: off
COMPUTE = (
    Kind(
        "ec2_instance", "compute", "ec2", "DescribeInstances", "Reservations[].Instances[]", "ec2:instance/{InstanceId}",
        parameters={"Filters": not_gone("instance-state-name", "pending", "running", "shutting-down", "stopping", "stopped")},
        unordered=("SecurityGroups", "NetworkInterfaces", "BlockDeviceMappings"),
        links=(
            IN_VPC, IN_SUBNET, LinkRule("has_security_group", "SecurityGroups[].GroupId", SECURITY_GROUP),
            LinkRule("has_instance_profile", "IamInstanceProfile.Arn"), LinkRule("runs_image", "ImageId", "ec2:image/{value}"),
        ),
    ),
    Kind(
        "ami", "compute", "ec2", "DescribeImages", "Images[]", "ec2:image/{ImageId}", name="Name", parameters={"Owners": ["self"]},
        omit=("LastLaunchedTime",), links=(LinkRule("made_of", "BlockDeviceMappings[].Ebs.SnapshotId", "ec2:snapshot/{value}"),),
    ),
    Kind(
        "key_pair", "compute", "ec2", "DescribeKeyPairs", "KeyPairs[]", "ec2:key-pair/{KeyPairId}", name="KeyName",
    ),
    Kind(
        "launch_template", "compute", "ec2", "DescribeLaunchTemplates", "LaunchTemplates[]", "ec2:launch-template/{LaunchTemplateId}",
        name="LaunchTemplateName",
    ),
    Kind(
        "auto_scaling_group", "compute", "autoscaling", "DescribeAutoScalingGroups", "AutoScalingGroups[]", "{AutoScalingGroupARN}",
        name="AutoScalingGroupName", unordered=("Instances", "AvailabilityZones", "TargetGroupARNs", "EnabledMetrics"),
        links=(
            LinkRule("contains", "Instances[].InstanceId", "ec2:instance/{value}"),
            LinkRule("uses", "LaunchTemplate.LaunchTemplateId", "ec2:launch-template/{value}"),
            LinkRule("attached_to", "TargetGroupARNs[]"),
        ),
    ),
    Kind(
        "lambda_function", "serverless", "lambda", "ListFunctions", "Functions[]", "{FunctionArn}", name="FunctionName",
        tagged_as="lambda:function",
        names_only=("Environment.Variables",),
        links=(
            LinkRule("has_role", "Role"), LinkRule("in_vpc", "VpcConfig.VpcId", "ec2:vpc/{value}"),
            LinkRule("in_subnet", "VpcConfig.SubnetIds[]", "ec2:subnet/{value}"),
            LinkRule("has_security_group", "VpcConfig.SecurityGroupIds[]", SECURITY_GROUP),
        ),
    ),
    Kind(
        "beanstalk_environment", "compute", "elasticbeanstalk", "DescribeEnvironments", "Environments[]", "{EnvironmentArn}",
        name="EnvironmentName", tagged_as="elasticbeanstalk:environment", parameters={"IncludeDeleted": False},
    ),
    Kind(
        "emr_cluster", "compute", "emr", "ListClusters", "Clusters[]", "{ClusterArn}", name="Name", tagged_as="elasticmapreduce:cluster",
        parameters={"ClusterStates": ["STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING", "TERMINATING"]},
        omit=("NormalizedInstanceHours",),
    ),
    Kind(
        "sagemaker_endpoint", "compute", "sagemaker", "ListEndpoints", "Endpoints[]", "{EndpointArn}", name="EndpointName",
        tagged_as="sagemaker:endpoint",
    ),
    Kind(
        "sagemaker_notebook", "compute", "sagemaker", "ListNotebookInstances", "NotebookInstances[]", "{NotebookInstanceArn}",
        name="NotebookInstanceName", tagged_as="sagemaker:notebook-instance",
    ),
    Kind(
        "bedrock_agent", "compute", "bedrock-agent", "ListAgents", "agentSummaries[]", "bedrock:agent/{agentId}", name="agentName",
        tags="",
    ),
    Kind(
        "workspace", "compute", "workspaces", "DescribeWorkspaces", "Workspaces[]", "workspaces:workspace/{WorkspaceId}",
        name="ComputerName", tagged_as="workspaces:workspace", links=(IN_SUBNET,),
    ),
)
# fmt: on
