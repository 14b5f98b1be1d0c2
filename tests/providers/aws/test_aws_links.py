"""What links lead to: an item as AWS documents it, and the targets of the links that come of it."""

from __future__ import annotations

import json

import pytest
from peers.moto import Moto
from test_aws_reading import ACCOUNT, REGION, found, read

from providers.aws import catalogue
from providers.aws.iam import assumable_by
from providers.aws.shape import AwsShape
from providers.records import Link

CONTEXT = {"partition": "aws", "region": REGION, "account": ACCOUNT}
HERE = f"{REGION}:{ACCOUNT}"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/service/warehouse"
FUNCTION = f"arn:aws:lambda:{HERE}:function:resize"
UUID = "1234abcd-12ab-34cd-56ef-1234567890ab"
SECRET = f"arn:aws:secretsmanager:{HERE}:secret:db-AbCdEf"
BUCKET = {"Name": "shop"}


def key_of_bucket(key: str) -> dict:
    rules = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}]
    return {**BUCKET, "Encryption": {"Rules": rules}}


def routes(**route: str) -> dict:
    return {"RouteTableId": "rtb-1", "Routes": [{"DestinationCidrBlock": "0.0.0.0/0", **route}]}


def origin(host: str) -> dict:
    return {"ARN": "arn:aws:cloudfront::1:distribution/E1", "Origins": {"Items": [{"DomainName": host}]}}


def container(**words: object) -> dict:
    return {"taskDefinitionArn": "arn:x", "containerDefinitions": [words]}


def secret(value: str) -> dict:
    return container(secrets=[{"name": "PASSWORD", "valueFrom": value}])


def record(name: str) -> dict:
    return {"Zone": {"Id": "/hostedzone/Z1"}, "Type": "A", "Name": "www.example.org.", "AliasTarget": {"DNSName": name}}


def targets(kind: str, one: str) -> dict:
    return {"TargetGroupArn": "arn:x", "TargetType": kind, "Targets": [{"Target": {"Id": one}}]}


def selection(*resources: str) -> dict:
    return {"Plan": {"BackupPlanArn": "arn:x"}, "SelectionId": "1", "Selection": {"Resources": list(resources)}}


