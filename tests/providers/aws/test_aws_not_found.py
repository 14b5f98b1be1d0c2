"""A parent that AWS answers "not found" for is deleted only when a second read of its list lacks it. The error codes that count as "not found"
are checked against AWS's API models."""

from __future__ import annotations

import functools
import json

import botocore.session
import pytest
from peers.aws_proxy import AwsReply
from test_aws_reading import REGION, found, read, report

from providers.aws import catalogue
from providers.aws.failure import is_gone
from providers.aws.not_found import key_of
from providers.errors import Outcome


def clusters(moto, *names: str):
    eks = moto.client("eks", REGION)
    for name in names:
        eks.create_cluster(name=name, roleArn="arn:aws:iam::123456789012:role/eks", resourcesVpcConfig={"subnetIds": ["subnet-1"]})
        for group in ("a", "b"):
            eks.create_nodegroup(
                clusterName=name, nodegroupName=group, nodeRole="arn:aws:iam::123456789012:role/node", subnets=["subnet-1"]
            )
    return eks


def refused(path: str, code: str = "ResourceNotFoundException"):
    """A rule: what is asked at this path is not found."""
    return lambda call: AwsReply(404, code) if call.path.partition("?")[0].endswith(path) else None


def test_a_parent_that_is_listed_and_not_found_is_no_empty_list(moto, aws_proxy):
    clusters(moto, "one", "two")
    with aws_proxy.broken(refused("/clusters/one/node-groups")):
        collected = read(aws_proxy.url, "eks_node_group")
    told = report(collected, "eks_node_group")

    assert {group.name for group in found(collected, "eks_node_group").values()} == {"a", "b"}, "those of the other cluster"
    assert told.outcome is Outcome.ERROR
    assert "AWS lists it still" in told.message
    assert "ResourceNotFoundException" in told.message


def test_a_parent_that_is_deleted_meanwhile_costs_nothing_but_its_own(moto, aws_proxy):
    eks = clusters(moto, "one", "two")

    def deleted(call):
        if call.path.endswith("/clusters/one/node-groups") and "one" in eks.list_clusters()["clusters"]:
            for group in ("a", "b"):
                eks.delete_nodegroup(clusterName="one", nodegroupName=group)
            eks.delete_cluster(name="one")

    with aws_proxy.broken(deleted):
        collected = read(aws_proxy.url, "eks_node_group", page_size=100)

    assert report(collected, "eks_node_group").outcome is Outcome.COMPLETE
    assert {group.name for group in found(collected, "eks_node_group").values()} == {"a", "b"}


def test_an_item_without_an_id_that_is_listed_and_not_found_is_not_gone(moto, aws_proxy):
    """The ARN of a node group comes from the call that does not find it."""
    clusters(moto, "one")
    with aws_proxy.broken(refused("/clusters/one/node-groups/a")):
        collected = read(aws_proxy.url, "eks_node_group")
    told = report(collected, "eks_node_group")

    assert {group.name for group in found(collected, "eks_node_group").values()} == {"b"}
    assert (told.outcome, "AWS lists it still" in told.message) == (Outcome.ERROR, True)


def test_an_item_that_is_deleted_meanwhile_is_gone(moto, aws_proxy):
    eks = clusters(moto, "one")

    def deleted(call):
        if call.path.endswith("/clusters/one/node-groups/a") and "a" in eks.list_nodegroups(clusterName="one")["nodegroups"]:
            eks.delete_nodegroup(clusterName="one", nodegroupName="a")

    with aws_proxy.broken(deleted):
        collected = read(aws_proxy.url, "eks_node_group")

    assert {group.name for group in found(collected, "eks_node_group").values()} == {"b"}
    assert report(collected, "eks_node_group").outcome is Outcome.COMPLETE


def test_an_item_of_a_batch_that_is_listed_and_not_found_is_not_gone(moto, aws_proxy):
    vpc = moto.client("ec2", REGION).create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    moto.client("elbv2", REGION).create_target_group(Name="t", Protocol="HTTP", Port=80, VpcId=vpc)
    with aws_proxy.broken(lambda call: AwsReply(400, "TargetGroupNotFound") if call.operation == "DescribeTags" else None):
        collected = read(aws_proxy.url, "target_group")
    told = report(collected, "target_group")

    assert (told.outcome, "AWS lists it still" in told.message) == (Outcome.ERROR, True)


def test_where_the_list_cannot_be_read_again_nothing_is_known(moto, aws_proxy):
    clusters(moto, "one")
    asked: list[str] = []

    def rule(call):
        path = call.path.partition("?")[0]
        if path == "/clusters":
            asked.append(path)
            return AwsReply(403, "AccessDeniedException") if len(asked) > 1 else None
        return refused("/clusters/one/node-groups")(call)

    with aws_proxy.broken(rule):
        told = report(read(aws_proxy.url, "eks_node_group"), "eks_node_group")
    assert told.outcome is Outcome.ERROR
    assert "whether it is deleted is not known" in told.message
    assert "eks:ListClusters" in told.message


