"""Containers: clusters, what runs on them, and the images that it is made of."""

from __future__ import annotations

from providers.aws.declaration import Batch, Detail, Kind, LinkRule, Listing
from providers.aws.types.network import SECURITY_GROUP

EKS_CLUSTERS = Listing("ListClusters", "clusters[]", "clusterName")
OF_CLUSTER = {"clusterName": "{clusterName}"}
OF_ENTRY = {**OF_CLUSTER, "principalArn": "{principalArn}"}

# A table reads better than one argument a line.
# fmt: off
CONTAINERS = (
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
        "ecs_task_definition", "compute", "ecs", "ListTaskDefinitionFamilies", "families[]",
        "{taskDefinitionArn}", name="family", tagged_as="ecs:task-definition", scalar="family", parameters={"status": "ACTIVE"},
        details=(Detail("DescribeTaskDefinition", {"taskDefinition": "{family}"}, "taskDefinition"),),
        names_only=(
            "containerDefinitions[].environment", "containerDefinitions[].logConfiguration.options",
            "containerDefinitions[].firelensConfiguration.options",
        ),
        omit=("containerDefinitions[].command", "containerDefinitions[].entryPoint", "containerDefinitions[].healthCheck"),
        unordered=("requiresAttributes",),
        links=(LinkRule("runs_as", "taskRoleArn"), LinkRule("has_role", "executionRoleArn")),
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
        scalar="nodegroupName", tags="tags", under=EKS_CLUSTERS, parameters=OF_CLUSTER,
        details=(Detail("DescribeNodegroup", {"clusterName": "{clusterName}", "nodegroupName": "{nodegroupName}"}, "nodegroup"),),
        parent="eks:cluster/{clusterName}",
        links=(
            LinkRule("runs_on", "clusterName", "eks:cluster/{value}"), LinkRule("has_role", "nodeRole"),
            LinkRule("in_subnet", "subnets[]", "ec2:subnet/{value}"),
        ),
    ),
    Kind(
        "eks_addon", "compute", "eks", "ListAddons", "addons[]", "{addonArn}", name="addonName", scalar="addonName", tags="tags",
        under=EKS_CLUSTERS, parameters=OF_CLUSTER,
        details=(Detail("DescribeAddon", {**OF_CLUSTER, "addonName": "{addonName}"}, "addon"),),
        omit=("configurationValues",), parent="eks:cluster/{clusterName}",
        links=(LinkRule("runs_on", "clusterName", "eks:cluster/{value}"), LinkRule("has_role", "serviceAccountRoleArn")),
    ),
    Kind(
        "eks_access_entry", "permission", "eks", "ListAccessEntries", "accessEntries[]", "{accessEntryArn}", name="principalArn",
        scalar="principalArn", tags="tags", under=EKS_CLUSTERS, parameters=OF_CLUSTER, unsupported=("InvalidRequestException",),
        details=(
            Detail("DescribeAccessEntry", OF_ENTRY, "accessEntry"),
            Detail("ListAssociatedAccessPolicies", OF_ENTRY, "associatedAccessPolicies[]", "associatedAccessPolicies"),
        ),
        unordered=("associatedAccessPolicies", "kubernetesGroups"), parent="eks:cluster/{clusterName}",
        links=(LinkRule("granted_to", "principalArn"), LinkRule("on_scope", "clusterName", "eks:cluster/{value}")),
    ),
    Kind(
        "ecr_repository", "storage", "ecr", "DescribeRepositories", "repositories[]", "{repositoryArn}", name="repositoryName",
        tagged_as="ecr:repository",
    ),
    Kind(
        "ecr_image", "storage", "ecr", "DescribeImages", "imageDetails[]", "{Repository.repositoryArn}/{imageDigest}", tags="",
        under=Listing("DescribeRepositories", "repositories[]", into="Repository"), optional=True,
        parameters={"repositoryName": "{Repository.repositoryName}"}, parent="{Repository.repositoryArn}", unordered=("imageTags",),
        omit=("Repository", "imageScanStatus", "imageScanFindingsSummary", "lastRecordedPullTime"),
    ),
)
# fmt: on
