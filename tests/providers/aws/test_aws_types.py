"""Types that need more than their declaration says at a glance: secrets beside what is wanted, lists under lists, tags from elsewhere."""

from __future__ import annotations

import json
import threading

import pytest
from peers.aws_proxy import AwsReply
from peers.moto import Moto
from test_aws_reading import ACCOUNT, REGION, found, read, report

from providers.aws import simulation
from providers.errors import Outcome
from providers.records import Link

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
HERE = f"{REGION}:{ACCOUNT}"


def test_access_keys_by_their_ids_only(moto: Moto):
    iam = moto.client("iam")
    iam.create_user(UserName="ann")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    (resource,) = found(read(moto.url, "iam_access_key"), "iam_access_key").values()

    assert resource.external_id == f"arn:aws:iam::{ACCOUNT}:user/ann/access-key/{key['AccessKeyId']}"
    assert resource.parent == f"arn:aws:iam::{ACCOUNT}:user/ann"
    assert set(resource.attributes) == {"UserName", "AccessKeyId", "Status", "CreateDate"}


def test_a_user_who_goes_away_meanwhile_takes_no_other_along(moto: Moto, aws_proxy):
    iam = moto.client("iam")
    for name in ("ann", "bob"):
        iam.create_user(UserName=name)
        iam.create_access_key(UserName=name)
    key = iam.list_access_keys(UserName="ann")["AccessKeyMetadata"][0]["AccessKeyId"]
    users, turn = iter(("ann",)), threading.Lock()

    def deleted(call):
        if call.operation == "ListAccessKeys":
            with turn:  # each of these calls reaches moto when she is gone
                for name in users:
                    iam.delete_access_key(UserName=name, AccessKeyId=key)
                    iam.delete_user(UserName=name)

    with aws_proxy.broken(deleted):
        collected = read(aws_proxy.url, "iam_access_key")

    assert len(found(collected, "iam_access_key")) == 1
    assert report(collected, "iam_access_key", "").outcome is Outcome.COMPLETE


def test_mfa_devices_without_their_seeds(moto: Moto):
    serial = moto.client("iam").create_virtual_mfa_device(VirtualMFADeviceName="phone")["VirtualMFADevice"]["SerialNumber"]
    resource = found(read(moto.url, "iam_virtual_mfa_device"), "iam_virtual_mfa_device")[serial]

    assert not {"Base32StringSeed", "QRCodePNG", "User"} & set(resource.attributes)


def test_a_task_definition_names_its_variables_and_keeps_their_values(moto: Moto):
    container = {
        "name": "web", "image": "web:1", "memory": 64, "environment": [{"name": "PASSWORD", "value": "hunter2"}],
        "command": ["serve", "--token=hunter2"], "logConfiguration": {"logDriver": "splunk", "options": {"splunk-token": "hunter2"}},
    }  # fmt: skip
    ecs = moto.client("ecs", REGION)
    for _ in range(2):
        ecs.register_task_definition(family="shop", containerDefinitions=[container])
    (resource,) = found(read(moto.url, "ecs_task_definition"), "ecs_task_definition").values()

    assert resource.external_id == f"arn:aws:ecs:{HERE}:task-definition/shop:2"
    assert resource.attributes["containerDefinitions"][0]["environment"] == ["PASSWORD"]
    assert "hunter2" not in json.dumps(resource.attributes)


def test_subscriptions_lead_to_queues_and_keep_web_addresses_to_themselves(moto: Moto):
    sns, sqs = moto.client("sns", REGION), moto.client("sqs", REGION)
    topic = sns.create_topic(Name="orders")["TopicArn"]
    queue = f"arn:aws:sqs:{HERE}:orders"
    sqs.create_queue(QueueName="orders")
    for protocol, endpoint in (("sqs", queue), ("https", "https://example.com/hook?key=hunter2")):
        sns.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=endpoint)
    subscriptions = found(read(moto.url, "sns_subscription"), "sns_subscription").values()

    assert {link for subscription in subscriptions for link in subscription.links} == {Link("attached_to", topic), Link("notifies", queue)}
    assert "hunter2" not in repr(subscriptions)


def test_what_is_not_confirmed_has_no_id_yet(moto: Moto, aws_proxy):
    member = "<member><SubscriptionArn>PendingConfirmation</SubscriptionArn><Protocol>email</Protocol></member>"
    answer = f"<ListSubscriptionsResponse><ListSubscriptionsResult><Subscriptions>{member * 2}</Subscriptions></ListSubscriptionsResult></ListSubscriptionsResponse>"
    with aws_proxy.broken(lambda call: AwsReply(200, "", answer.encode()) if call.operation == "ListSubscriptions" else None):
        collected = read(aws_proxy.url, "sns_subscription")

    assert found(collected, "sns_subscription") == {}
    assert report(collected, "sns_subscription").outcome is Outcome.COMPLETE


def test_records_of_one_name_are_told_apart(moto: Moto):
    route53 = moto.client("route53")
    zone = route53.create_hosted_zone(Name="example.com", CallerReference="one")["HostedZone"]["Id"]
    record = {"Name": "www.example.com", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    for identifier in ("blue", "green"):
        change = {"Action": "CREATE", "ResourceRecordSet": {**record, "SetIdentifier": identifier, "Weight": 1}}
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [change]})
    collected = read(moto.url, "route53_record", "route53_zone")
    records = found(collected, "route53_record")

    assert {
        f"arn:aws:route53:::hostedzone/{zone.rpartition('/')[2]}/A/www.example.com./{identifier}" for identifier in ("blue", "green")
    } <= set(records)
    assert f"arn:aws:route53:::hostedzone/{zone.rpartition('/')[2]}/NS/example.com./" in records
    assert {resource.parent for resource in records.values()} == set(found(collected, "route53_zone"))


