"""Buckets in another region than was asked: S3 says so in four ways, and botocore asks again where the bucket is."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from peers.aws_proxy import AwsReply, Reply
from test_aws_reading import REGION, found, read, report

from providers.errors import Outcome

THERE = "eu-west-1"
IN = {"LocationConstraint": REGION}


@dataclass
class Redirect(AwsReply):
    """An answer of S3 for a bucket that is elsewhere. It has no Location: a client must sign anew for the other region."""

    region_in: str = "header"

    def for_call(self, call, _headers):
        region = f"<Region>{THERE}</Region>" if self.region_in == "body" else ""
        body = f"<Error><Code>{self.code}</Code><Message>use the endpoint of its region</Message>{region}</Error>"
        headers = {"Content-Type": "application/xml"} | ({"x-amz-bucket-region": THERE} if self.region_in == "header" else {})
        return Reply(self.status, b"" if call.method == "HEAD" else body.encode(), headers)


REDIRECTS = [
    Redirect(301, "PermanentRedirect"),
    Redirect(307, "TemporaryRedirect"),
    Redirect(400, "AuthorizationHeaderMalformed", region_in="body"),
    Redirect(400, "IllegalLocationConstraintException"),
    Redirect(301, "PermanentRedirect", region_in="nowhere"),
]


@pytest.mark.parametrize("redirect", REDIRECTS, ids=lambda one: f"{one.status}-{one.code}-{one.region_in}")
def test_a_bucket_elsewhere_is_read_where_it_is(moto, aws_proxy, redirect):
    """The proxy takes no request for the bucket that is signed for another region; HEAD always tells the region."""
    s3 = moto.client("s3", REGION)
    for name in ("near", "far"):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration=IN)
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": "where", "Value": name}]})

    def rule(call):
        if call.service != "s3" or not call.path.startswith("/far"):
            return None
        if call.method == "HEAD":
            return Redirect(200 if call.region == THERE else 301, "PermanentRedirect")
        return None if call.region == THERE else redirect

    with aws_proxy.broken(rule):
        collected = read(aws_proxy.url, "s3_bucket")
    buckets = {bucket.name: bucket for bucket in found(collected, "s3_bucket").values()}
    assert {name: dict(bucket.tags) for name, bucket in buckets.items()} == {"near": {"where": "near"}, "far": {"where": "far"}}
    assert all("Unreadable" not in bucket.attributes for bucket in buckets.values())
    assert report(collected, "s3_bucket").outcome is Outcome.COMPLETE
    assert any(call.region == THERE for call in aws_proxy.calls)


def test_a_bucket_that_leads_in_a_circle_is_that_buckets_trouble(moto, aws_proxy):
    """Every region says that it is in the other one: what is stored of it stays."""
    s3 = moto.client("s3", REGION)
    for name in ("near", "far"):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration=IN)
    circle = Redirect(301, "PermanentRedirect")
    with aws_proxy.broken(lambda call: circle if call.service == "s3" and call.path.startswith("/far") else None):
        collected = read(aws_proxy.url, "s3_bucket")
    buckets = {bucket.name: bucket for bucket in found(collected, "s3_bucket").values()}
    assert set(buckets) == {"near", "far"}
    assert buckets["far"].attributes["Unreadable"]
    assert "Unreadable" not in buckets["near"].attributes
    assert "use the endpoint of its region" in report(collected, "s3_bucket").message
