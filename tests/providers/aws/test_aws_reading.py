"""Reading: pages, regions, accounts, and what goes wrong with one item, against moto."""

from __future__ import annotations

import json
from unittest import mock

import pytest
from peers.aws_proxy import HALF, AwsReply
from peers.moto import Moto

from providers import registry
from providers.aws import catalogue, client, simulation
from providers.aws.config import AwsConfig, AwsOperator
from providers.collected import Collected
from providers.errors import ConfigError, CredentialsError, Outcome
from providers.records import Link, Organization, Scope
from providers.runner import run
from providers.schema import parse

ACCOUNT = "123456789012"
REGION = "eu-central-1"
EVERYTHING = catalogue.reads()


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    monkeypatch.setattr(client, "ATTEMPTS", 2)


def read(url: str, *only: str, **config) -> Collected:
    """One run, of all kinds or of these only."""
    kinds = tuple(kinds for kinds in EVERYTHING if not only or any(kind.sub_type in only for kind in kinds))
    with mock.patch.object(catalogue, "reads", lambda: kinds):
        return read_all(url, **config)


def read_all(url: str, **config) -> Collected:
    raw = {**simulation.KEYS, "regions": [REGION], **config}
    source = registry.get("aws").open(parse(AwsConfig, raw), AwsOperator(endpoint_url=url))
    try:
        collected = Collected()
        run(source, collected)
        return collected
    finally:
        source.close()


def found(collected: Collected, sub_type: str):
    return {resource.external_id: resource for _, resource in collected.all() if resource.sub_type == sub_type}


def report(collected: Collected, sub_type: str, region: str = REGION):
    return collected.reports[Scope("aws", ACCOUNT, region, sub_type)]


def test_an_instance_and_what_it_hangs_on(moto: Moto):
    ec2 = moto.client("ec2", REGION)
    subnet = ec2.describe_subnets()["Subnets"][0]
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "web"}, {"Key": "team", "Value": "a"}]}]
    launched = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, SubnetId=subnet["SubnetId"], TagSpecifications=tags)
    instance = launched["Instances"][0]
    arn = f"arn:aws:ec2:{REGION}:{ACCOUNT}"
    resource = found(read(moto.url, "ec2_instance"), "ec2_instance")[f"{arn}:instance/{instance['InstanceId']}"]

    assert (resource.entity_type, resource.name) == ("compute", "web")
    assert resource.tags == {"Name": "web", "team": "a"}
    assert {Link("in_vpc", f"{arn}:vpc/{subnet['VpcId']}"), Link("in_subnet", f"{arn}:subnet/{subnet['SubnetId']}")} <= set(resource.links)
    assert "Tags" not in resource.attributes
    assert resource.attributes["LaunchTime"].endswith("Z")


def test_five_without_a_name_are_five(moto: Moto):
    moto.client("ec2", REGION).run_instances(ImageId="ami-12345678", MinCount=5, MaxCount=5)

    assert len(found(read(moto.url, "ec2_instance"), "ec2_instance")) == 5


def test_every_page_is_read(moto: Moto, aws_proxy):
    """moto pages instances by reservation, and RDS and load balancers by item."""
    ec2, rds = moto.client("ec2", REGION), moto.client("rds", REGION)
    for _ in range(12):
        ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)
    for number in range(41):
        rds.create_db_instance(DBInstanceIdentifier=f"db{number}", DBInstanceClass="db.t3.micro", Engine="mysql")
    collected = read(aws_proxy.url, "ec2_instance", "rds_instance", page_size=5)
    asked = [call.operation for call in aws_proxy.calls]

    assert len(found(collected, "ec2_instance")) == 12
    assert len(found(collected, "rds_instance")) == 41
    assert asked.count("DescribeInstances") == 3
    assert asked.count("DescribeDBInstances") == 3, "20 is the smallest page that RDS gives"


def test_no_call_is_made_twice(moto: Moto, aws_proxy):
    read(aws_proxy.url)
    calls = [(call.operation, call.service, call.region, call.path) for call in aws_proxy.calls if call.operation]
    twice = {call for call in calls if calls.count(call) > 1}

    two_lists = {"DescribeLoadBalancers", "ListWebACLs"}
    """Both generations of load balancers; web ACLs of a region and of CloudFront."""
    assert {operation for operation, *_ in twice} <= two_lists