LINKS = [
    ("s3_bucket", key_of_bucket(UUID), "encrypted_with", [f"arn:aws:kms:{HERE}:key/{UUID}"]),
    ("s3_bucket", key_of_bucket("mrk-" + "0" * 32), "encrypted_with", [f"arn:aws:kms:{HERE}:key/mrk-{'0' * 32}"]),
    ("s3_bucket", key_of_bucket("alias/shop"), "encrypted_with", [f"arn:aws:kms:{HERE}:alias/shop"]),
    ("s3_bucket", key_of_bucket("arn:aws:kms:us-east-1:2:key/k"), "encrypted_with", ["arn:aws:kms:us-east-1:2:key/k"]),
    ("s3_bucket", {**BUCKET, "Logging": {"TargetBucket": "logs"}}, "writes_to", ["arn:aws:s3:::logs"]),
    ("ebs_volume", {"VolumeId": "vol-1", "KmsKeyId": UUID}, "encrypted_with", [f"arn:aws:kms:{HERE}:key/{UUID}"]),
    ("ssm_parameter", {"ARN": "arn:x", "KeyId": "alias/aws/ssm"}, "encrypted_with", [f"arn:aws:kms:{HERE}:alias/aws/ssm"]),
    ("sns_topic", {"TopicArn": "arn:x", "KmsMasterKeyId": "alias/aws/sns"}, "encrypted_with", [f"arn:aws:kms:{HERE}:alias/aws/sns"]),
    ("route_table", routes(GatewayId="igw-1"), "routes_to", [f"arn:aws:ec2:{HERE}:internet-gateway/igw-1"]),
    ("route_table", routes(GatewayId="vgw-1"), "routes_to", [f"arn:aws:ec2:{HERE}:vpn-gateway/vgw-1"]),
    ("route_table", routes(GatewayId="vpce-1"), "routes_to", [f"arn:aws:ec2:{HERE}:vpc-endpoint/vpce-1"]),
    ("route_table", routes(GatewayId="local"), "routes_to", []),
    ("route_table", routes(VpcPeeringConnectionId="pcx-1"), "routes_to", [f"arn:aws:ec2:{HERE}:vpc-peering-connection/pcx-1"]),
    ("route_table", routes(NetworkInterfaceId="eni-1"), "routes_to", [f"arn:aws:ec2:{HERE}:network-interface/eni-1"]),
    ("cloudfront_distribution", origin("shop.s3.eu-west-1.amazonaws.com"), "serves", ["arn:aws:s3:::shop"]),
    ("cloudfront_distribution", origin("shop.example.s3.amazonaws.com"), "serves", ["arn:aws:s3:::shop.example"]),
    ("cloudfront_distribution", origin("shop.s3-website-us-east-1.amazonaws.com"), "serves", ["arn:aws:s3:::shop"]),
    ("cloudfront_distribution", origin("shop.s3-website.eu-central-1.amazonaws.com"), "serves", ["arn:aws:s3:::shop"]),
    ("cloudfront_distribution", origin("www.example.org"), "serves", []),
    ("cloudfront_distribution", {"ARN": "arn:x", "WebACLId": "arn:aws:wafv2:x"}, "protected_by", ["arn:aws:wafv2:x"]),
    ("cloudfront_distribution", {"ARN": "arn:x", "WebACLId": "473e64fd-classic"}, "protected_by", []),
    ("ecs_task_definition", secret(f"{SECRET}:password::"), "uses", [SECRET]),
    ("ecs_task_definition", secret(SECRET), "uses", [SECRET]),
    ("ecs_task_definition", secret("db"), "uses", [f"arn:aws:ssm:{HERE}:parameter/db"]),
    ("ecs_task_definition", secret("/shop/db"), "uses", [f"arn:aws:ssm:{HERE}:parameter/shop/db"]),
    ("ecs_task_definition", secret("arn:aws:ssm:us-east-1:2:parameter/db"), "uses", ["arn:aws:ssm:us-east-1:2:parameter/db"]),
    (
        "ecs_task_definition",
        container(image="210987654321.dkr.ecr.us-west-2.amazonaws.com/team/shop@sha256:1"),
        "runs_image",
        ["arn:aws:ecr:us-west-2:210987654321:repository/team/shop"],
    ),
    ("ecs_task_definition", container(image="nginx:1"), "runs_image", []),
    ("sqs_queue", {"QueueUrl": "u/q", "RedrivePolicy": '{"maxReceiveCount":3,"deadLetterTargetArn":"arn:dlq"}'}, "dead_letters_to", ["arn:dlq"]),
    ("cloudtrail_trail", {"TrailARN": "arn:x", "CloudWatchLogsLogGroupArn": "arn:aws:logs:x:1:log-group:t:*"}, "writes_to", ["arn:aws:logs:x:1:log-group:t"]),
    ("lambda_function", {"FunctionArn": "arn:x", "LoggingConfig": {"LogGroup": "/aws/l"}}, "writes_to", [f"arn:aws:logs:{HERE}:log-group:/aws/l"]),
    ("glue_job", {"Name": "j", "Role": "etl"}, "has_role", [f"arn:aws:iam::{ACCOUNT}:role/etl"]),
    ("glue_job", {"Name": "j", "Role": "arn:aws:iam::2:role/etl"}, "has_role", ["arn:aws:iam::2:role/etl"]),
    (
        "route53_record",
        record("vpce-0123abc-xyz.ec2.us-east-1.vpce.amazonaws.com."),
        "alias_of",
        [f"arn:aws:ec2:us-east-1:{ACCOUNT}:vpc-endpoint/vpce-0123abc"],
    ),
    (
        "eks_cluster",
        {"name": "c", "identity": {"oidc": {"issuer": "https://oidc.eks.eu-central-1.amazonaws.com/id/AB"}}},
        "trusted_by",
        [f"arn:aws:iam::{ACCOUNT}:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/AB"],
    ),
    ("target_group", targets("instance", "i-1"), "balances", [f"arn:aws:ec2:{HERE}:instance/i-1"]),
    ("target_group", targets("lambda", f"{FUNCTION}:live"), "balances", [FUNCTION]),
    ("target_group", targets("alb", "arn:aws:elasticloadbalancing:x"), "balances", ["arn:aws:elasticloadbalancing:x"]),
    ("target_group", targets("ip", "10.0.0.1"), "balances", []),
    ("lambda_event_source_mapping", {"UUID": "1", "FunctionArn": f"{FUNCTION}:live"}, "triggers", [FUNCTION]),
    ("lambda_event_source_mapping", {"UUID": "1", "FunctionArn": FUNCTION}, "triggers", [FUNCTION]),
    ("lambda_function_url", {"FunctionArn": f"{FUNCTION}:live"}, "exposes", [FUNCTION]),
    ("flow_log", {"FlowLogId": "fl-1", "ResourceId": "vpc-1"}, "applies_to", [f"arn:aws:ec2:{HERE}:vpc/vpc-1"]),
    ("flow_log", {"FlowLogId": "fl-1", "ResourceId": "eni-1"}, "applies_to", [f"arn:aws:ec2:{HERE}:network-interface/eni-1"]),
    ("flow_log", {"FlowLogId": "fl-1", "ResourceId": "tgw-1"}, "applies_to", [f"arn:aws:ec2:{HERE}:transit-gateway/tgw-1"]),
    ("flow_log", {"FlowLogId": "fl-1", "ResourceId": "tgw-attach-1"}, "applies_to",
     [f"arn:aws:ec2:{HERE}:transit-gateway-attachment/tgw-attach-1"]),
    ("flow_log", {"FlowLogId": "fl-1", "LogDestination": "arn:aws:s3:::logs/vpc/"}, "writes_to", ["arn:aws:s3:::logs"]),
    ("flow_log", {"FlowLogId": "fl-1", "LogGroupName": "/vpc", "LogDestination": "arn:aws:logs:x:1:log-group:/vpc:*"}, "writes_to",
     [f"arn:aws:logs:{HERE}:log-group:/vpc"]),
    ("flow_log", {"FlowLogId": "fl-1", "LogDestination": "arn:aws:firehose:x:1:deliverystream/f"}, "writes_to",
     ["arn:aws:firehose:x:1:deliverystream/f"]),
    ("glue_crawler", {"Name": "c", "Targets": {"S3Targets": [{"Path": "s3://shop/in"}]}}, "reads_from", ["arn:aws:s3:::shop"]),
    ("api_domain", {"DomainName": "d", "MutualTlsAuthentication": {"TruststoreUri": "s3://trust/ca.pem"}}, "reads_from",
     ["arn:aws:s3:::trust"]),
    ("ecs_task", {"taskArn": "arn:t", "clusterArn": f"arn:aws:ecs:{HERE}:cluster/c", "group": "service:shop"}, "member_of",
     [f"arn:aws:ecs:{HERE}:service/c/shop"]),
    ("ecs_task", {"taskArn": "arn:t", "clusterArn": f"arn:aws:ecs:{HERE}:cluster/c", "group": "family:shop"}, "member_of", []),
    ("redshift_serverless_namespace", {"namespaceArn": "arn:x", "iamRoles": [f"IamRole(applyStatus=in-sync, iamRoleArn={ROLE})", ROLE]},
     "has_role", [ROLE]),
    ("backup_selection", selection("arn:aws:ec2:x:1:volume/v", "arn:aws:ec2:*:*:volume/*"), "applies_to", ["arn:aws:ec2:x:1:volume/v"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "item", "type_", "targets"), LINKS)
def test_a_link_leads_to_the_id_of_its_target(name, item, type_, targets):
    (kind,) = (kind for kind in catalogue.KINDS if kind.sub_type == name)
    links = AwsShape().resource(kind, item, CONTEXT).links
    assert [link.target for link in links if link.type == type_] == targets


def test_every_rule_that_takes_only_some_values_is_tried():
    """A pattern is held against no vendor's description, so each has an item above that it takes."""
    tried = {(name, type_) for name, _, type_, targets in LINKS if targets}
    rules = {(kind.sub_type, rule.type) for kind in catalogue.KINDS for rule in kind.links if rule.match and rule.match != "arn:"}
    assert rules - tried == set()


def trust(*statements: dict) -> dict:
    return {"AssumeRolePolicyDocument": {"Statement": list(statements)}}


def allow(**principal: object) -> dict:
    return {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}


@pytest.mark.parametrize(
    ("role", "principals"),
    [
        (trust(allow(AWS="arn:aws:iam::2:role/a")), ["arn:aws:iam::2:role/a"]),
        (trust(allow(AWS=["210987654321", "arn:aws:iam::2:user/b"])), ["arn:aws:iam::210987654321:root", "arn:aws:iam::2:user/b"]),
        (trust(allow(Federated="arn:aws:iam::2:oidc-provider/x")), ["arn:aws:iam::2:oidc-provider/x"]),
        (trust(allow(Service="ec2.amazonaws.com"), allow(AWS="*"), allow(AWS="AIDAEXAMPLEOFADELETEDUSER")), []),
        (trust({"Effect": "Deny", "Principal": {"AWS": "arn:aws:iam::2:root"}}), []),
        (trust({"Effect": "Allow", "Principal": "*"}), []),
        ({"AssumeRolePolicyDocument": {"Statement": allow(AWS="arn:aws:iam::2:role/a")}}, ["arn:aws:iam::2:role/a"]),
        ({}, []),
    ],
)
def test_who_may_assume_a_role(role, principals):
    assert assumable_by(role, "aws") == principals


def test_a_role_is_linked_to_those_whom_its_trust_policy_allows(moto: Moto):
    iam, other = moto.client("iam"), f"arn:aws:iam::{ACCOUNT}:role/deployer"
    iam.create_role(RoleName="shop", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow(AWS=other)]}))
    (role,) = found(read(moto.url, "iam_role"), "iam_role").values()

    assert Link("assumable_by", other) in role.links
    assert "AssumableBy" not in role.attributes
    assert "AssumeRolePolicyDocument" in role.attributes


