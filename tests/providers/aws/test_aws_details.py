"""Answers that say less than they seem to: batches and pages from which an absence must not be read."""

from __future__ import annotations

import itertools
import json

import pytest
from peers.aws_proxy import AwsReply
from test_aws_reading import REGION, found, read, report

from providers.aws.paging import Paging, pages
from providers.errors import BadAnswer, Outcome


def ecs(moto, count: int = 3) -> list[str]:
    client = moto.client("ecs", REGION)
    return [client.create_cluster(clusterName=f"c{number}")["cluster"]["clusterArn"] for number in range(count)]


@pytest.mark.parametrize(("reason", "kept"), [("MISSING", False), ("ACCESS_DENIED", True), ("INTERNAL", True)])
def test_what_a_batch_could_not_tell_is_not_gone(moto, aws_proxy, reason, kept):
    first, second, _ = ecs(moto)
    answer = {"clusters": [{"clusterArn": first, "clusterName": "c0", "status": "ACTIVE"}], "failures": [{"arn": second, "reason": reason}]}
    with aws_proxy.broken(lambda call: AwsReply(200, "", json.dumps(answer).encode()) if call.operation == "DescribeClusters" else None):
        collected = read(aws_proxy.url, "ecs_cluster")
    clusters = found(collected, "ecs_cluster")

    assert (second in clusters) == kept
    if kept:
        assert "status" in clusters[second].attributes["Unreadable"]
        assert "Unreadable" not in clusters[first].attributes


def test_what_a_batch_leaves_out_without_a_word_is_not_gone(moto, aws_proxy):
    """Neither told nor among the failures: of the third the list alone is known."""
    first, second, third = ecs(moto)
    answer = {"clusters": [{"clusterArn": one, "clusterName": "c", "status": "ACTIVE"} for one in (first, second)], "failures": []}
    with aws_proxy.broken(lambda call: AwsReply(200, "", json.dumps(answer).encode()) if call.operation == "DescribeClusters" else None):
        collected = read(aws_proxy.url, "ecs_cluster")
    assert "status" in found(collected, "ecs_cluster")[third].attributes["Unreadable"]
    assert "the answer leaves it out" in report(collected, "ecs_cluster").message


def test_a_load_balancer_whose_tags_are_left_out_keeps_those_that_are_stored(moto, aws_proxy):
    ec2, elb = moto.client("ec2", REGION), moto.client("elbv2", REGION)
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    elb.create_target_group(Name="t0", Protocol="HTTP", Port=80, VpcId=vpc, Tags=[{"Key": "team", "Value": "a"}])
    empty = b"<DescribeTagsResponse><DescribeTagsResult><TagDescriptions/></DescribeTagsResult></DescribeTagsResponse>"
    with aws_proxy.broken(lambda call: AwsReply(200, "", empty) if call.operation == "DescribeTags" else None):
        collected = read(aws_proxy.url, "target_group")
    [group] = found(collected, "target_group").values()
    assert group.attributes["Unreadable"]


def test_one_load_balancer_that_is_gone_leaves_the_others_their_tags(moto, aws_proxy):
    """DescribeTags refuses the whole call when one of twenty is gone."""
    ec2, elb = moto.client("ec2", REGION), moto.client("elbv2", REGION)
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    for number in range(5):
        elb.create_target_group(Name=f"t{number}", Protocol="HTTP", Port=80, VpcId=vpc, Tags=[{"Key": "team", "Value": str(number)}])
    asked = itertools.count(1)
    gone = AwsReply(400, "TargetGroupNotFound")  # of five, of the last three, of the last two of these, and of one of them
    fourth = elb.describe_target_groups()["TargetGroups"][3]["TargetGroupArn"]

    def deleted(call):
        if call.operation != "DescribeTags":
            return None
        number = next(asked)
        if number == 1:
            elb.delete_target_group(TargetGroupArn=fourth)
        return gone if number in (1, 3, 5, 6) else None

    with aws_proxy.broken(deleted):
        collected = read(aws_proxy.url, "target_group")

    tags = {group.name: dict(group.tags) for group in found(collected, "target_group").values()}
    assert len(tags) == 4
    assert all(own == {"team": name[1:]} for name, own in tags.items())
    assert report(collected, "target_group").outcome is Outcome.COMPLETE


@pytest.mark.parametrize("answer", [{"IsTruncated": True}, {"IsTruncated": True, "Marker": ""}, {"IsTruncated": True, "Users": []}])
def test_more_without_a_token_is_not_the_end(answer):
    how = Paging(("Marker",), ("Marker",), more="IsTruncated", results=("Users",))
    with pytest.raises(BadAnswer, match="more follows"):
        list(pages(lambda **_: {"Users": [{"UserName": "a"}], **answer}, {}, how, what="iam:ListUsers"))