def test_each_region_and_the_organizations(moto: Moto):
    for region in ("us-east-1", "eu-west-1", "ap-south-1"):
        moto.client("sqs", region).create_queue(QueueName=f"q-{region}")
    collected = read(moto.url, "sqs_queue", "iam_user", regions=["us-east-1", "eu-west-1"])

    assert {resource.name for resource in found(collected, "sqs_queue").values()} == {"q-us-east-1", "q-eu-west-1"}
    assert {scope.region for scope in collected.reports} == {"", "us-east-1", "eu-west-1"}
    assert set(collected.tree.values()) == {
        Organization("aws", "AWS"),
        Organization("aws:us-east-1", "AWS us-east-1", "aws"),
        Organization("aws:eu-west-1", "AWS eu-west-1", "aws"),
    }
    assert {resource.organization for resource in found(collected, "sqs_queue").values()} == {"aws:us-east-1", "aws:eu-west-1"}


def test_a_region_that_does_not_exist_is_a_wrong_config(moto: Moto):
    with pytest.raises(ConfigError, match="no region `us-est-1`, did you mean `us-"):
        read(moto.url, regions=["us-est-1"])


def test_memberships_and_policies(moto: Moto):
    iam = moto.client("iam")
    iam.create_group(GroupName="admins", Path="/teams/")
    iam.create_user(UserName="ann")
    iam.add_user_to_group(GroupName="admins", UserName="ann")
    document = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
    policy = iam.create_policy(PolicyName="all", PolicyDocument=document)["Policy"]["Arn"]
    iam.attach_user_policy(UserName="ann", PolicyArn=policy)
    user = found(read(moto.url, "iam_user"), "iam_user")[f"arn:aws:iam::{ACCOUNT}:user/ann"]

    assert set(user.links) == {Link("member_of", f"arn:aws:iam::{ACCOUNT}:group/teams/admins"), Link("has_policy", policy)}
    assert "GroupArns" not in user.attributes
    assert user.organization == "aws"


def test_buckets_are_in_their_region_and_a_refused_detail_is_noted(moto: Moto, aws_proxy):
    s3 = moto.client("s3")
    where = {"CreateBucketConfiguration": {"LocationConstraint": REGION}}
    for name in ("one", "two"):
        s3.create_bucket(Bucket=f"bucket-{name}", **where)
    s3.create_bucket(Bucket="bucket-elsewhere")
    s3.put_bucket_tagging(Bucket="bucket-one", Tagging={"TagSet": [{"Key": "team", "Value": "a"}]})
    refused = AwsReply(403, "AccessDenied")
    with aws_proxy.broken(lambda call: refused if "bucket-two" in call.path and "policy" in call.path else None):
        collected = read(aws_proxy.url, "s3_bucket")
    buckets = found(collected, "s3_bucket")

    assert set(buckets) == {"arn:aws:s3:::bucket-one", "arn:aws:s3:::bucket-two"}
    assert buckets["arn:aws:s3:::bucket-one"].tags == {"team": "a"}
    assert buckets["arn:aws:s3:::bucket-two"].attributes["Unreadable"] == ["Policy"]
    assert report(collected, "s3_bucket").outcome is Outcome.COMPLETE
    assert "s3:GetBucketPolicy is missing" in report(collected, "s3_bucket").message
    assert "1 of 2" in report(collected, "s3_bucket").message


