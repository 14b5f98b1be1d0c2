"""Delivery: what builds and releases software. Optional types, as each service costs a client in every region."""

from __future__ import annotations

from providers.aws.declaration import KEY, AwsKind, Batch, Detail
from providers.aws.types.network import SECURITY_GROUP
from providers.catalogue.kinds import LinkRule

# A table reads better than one argument a line.
# fmt: off
DELIVERY = (
    AwsKind(
        "codebuild_project", "deployment", "{arn}", "codebuild", "ListProjects", "projects[]", name="name", scalar="name", tags="tags",
        optional=True, batches=(Batch("BatchGetProjects", "names", "name", "projects[]", "name", 100),),
        names_only=("environment.environmentVariables",), omit=("source.buildspec", "webhook.secret", "webhook.payloadUrl", "webhook.url"),
        links=(
            LinkRule("has_role", "serviceRole"), LinkRule("encrypted_with", "encryptionKey", KEY),
            LinkRule("in_vpc", "vpcConfig.vpcId", "ec2:vpc/{value}"), LinkRule("in_subnet", "vpcConfig.subnets[]", "ec2:subnet/{value}"),
            LinkRule("has_security_group", "vpcConfig.securityGroupIds[]", SECURITY_GROUP),
            LinkRule("writes_to", "artifacts.location", "arn:{partition}:s3:::{value}", when=("artifacts.type", "S3")),
            LinkRule("writes_to", "logsConfig.cloudWatchLogs.groupName", "logs:log-group:{value}"),
        ),
    ),
    AwsKind(
        "codepipeline", "deployment", "codepipeline:{name}", "codepipeline", "ListPipelines", "pipelines[]", name="name",
        tagged_as="codepipeline", optional=True, details=(Detail("GetPipeline", {"name": "{name}"}, "pipeline"),),
        names_only=("stages[].actions[].configuration", "artifactStores"),
        omit=("stages[].actions[].environmentVariables", "stages[].actions[].commands"),
        links=(
            LinkRule("has_role", "roleArn"), LinkRule("has_role", "stages[].actions[].roleArn"),
            LinkRule("writes_to", "artifactStore.location", "arn:{partition}:s3:::{value}"),
            LinkRule("encrypted_with", "artifactStore.encryptionKey.id", KEY),
        ),
    ),
)
# fmt: on