def test_listeners_of_load_balancers(moto: Moto, aws_proxy):
    elbv2, subnets = moto.client("elbv2", REGION), moto.client("ec2", REGION).describe_subnets()["Subnets"][:2]
    balancer = elbv2.create_load_balancer(Name="web", Subnets=[subnet["SubnetId"] for subnet in subnets])["LoadBalancers"][0]
    group = elbv2.create_target_group(Name="web", Protocol="HTTP", Port=80, VpcId=subnets[0]["VpcId"])["TargetGroups"][0]
    action = {"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}
    elbv2.create_listener(LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=[action])
    (listener,) = found(read(aws_proxy.url, "listener", "load_balancer"), "listener").values()

    assert listener.parent == balancer["LoadBalancerArn"]
    assert listener.links == (Link("forwards_to", group["TargetGroupArn"]),)
    assert [call.operation for call in aws_proxy.calls].count("DescribeLoadBalancers") == 1


@pytest.fixture
def functions(moto: Moto) -> Moto:
    """Four functions with a tag each."""
    simulation.people(moto.client)
    subnets, group = simulation.network(moto.client, REGION)
    simulation.services(moto.client, REGION, subnets, group)
    return moto


def test_tags_that_the_list_does_not_have(functions: Moto, aws_proxy):
    collected = read(aws_proxy.url, "lambda_function", "event_bus", "log_group")

    assert {resource.name: resource.tags for resource in found(collected, "lambda_function").values()} == {
        f"{team}-resize": {"team": team} for team in simulation.TEAMS
    }
    assert [call.operation for call in aws_proxy.calls].count("GetResources") == 1


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [(AwsReply(400, "AccessDeniedException"), Outcome.DENIED), (AwsReply(400, "ThrottledException"), Outcome.THROTTLED)],
)
def test_case_aws_7_tags_that_cannot_be_read_are_not_said_to_be_none(functions: Moto, aws_proxy, answer, outcome):
    with aws_proxy.broken(lambda call: answer if call.operation == "GetResources" else None):
        collected = read(aws_proxy.url, "lambda_function")
    resources = found(collected, "lambda_function").values()

    assert report(collected, "lambda_function").outcome is outcome
    assert [resource.attributes["Unreadable"] for resource in resources] == [["tags"]] * 4
    assert outcome is not Outcome.DENIED or report(collected, "lambda_function").permission == "tag:GetResources"


def test_images_are_read_by_jobs_that_ask_for_them(moto: Moto):
    ecr = moto.client("ecr", REGION)
    repository = ecr.create_repository(repositoryName="shop")["repository"]["repositoryArn"]
    manifest = json.dumps({"schemaVersion": 2, "config": {"digest": "sha256:0"}, "layers": []})
    ecr.put_image(repositoryName="shop", imageManifest=manifest, imageTag="latest", imageManifestMediaType=MANIFEST)
    (image,) = found(read(moto.url, "ecr_image", optional_types=["ecr_image"]), "ecr_image").values()

    assert image.parent == repository
    assert image.attributes["imageTags"] == ["latest"]
    assert found(read(moto.url, "ecr_image"), "ecr_image") == {}


def eks(call) -> AwsReply | None:
    """moto knows neither add-ons nor access entries. The cluster `old` has its entries in a config map."""
    principal = f"arn:aws:iam::{ACCOUNT}:role/admin"
    kind = next((part for part in ("addons", "access-entries") if part in call.path), "")
    if kind == "access-entries" and "/old/" in call.path:
        return AwsReply(400, "InvalidRequestException")
    entry = {"accessEntryArn": f"arn:aws:eks:{HERE}:access-entry/new/role/{ACCOUNT}/admin/1", "principalArn": principal}
    addon = {"addonArn": f"arn:aws:eks:{HERE}:addon/new/vpc-cni/1", "addonName": "vpc-cni", "configurationValues": "key: hunter2"}
    answers = {
        "addons": {"addons": ["vpc-cni"] if "/new/" in call.path else []},
        "access-entries": {"accessEntries": [principal]},
        "vpc-cni": {"addon": addon},
        "admin": {"accessEntry": entry},
        "access-policies": {"associatedAccessPolicies": [{"policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"}]},
    }
    last = call.path.split("?")[0].split("/")[-1]
    return AwsReply(200, "", json.dumps(answers[last.split("%2F")[-1]]).encode()) if kind else None


def test_addons_and_access_entries_of_clusters(moto: Moto, aws_proxy):
    for name in ("old", "new"):
        role = f"arn:aws:iam::{ACCOUNT}:role/cluster"
        moto.client("eks", REGION).create_cluster(name=name, roleArn=role, resourcesVpcConfig={})
    with aws_proxy.broken(eks):
        collected = read(aws_proxy.url, "eks_cluster", "eks_addon", "eks_access_entry")
    (addon,) = found(collected, "eks_addon").values()
    (entry,) = found(collected, "eks_access_entry").values()

    assert addon.parent == entry.parent == f"arn:aws:eks:{HERE}:cluster/new"
    assert "configurationValues" not in addon.attributes
    assert Link("granted_to", f"arn:aws:iam::{ACCOUNT}:role/admin") in entry.links
    assert report(collected, "eks_addon").outcome is Outcome.COMPLETE
    assert report(collected, "eks_access_entry").outcome is Outcome.UNSUPPORTED, "the old cluster's entries are unknown, not none"