def test_a_detail_refused_for_all_is_a_missing_permission(moto: Moto, aws_proxy):
    for name in ("one", "two"):
        moto.client("dynamodb", REGION).create_table(
            TableName=name,
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
    with aws_proxy.broken(lambda call: AwsReply(400, "AccessDeniedException") if call.operation == "ListTagsOfResource" else None):
        collected = read(aws_proxy.url, "dynamodb_table")

    assert len(found(collected, "dynamodb_table")) == 2
    assert report(collected, "dynamodb_table").outcome is Outcome.DENIED
    assert report(collected, "dynamodb_table").permission == "dynamodb:ListTagsOfResource"


DETAILS = ["AWSAccountId", "Arn", "CreationDate", "Description", "KeyState"]
"""Some of what DescribeKey tells of a key."""


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (AwsReply(400, "AccessDeniedException"), Outcome.DENIED),
        (AwsReply(403, "Forbidden"), Outcome.DENIED),
        (AwsReply(400, "NotFoundException"), Outcome.COMPLETE),
        (AwsReply(404, "ResourceNotFound"), Outcome.COMPLETE),
        (AwsReply(405, "MethodNotAllowed"), Outcome.ERROR),
        (AwsReply(400, "ThrottlingException"), Outcome.THROTTLED),
        (AwsReply(500, "InternalFailure"), Outcome.ERROR),
    ],
)
def test_case_aws_7_a_detail_that_fails_leaves_the_item_in(moto: Moto, aws_proxy, answer, outcome):
    """What could not be read is named, so that the store keeps it; the scope has the failure's outcome as it concerns every item."""
    key = moto.client("kms", REGION).create_key()["KeyMetadata"]["Arn"]
    with aws_proxy.broken(lambda call: answer if call.operation == "DescribeKey" else None):
        collected = read(aws_proxy.url, "kms_key")
    attributes = found(collected, "kms_key")[key].attributes

    assert {*DETAILS} - {"AWSAccountId"} <= {*attributes["Unreadable"]}
    assert attributes["Unreadable"] == sorted(attributes["Unreadable"])
    assert set(attributes) == {"KeyArn", "KeyId", "Unreadable"}
    assert report(collected, "kms_key").outcome is outcome