def test_a_rule_is_linked_to_its_targets_whose_input_is_not_stored(moto: Moto):
    events, queue = moto.client("events", REGION), f"arn:aws:sqs:{HERE}:orders"
    events.put_rule(Name="nightly", ScheduleExpression="rate(1 day)")
    events.put_targets(Rule="nightly", Targets=[{"Id": "1", "Arn": queue, "Input": '{"password": "hunter2"}'}])
    (rule,) = found(read(moto.url, "event_rule"), "event_rule").values()

    assert Link("triggers", queue) in rule.links
    assert rule.attributes["Targets"] == [{"Id": "1", "Arn": queue}]


def test_a_service_is_linked_to_what_it_runs(moto: Moto):
    ecs = moto.client("ecs", REGION)
    task = ecs.register_task_definition(family="shop", containerDefinitions=[{"name": "web", "image": "web:1", "memory": 64}])
    ecs.create_cluster(clusterName="shop")
    ecs.create_service(cluster="shop", serviceName="web", taskDefinition="shop", desiredCount=1)
    collected = read(moto.url, "ecs_service", "ecs_task_definition")
    (service,) = found(collected, "ecs_service").values()

    assert Link("runs", task["taskDefinition"]["taskDefinitionArn"]) in service.links
    assert task["taskDefinition"]["taskDefinitionArn"] in found(collected, "ecs_task_definition")


def test_a_state_machine_is_linked_to_its_role_and_its_definition_is_not_stored(moto: Moto):
    role = f"arn:aws:iam::{ACCOUNT}:role/steps"
    definition = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    moto.client("stepfunctions", REGION).create_state_machine(name="steps", definition=definition, roleArn=role)
    (machine,) = found(read(moto.url, "state_machine"), "state_machine").values()

    assert Link("has_role", role) in machine.links
    assert "definition" not in machine.attributes