def test_where_the_list_below_a_parent_is_not_found_again_nothing_is_known_of_its_items(moto, aws_proxy):
    """The cluster may be there, and with it the node group that is not found either."""
    clusters(moto, "one", "two")
    listed: list[str] = []

    def rule(call):
        path = call.path.partition("?")[0]
        if path.endswith("/clusters/one/node-groups"):
            listed.append(path)
            return AwsReply(404, "ResourceNotFoundException") if len(listed) > 1 else None
        return refused("/clusters/one/node-groups/a")(call)

    with aws_proxy.broken(rule):
        told = report(read(aws_proxy.url, "eks_node_group", page_size=100), "eks_node_group")
    assert (told.outcome, told.resources) == (Outcome.ERROR, 3)
    assert "whether it is deleted is not known" in told.message


# Which answers say so


@functools.cache
def error_codes(service: str, operation: str) -> frozenset[str]:
    """The error codes that botocore's model has for an operation; S3, EC2 and some others have none."""
    model = botocore.session.get_session().get_service_model(service).operation_model(operation)
    return frozenset(shape.error_code or shape.name for shape in model.error_shapes)


def calls_for_one():
    """Every call that is made for one thing of a list: (type, service, operation)."""
    for kind in catalogue.KINDS:
        for call in (*kind.batches, *kind.details):
            yield kind.sub_type, kind.service, call.operation
        for listing in kind.listings:
            if listing.under:
                yield kind.sub_type, kind.service_of(listing), listing.operation
        if kind.under:
            yield kind.sub_type, kind.service, kind.operation


def gone(code: str) -> bool:
    return is_gone(botocore.exceptions.ClientError({"Error": {"Code": code}}, "Call"))


NEVER_SAY_IT = {
    ("codebuild", "BatchGetProjects"), ("ecs", "DescribeClusters"), ("ecs", "DescribeTaskDefinition"), ("guardduty", "GetDetector"),
    ("guardduty", "GetFindingsStatistics"), ("iam", "GetCredentialReport"), ("s3control", "GetAccessPoint"), ("opensearch", "DescribeDomains"), ("organizations", "DescribeOrganization"), ("organizations", "ListPolicies"), ("organizations", "ListRoots"),
}  # fmt: skip
"""Calls whose models have no error for a thing that is not there: what they refuse is an item that could not be read."""

FOR_ONE = sorted(set(calls_for_one()))


@pytest.mark.parametrize(("sub_type", "service", "operation"), FOR_ONE, ids=lambda text: text)
def test_a_call_for_one_thing_says_that_it_is_gone_by_a_code_that_is_read_so(sub_type, service, operation):
    codes = error_codes(service, operation)
    if service == "s3":
        assert not codes, "botocore has them now: check them"
    else:
        assert any(map(gone, codes)) != ((service, operation) in NEVER_SAY_IT), sorted(codes)


ABOUT_WHAT = frozenset({
    "AccessPointNotFound", "ClusterNotFoundException", "DBProxyNotFoundFault", "DBProxyTargetGroupNotFoundFault", "DBProxyTargetNotFoundFault",
    "FileSystemNotFound", "ImageNotFoundException", "ListenerNotFound", "LoadBalancerNotFound", "MountTargetNotFound",
    "NoSuchConfigurationRecorderException", "NoSuchEntity", "NoSuchHostedZone", "NoSuchPublicAccessBlockConfiguration", "NotFound", "NotFoundException", "ParentNotFoundException",
    "PipelineNotFoundException", "PipelineVersionNotFoundException", "PolicyNotFoundException", "QueueDoesNotExist",
    "RepositoryNotFoundException", "ResourceNotFound", "ResourceNotFoundException", "RuleNotFound", "ServiceNotFoundException",
    "StateMachineDoesNotExist", "TargetGroupNotFound", "TrustStoreNotFound",
})  # fmt: skip
"""The codes of these calls' models that are read as "gone". A new one is looked at by a person: is it about the thing that was asked for?"""


def test_no_other_code_of_these_calls_is_read_as_gone():
    codes = {code for _, service, operation in FOR_ONE for code in error_codes(service, operation)}
    assert {code for code in codes if gone(code)} == ABOUT_WHAT


UNMODELLED = frozenset({
    "NoSuchBucketPolicy", "NoSuchPublicAccessBlockConfiguration", "NoSuchTagSet", "OwnershipControlsNotFoundError",
    "ServerSideEncryptionConfigurationNotFoundError",  # of S3, whose API reference has them
    "NoSuchEntityException",  # the name of IAM's error, beside its code
    "InvalidAccessException", "AccessDeniedException",  # by their messages: Security Hub and Macie that are not switched on
})  # fmt: skip


def declared_absences():
    for kind in catalogue.KINDS:
        for call in (*kind.details, *kind.listings):
            for answer in getattr(call, "absent", ()):
                service = kind.service_of(call)
                yield kind.sub_type, service, call.operation, answer
        for answer in kind.unsupported:
            yield kind.sub_type, kind.service, kind.operation, answer


@pytest.mark.parametrize(("sub_type", "service", "operation", "answer"), sorted(set(declared_absences())), ids=lambda text: text)
def test_what_is_declared_as_absent_is_an_error_of_that_call(sub_type, service, operation, answer):
    code, _, words = answer.partition(": ")
    known = error_codes(service, operation)
    assert code in known or code in UNMODELLED
    assert words or not code.startswith("AccessDenied"), "a refusal is not an absence unless its message says so"


def test_the_key_of_what_was_asked_does_not_depend_on_the_order_of_its_parts():
    assert key_of({"a": 1, "b": [2]}) == key_of(json.loads('{"b": [2], "a": 1}'))
    assert key_of({"a": 1}) != key_of({"a": 2})
