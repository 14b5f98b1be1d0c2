"""What runs: instances, containers, functions."""

from __future__ import annotations

from providers.aws.declaration import Batch, Detail, Kind, LinkRule, Listing
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
        "lambda_function", "serverless", "lambda", "ListFunctions", "Functions[]", "{FunctionArn}", name="FunctionName", tags="",
        names_only=("Environment.Variables",),
        links=(
            LinkRule("has_role", "Role"), LinkRule("in_vpc", "VpcConfig.VpcId", "ec2:vpc/{value}"),
            LinkRule("in_subnet", "VpcConfig.SubnetIds[]", "ec2:subnet/{value}"),
            LinkRule("has_security_group", "VpcConfig.SecurityGroupIds[]", SECURITY_GROUP),
        ),
    ),
    Kind(
        "ecs_cluster", "compute", "ecs", "ListClusters", "clusterArns[]", "{clusterArn}", name="clusterName", scalar="clusterArn",
        tags="tags",
        batches=(
            Batch("DescribeClusters", "clusters", "clusterArn", "clusters[]", "clusterArn", 100, {"include": ["TAGS", "SETTINGS"]}),
        ),
        omit=("runningTasksCount", "pendingTasksCount", "statistics"),
    ),
    Kind(
        "ecs_service", "compute", "ecs", "ListServices", "serviceArns[]", "{serviceArn}", name="serviceName", scalar="serviceArn",
        tags="tags", under=Listing("ListClusters", "clusterArns[]", "clusterArn"), parameters={"cluster": "{clusterArn}"},
        batches=(
            Batch("DescribeServices", "services", "serviceArn", "services[]", "serviceArn", 10,
                  {"include": ["TAGS"], "cluster": "{clusterArn}"}),
        ),
        omit=("events", "runningCount", "pendingCount", "deployments", "taskSets"), parent="{clusterArn}",
        links=(
            LinkRule("runs_on", "clusterArn"), LinkRule("has_role", "roleArn"),
            LinkRule("attached_to", "loadBalancers[].targetGroupArn"),
            LinkRule("in_subnet", "networkConfiguration.awsvpcConfiguration.subnets[]", "ec2:subnet/{value}"),
            LinkRule("has_security_group", "networkConfiguration.awsvpcConfiguration.securityGroups[]", SECURITY_GROUP),
        ),
    ),
    Kind(
        "eks_cluster", "compute", "eks", "ListClusters", "clusters[]", "{arn}", name="name", scalar="name", tags="tags",
        details=(Detail("DescribeCluster", {"name": "{name}"}, "cluster"),),
        links=(
            LinkRule("has_role", "roleArn"), LinkRule("in_vpc", "resourcesVpcConfig.vpcId", "ec2:vpc/{value}"),
            LinkRule("in_subnet", "resourcesVpcConfig.subnetIds[]", "ec2:subnet/{value}"),
            LinkRule("has_security_group", "resourcesVpcConfig.clusterSecurityGroupId", SECURITY_GROUP),
        ),
    ),
    Kind(
        "eks_node_group", "compute", "eks", "ListNodegroups", "nodegroups[]", "{nodegroupArn}", name="nodegroupName",
        scalar="nodegroupName", tags="tags", under=Listing("ListClusters", "clusters[]", "clusterName"),
        parameters={"clusterName": "{clusterName}"},
        details=(Detail("DescribeNodegroup", {"clusterName": "{clusterName}", "nodegroupName": "{nodegroupName}"}, "nodegroup"),),
        parent="eks:cluster/{clusterName}",
        links=(
            LinkRule("runs_on", "clusterName", "eks:cluster/{value}"), LinkRule("has_role", "nodeRole"),
            LinkRule("in_subnet", "subnets[]", "ec2:subnet/{value}"),
        ),
    ),
    Kind(
        "ecr_repository", "storage", "ecr", "DescribeRepositories", "repositories[]", "{repositoryArn}", name="repositoryName", tags="",
    ),
    Kind(
        "beanstalk_environment", "compute", "elasticbeanstalk", "DescribeEnvironments", "Environments[]", "{EnvironmentArn}",
        name="EnvironmentName", tags="", parameters={"IncludeDeleted": False},
    ),
    Kind(
        "emr_cluster", "compute", "emr", "ListClusters", "Clusters[]", "{ClusterArn}", name="Name", tags="",
        parameters={"ClusterStates": ["STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING", "TERMINATING"]},
        omit=("NormalizedInstanceHours",),
    ),
    Kind(
        "sagemaker_endpoint", "compute", "sagemaker", "ListEndpoints", "Endpoints[]", "{EndpointArn}", name="EndpointName", tags="",
    ),
    Kind(
        "sagemaker_notebook", "compute", "sagemaker", "ListNotebookInstances", "NotebookInstances[]", "{NotebookInstanceArn}",
        name="NotebookInstanceName", tags="",
    ),
    Kind(
        "workspace", "compute", "workspaces", "DescribeWorkspaces", "Workspaces[]", "workspaces:workspace/{WorkspaceId}",
        name="ComputerName", tags="", links=(IN_SUBNET,),
    ),
)
# fmt: on