@pytest.mark.parametrize(
    ("status", "code"), [(405, "MethodNotAllowed"), (403, "AccessDenied"), (404, "NoSuchThing"), (500, "InternalError")]
)
def test_case_aws_7_one_bucket_whose_policy_cannot_be_read(moto: Moto, aws_proxy, status, code):
    s3 = moto.client("s3")
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    for name in ("one", "two"):
        s3.create_bucket(Bucket=f"bucket-{name}", CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_bucket_policy(Bucket=f"bucket-{name}", Policy=policy)
    refused = AwsReply(status, code)
    with aws_proxy.broken(lambda call: refused if "bucket-two" in call.path and "policy" in call.path else None):
        collected = read(aws_proxy.url, "s3_bucket")
    buckets = found(collected, "s3_bucket")

    assert buckets["arn:aws:s3:::bucket-two"].attributes["Unreadable"] == ["Policy"]
    assert buckets["arn:aws:s3:::bucket-one"].attributes["Policy"] == policy
    assert report(collected, "s3_bucket").outcome is Outcome.COMPLETE


def test_case_aws_7_attributes_that_are_a_map_are_named_too(moto: Moto, aws_proxy):
    moto.client("sqs", REGION).create_queue(QueueName="orders")
    moto.client("sns", REGION).create_topic(Name="orders")
    broken = {"GetQueueAttributes": AwsReply(500, "InternalError"), "GetTopicAttributes": AwsReply(500, "InternalError")}
    with aws_proxy.broken(lambda call: broken.get(call.operation)):
        collected = read(aws_proxy.url, "sqs_queue", "sns_topic")
    (queue,), (topic,) = (found(collected, kind).values() for kind in ("sqs_queue", "sns_topic"))

    assert queue.external_id == f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders"
    assert {"KmsMasterKeyId", "VisibilityTimeout", "RedrivePolicy"} <= {*queue.attributes["Unreadable"]}
    assert {"KmsMasterKeyId", "Policy"} <= {*topic.attributes["Unreadable"]}


def test_case_aws_7_what_only_its_detail_can_name_is_not_stored_and_told(moto: Moto, aws_proxy):
    """The ARN of a task definition ends in its revision, which the list does not have."""
    container = {"name": "web", "image": "web:1", "memory": 64}
    moto.client("ecs", REGION).register_task_definition(family="shop", containerDefinitions=[container])
    broken = AwsReply(500, "ServerException")
    with aws_proxy.broken(lambda call: broken if call.operation == "DescribeTaskDefinition" else None):
        collected = read(aws_proxy.url, "ecs_task_definition")

    result = report(collected, "ecs_task_definition")
    assert found(collected, "ecs_task_definition") == {}
    assert result.rejected == 1
    assert "shop" in result.rejection
    assert result.outcome is Outcome.ERROR


def test_half_an_answer_is_not_an_empty_one(moto: Moto, aws_proxy):
    with aws_proxy.broken(lambda call: HALF if call.operation == "DescribeVpcs" else None):
        collected = read(aws_proxy.url, "vpc")

    assert report(collected, "vpc").outcome in (Outcome.ERROR, Outcome.TIMEOUT)


def test_an_html_page_instead_of_an_answer(moto: Moto, aws_proxy):
    page = AwsReply(500, "", b"<!doctype html><h1>Internal Server Error</h1>")
    with aws_proxy.broken(lambda call: page if call.operation == "DescribeVpcs" else None):
        collected = read(aws_proxy.url, "vpc")

    assert report(collected, "vpc").outcome is Outcome.ERROR
    assert "not what AWS sends" in report(collected, "vpc").message


def test_secrets_of_functions_stay_in_their_environment(moto: Moto):
    simulation.people(moto.client)
    subnets, group = simulation.network(moto.client, REGION)
    simulation.services(moto.client, REGION, subnets, group)
    function = next(iter(found(read(moto.url, "lambda_function"), "lambda_function").values()))

    assert function.attributes["Environment"] == {"Variables": ["LOG_LEVEL"]}


@pytest.fixture
def organization(moto: Moto) -> list[str]:
    """Two member accounts, each with a queue."""
    organizations = moto.client("organizations")
    organizations.create_organization(FeatureSet="ALL")
    members = []
    for name in ("dev", "prod"):
        answer = organizations.create_account(AccountName=name, Email=f"{name}@example.com")
        members.append(answer["CreateAccountStatus"]["AccountId"])
        role = f"arn:aws:iam::{members[-1]}:role/Reader"
        keys = moto.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        moto.client(
            "sqs",
            REGION,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        ).create_queue(QueueName=name)
    return members


@pytest.mark.parametrize("parallel", [1, 3])
def test_every_account_of_an_organization(moto: Moto, organization, parallel):
    collected = read(moto.url, "sqs_queue", assume_role_name="Reader", parallel_accounts=parallel)

    assert {scope.account for scope in collected.reports} == {ACCOUNT, *organization}
    assert {scope.account: r.name for scope, r in collected.all() if r.sub_type == "sqs_queue"} == dict(
        zip(organization, ("dev", "prod"), strict=True)
    )


def test_a_role_that_cannot_be_assumed_is_one_denied_scope(moto: Moto, aws_proxy, organization):
    with aws_proxy.broken(lambda call: AwsReply(403, "AccessDenied") if call.operation == "AssumeRole" else None):
        collected = read(aws_proxy.url, "vpc", assume_role_name="Reader", accounts=[ACCOUNT, organization[0]])
    denied = collected.reports[Scope("aws", organization[0], "", "*")]

    assert denied.outcome is Outcome.DENIED
    assert denied.permission == "sts:AssumeRole"
    assert organization[0] in denied.message
    assert report(collected, "vpc").outcome is Outcome.COMPLETE


def test_a_chain_of_roles(moto: Moto, aws_proxy):
    chain = [f"arn:aws:iam::{account}:role/Hop" for account in ("111111111111", "222222222222")]
    collected = read(aws_proxy.url, "vpc", role_chain=chain[:1], role_arn=chain[1])

    assert collected.who is not None
    assert collected.who.account == "222222222222"
    assert [call.operation for call in aws_proxy.calls].count("AssumeRole") == 2


def test_a_web_identity(moto: Moto, tmp_path):
    token = tmp_path / "token"
    token.write_text("a.jwt.token")
    role = "arn:aws:iam::333333333333:role/Worker"
    operator = AwsOperator(endpoint_url=moto.url, role_arn=role, web_identity_token_file=str(token))
    source = registry.get("aws").open(AwsConfig(access_key_id="", secret_access_key=""), operator)
    try:
        assert source.check().account == "333333333333"
    finally:
        source.close()


def test_no_identity_at_all():
    source = registry.get("aws").open(AwsConfig(), AwsOperator(ec2_metadata_disabled=True))
    with pytest.raises(CredentialsError, match="give access_key_id"):
        source.check()
    source.close()
