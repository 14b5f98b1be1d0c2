"""Access points of S3: read in their regions, those of many regions in the one that has them, behind the operator's endpoint too."""

from __future__ import annotations

import pytest
from botocore.credentials import Credentials
from peers.aws_proxy import AwsReply
from peers.moto import Moto
from test_aws_reading import ACCOUNT, found, read, report

from providers.aws.account import Account
from providers.aws.config import AwsConfig, AwsOperator
from providers.aws.source import AwsSource
from providers.errors import Outcome
from providers.records import Link
from providers.schema import parse

POINT, EVERYWHERE, BLOCK = "s3_access_point", "s3_multi_region_access_point", "s3_account_public_access_block"
ALIAS = "mfzwi23gnjvgw.mrap"
NO_BLOCK = AwsReply(404, "NoSuchPublicAccessBlockConfiguration")
MANY = (
    "<ListMultiRegionAccessPointsResult><AccessPoints><AccessPoint>"
    f"<Name>shop</Name><Alias>{ALIAS}</Alias><CreatedAt>2026-01-01T00:00:00Z</CreatedAt><Status>READY</Status>"
    "<Regions><Region><Bucket>shop-us</Bucket><Region>us-east-1</Region></Region>"
    "<Region><Bucket>shop-eu</Bucket><Region>eu-west-1</Region></Region></Regions>"
    "</AccessPoint></AccessPoints></ListMultiRegionAccessPointsResult>"
)


def test_an_access_point_exposes_its_bucket(moto: Moto, aws_proxy):
    """moto gives every access point the ARN of one in us-east-1."""
    home = "us-east-1"
    moto.client("s3", home).create_bucket(Bucket="shop")
    control = moto.client("s3control", home)
    control.meta.events.register("before-sign.s3-control", at_moto)
    control.create_access_point(AccountId=ACCOUNT, Name="orders", Bucket="shop", VpcConfiguration={"VpcId": "vpc-1"})
    collected = read(aws_proxy.url, POINT, optional_types=[POINT], regions=[home])
    (point,) = found(collected, POINT).values()

    assert point.external_id == f"arn:aws:s3:{home}:{ACCOUNT}:accesspoint/orders"
    assert set(point.links) == {Link("exposes", "arn:aws:s3:::shop"), Link("in_vpc", f"arn:aws:ec2:{home}:{ACCOUNT}:vpc/vpc-1")}
    assert report(collected, POINT, home).outcome is Outcome.COMPLETE


def at_moto(request, **_):
    request.url = request.url.replace(f"//{ACCOUNT}.", "//")


def many_regions(call):
    return AwsReply(200, "", MANY.encode()) if "/mrap/instances" in call.path else None


def test_an_access_point_of_many_regions_is_read_once_in_the_region_that_has_all_of_them(moto: Moto, aws_proxy):
    with aws_proxy.broken(many_regions):
        collected = read(aws_proxy.url, EVERYWHERE, optional_types=[EVERYWHERE], regions=["eu-west-1", "eu-central-1"])
    (point,) = found(collected, EVERYWHERE).values()

    assert [call.region for call in aws_proxy.calls if "/mrap/" in call.path] == ["us-west-2"]
    assert point.external_id == f"arn:aws:s3::{ACCOUNT}:accesspoint/{ALIAS}"
    assert set(point.links) == {Link("exposes", "arn:aws:s3:::shop-eu"), Link("exposes", "arn:aws:s3:::shop-us")}


@pytest.mark.parametrize(("partition", "is_read"), [("aws", True), ("aws-cn", False), ("aws-us-gov", False)])
def test_other_partitions_have_no_access_points_of_many_regions(partition, is_read):
    config = {"access_key_id": "A", "secret_access_key": "S", "optional_types": [EVERYWHERE]}
    source = AwsSource(parse(AwsConfig, config), AwsOperator())
    account = Account(source._sessions, ACCOUNT, partition, Credentials("A", "S"))
    try:
        types = {scope.resource_type for read in source._reads_in(source._target(account, "", "us-east-1")) for scope in read.scopes}
    finally:
        source.close()

    assert (EVERYWHERE in types) is is_read
    assert "iam_user" in types


def test_what_an_account_forbids_for_all_its_buckets(moto: Moto, aws_proxy):
    block = "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls></PublicAccessBlockConfiguration>"
    with aws_proxy.broken(lambda call: AwsReply(200, "", block.encode()) if "publicAccessBlock" in call.path else None):
        collected = read(aws_proxy.url, BLOCK, optional_types=[BLOCK])
    (forbidden,) = found(collected, BLOCK).values()

    assert forbidden.attributes == {"BlockPublicAcls": True}


@pytest.mark.parametrize(("answer", "outcome"), [(NO_BLOCK, Outcome.COMPLETE), (AwsReply(403, "AccessDenied"), Outcome.DENIED)])
def test_an_account_that_forbids_nothing_is_not_one_that_refuses_to_say(moto: Moto, aws_proxy, answer, outcome):
    with aws_proxy.broken(lambda call: answer if "publicAccessBlock" in call.path else None):
        collected = read(aws_proxy.url, BLOCK, optional_types=[BLOCK])

    assert found(collected, BLOCK) == {}
    assert report(collected, BLOCK, "").outcome is outcome
    assert report(collected, BLOCK, "").permission == ("" if outcome is Outcome.COMPLETE else "s3:GetAccountPublicAccessBlock")
