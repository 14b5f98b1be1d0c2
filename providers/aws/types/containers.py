"""Containers: clusters, what runs on them, and the images that it is made of."""

from __future__ import annotations

from providers.aws.declaration import KEY, AwsKind, Batch, Detail, Listing
from providers.aws.types.network import SECURITY_GROUP
from providers.catalogue.kinds import LinkRule

EKS_CLUSTERS = Listing("ListClusters", "clusters[]", "clusterName")
ECR_IMAGE = r"(?P<owner>\d{12})\.dkr[.-]ecr(?:-fips)?\.(?P<where>[a-z0-9-]+)\.[a-z.]+/(?P<repository>[^:@]+)"
SECRETS = "containerDefinitions[].secrets[].valueFrom"
"""An ARN of a secret, after which a key, a stage and a version may stand; an ARN or a name of a parameter."""
OF_CLUSTER = {"clusterName": "{clusterName}"}
OF_ENTRY = {**OF_CLUSTER, "principalArn": "{principalArn}"}

# A table reads better than one argument a line.
# fmt: off
CONTAINERS = (
    AwsKind(
        "ecs_cluster", "compute", "{clusterArn}", "ecs", "ListClusters", "clusterArns[]", name="clusterName", scalar="clusterArn",
        tags="tags",
        batches=(
            Batch("DescribeClusters", "clusters", "clusterArn", "clusters[]", "clusterArn", 100, {"include": ["TAGS", "SETTINGS"]},
                  failures="failures[]"),
        ),
        omit=("activeServicesCount", "registeredContainerInstancesCount", "runningTasksCount", "pendingTasksCount", "statistics"),
    ),
    AwsKind(
        "ecs_service", "compute", "{serviceArn}", "ecs", "ListServices", "serviceArns[]", name="serviceName", scalar="serviceArn",
        tags="tags", under=Listing("ListClusters", "clusterArns[]", "clusterArn"), parameters={"cluster": "{clusterArn}"},
        batches=(
            Batch("DescribeServices", "services", "serviceArn", "services[]", "serviceArn", 10,
                  {"include": ["TAGS"], "cluster": "{clusterArn}"}, failures="failures[]"),
        ),
        omit=("currentServiceRevisions", "events", "runningCount", "pendingCount", "deployments", "taskSets"), parent="{clusterArn}",
        links=(
            LinkRule("runs_on", "clusterArn"), LinkRule("has_role", "roleArn"), LinkRule("runs", "taskDefinition"),
            LinkRule("attached_to", "loadBalancers[].targetGroupArn"),
            LinkRule("attached_to", "loadBalancers[].loadBalancerName", "elasticloadbalancing:loadbalancer/{value}"),
            LinkRule("in_subnet", "networkConfiguration.awsvpcConfiguration.subnets[]", "ec2:subnet/{value}"),
            LinkRule("has_security_group", "networkConfiguration.awsvpcConfiguration.securityGroups[]", SECURITY_GROUP),
        ),
    ),
    AwsKind(
        "ecs_task_definition", "compute", "{taskDefinitionArn}", "ecs", "ListTaskDefinitionFamilies", "families[]", name="family",
        tagged_as="ecs:task-definition", scalar="family", parameters={"status": "ACTIVE"},
        details=(Detail("DescribeTaskDefinition", {"taskDefinition": "{family}"}, "taskDefinition"),),
        names_only=(
            "containerDefinitions[].environment", "containerDefinitions[].logConfiguration.options",
            "containerDefinitions[].firelensConfiguration.options",
        ),
        omit=("containerDefinitions[].command", "containerDefinitions[].entryPoint", "containerDefinitions[].healthCheck"),
        unordered=("requiresAttributes",),
        unmasked=(  # ARNs or names of secrets and parameters
            "containerDefinitions[].credentialSpecs", "containerDefinitions[].logConfiguration.secretOptions[].valueFrom",
            "containerDefinitions[].repositoryCredentials.credentialsParameter", "containerDefinitions[].secrets[].valueFrom",
            "volumes[].fsxWindowsFileServerVolumeConfiguration.authorizationConfig.credentialsParameter",
        ),
        links=(
            LinkRule("runs_as", "taskRoleArn"), LinkRule("has_role", "executionRoleArn"),
            LinkRule("runs_image", "containerDefinitions[].image", "arn:{partition}:ecr:{where}:{owner}:repository/{repository}",
                     match=ECR_IMAGE),
            LinkRule("uses", SECRETS, "{secret}", match=r"(?P<secret>arn:[^:]+:secretsmanager:(?:[^:]*:){2}secret:[^:]+)"),
            LinkRule("uses", SECRETS, match=r"arn:[^:]+:ssm:"),
            LinkRule("uses", SECRETS, "ssm:parameter/{name}", match="(?!arn:)/?(?P<name>.+)"),
        ),
    ),
    AwsKind(
        "eks_cluster", "compute", "eks:cluster/{name}", "eks", "ListClusters", "clusters[]", name="name", scalar="name", tags="tags",
        details=(Detail("DescribeCluster", {"name": "{name}"}, "cluster"),),
        links=(
            LinkRule("has_role", "roleArn"), LinkRule("in_vpc", "resourcesVpcConfig.vpcId", "ec2:vpc/{value}"),
            LinkRule("in_subnet", "resourcesVpcConfig.subnetIds[]", "ec2:subnet/{value}"),
            LinkRule("has_security_group", "resourcesVpcConfig.clusterSecurityGroupId", SECURITY_GROUP),
            LinkRule("has_security_group", "resourcesVpcConfig.securityGroupIds[]", SECURITY_GROUP),
            LinkRule("encrypted_with", "encryptionConfig[].provider.keyArn"),
            LinkRule("trusted_by", "identity.oidc.issuer", "arn:{partition}:iam::{account}:oidc-provider/{issuer}", match="https://(?P<issuer>.+)"),
        ),
    ),
    AwsKind(
        "eks_node_group", "compute", "{nodegroupArn}", "eks", "ListNodegroups", "nodegroups[]", name="nodegroupName",
        scalar="nodegroupName", tags="tags", under=EKS_CLUSTERS, parameters=OF_CLUSTER,
        details=(Detail("DescribeNodegroup", {"clusterName": "{clusterName}", "nodegroupName": "{nodegroupName}"}, "nodegroup"),),
        parent="eks:cluster/{clusterName}",
        links=(
            LinkRule("runs_on", "clusterName", "eks:cluster/{value}"), LinkRule("has_role", "nodeRole"),
            LinkRule("in_subnet", "subnets[]", "ec2:subnet/{value}"),
            LinkRule("uses", "launchTemplate.id", "ec2:launch-template/{value}"),
        ),
    ),
    AwsKind(
        "eks_addon", "compute", "{addonArn}", "eks", "ListAddons", "addons[]", name="addonName", scalar="addonName", tags="tags",
        under=EKS_CLUSTERS, parameters=OF_CLUSTER,
        details=(Detail("DescribeAddon", {**OF_CLUSTER, "addonName": "{addonName}"}, "addon"),),
        omit=("configurationValues",), parent="eks:cluster/{clusterName}",
        links=(LinkRule("runs_on", "clusterName", "eks:cluster/{value}"), LinkRule("has_role", "serviceAccountRoleArn")),
    ),
    AwsKind(
        "eks_access_entry", "permission", "{accessEntryArn}", "eks", "ListAccessEntries", "accessEntries[]", name="principalArn",
        scalar="principalArn", tags="tags", under=EKS_CLUSTERS, parameters=OF_CLUSTER, unsupported=("InvalidRequestException",),
        details=(
            Detail("DescribeAccessEntry", OF_ENTRY, "accessEntry"),
            Detail("ListAssociatedAccessPolicies", OF_ENTRY, "associatedAccessPolicies[]", "associatedAccessPolicies"),
        ),
        unordered=("associatedAccessPolicies", "kubernetesGroups"), parent="eks:cluster/{clusterName}",
        links=(LinkRule("granted_to", "principalArn"), LinkRule("on_scope", "clusterName", "eks:cluster/{value}")),
    ),
    AwsKind(
        "ecr_repository", "storage", "{repositoryArn}", "ecr", "DescribeRepositories", "repositories[]", name="repositoryName",
        tagged_as="ecr:repository", links=(LinkRule("encrypted_with", "encryptionConfiguration.kmsKey", KEY),),
    ),
    AwsKind(
        "ecr_image", "storage", "{Repository.repositoryArn}/{imageDigest}", "ecr", "DescribeImages", "imageDetails[]", tags="",
        under=Listing("DescribeRepositories", "repositories[]", into="Repository"), optional=True,
        parameters={"repositoryName": "{Repository.repositoryName}"}, parent="{Repository.repositoryArn}", unordered=("imageTags",),
        omit=("Repository", "imageScanStatus", "imageScanFindingsSummary", "lastRecordedPullTime"),
    ),
    AwsKind(
        "eks_fargate_profile", "compute", "{fargateProfileArn}", "eks", "ListFargateProfiles", "fargateProfileNames[]",
        name="fargateProfileName", scalar="fargateProfileName", tags="tags", under=EKS_CLUSTERS, parameters=OF_CLUSTER,
        details=(Detail("DescribeFargateProfile", {**OF_CLUSTER, "fargateProfileName": "{fargateProfileName}"}, "fargateProfile"),),
        parent="eks:cluster/{clusterName}", unordered=("subnets",),
        links=(
            LinkRule("runs_on", "clusterName", "eks:cluster/{value}"), LinkRule("has_role", "podExecutionRoleArn"),
            LinkRule("in_subnet", "subnets[]", "ec2:subnet/{value}"),
        ),
    ),
    AwsKind(
        "eks_pod_identity_association", "permission", "{associationArn}", "eks", "ListPodIdentityAssociations", "associations[]",
        name="serviceAccount", tags="tags", under=EKS_CLUSTERS, parameters=OF_CLUSTER, parent="eks:cluster/{clusterName}",
        details=(Detail("DescribePodIdentityAssociation", {**OF_CLUSTER, "associationId": "{associationId}"}, "association"),),
        links=(
            LinkRule("on_scope", "clusterName", "eks:cluster/{value}"), LinkRule("grants_role", "roleArn"),
            LinkRule("grants_role", "targetRoleArn"),
        ),
    ),
    AwsKind(
        "ecs_task", "compute", "{taskArn}", "ecs", "ListTasks", "taskArns[]", scalar="taskArn", tags="tags", optional=True,
        under=Listing("ListClusters", "clusterArns[]", "clusterArn"), parameters={"cluster": "{clusterArn}"}, parent="{clusterArn}",
        batches=(
            Batch("DescribeTasks", "tasks", "taskArn", "tasks[]", "taskArn", 100, {"include": ["TAGS"], "cluster": "{clusterArn}"},
                  failures="failures[]"),
        ),
        omit=(
            "connectivity", "connectivityAt", "healthStatus", "lastStatus", "version", "overrides", "containers[].healthStatus",
            "containers[].lastStatus",
        ),
        unordered=("attachments", "containers"),
        links=(
            LinkRule("runs_on", "clusterArn"), LinkRule("runs", "taskDefinitionArn"),
            LinkRule("member_of", "group", "ecs:service/{clusterArn/}/{service}", match="service:(?P<service>.+)"),
        ),
    ),
    AwsKind(
        "ecr_public_repository", "storage", "{repositoryArn}", "ecr-public", "DescribeRepositories", "repositories[]",
        name="repositoryName", tags="", regional=False, optional=True,
    ),
)
# fmt: on
