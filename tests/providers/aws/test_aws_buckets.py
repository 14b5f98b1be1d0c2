"""Directory buckets and table buckets of S3, in AWS's words where moto has none."""

from __future__ import annotations

import json
from urllib.parse import unquote

import botocore.session
import pytest
from botocore.exceptions import EndpointConnectionError
from peers.aws_proxy import AwsReply
from peers.moto import Moto
from test_aws_reading import ACCOUNT, REGION, found, read, report

from providers import registry
from providers.aws import target
from providers.aws.config import AwsOperator
from providers.errors import Outcome
from providers.records import Link

DIRECTORY, TABLES = "s3_directory_bucket", "s3_table_bucket"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"
PAGES = {
    "": ("a--euc1-az1--x-s3", "<ContinuationToken>t</ContinuationToken>"),
    "t": ("b--euc1-az1--x-s3", ""),
}


def express(call):
    """Two pages of a bucket each, as AWS's reference has the answer, and the encryption of each."""
    if call.service != "s3express":
        return None
    if "session" in call.path:  # botocore asks for one at an endpoint that is not AWS's own
        keys = "<AccessKeyId>a</AccessKeyId><SecretAccessKey>b</SecretAccessKey><SessionToken>c</SessionToken>"
        credentials = f"<Credentials>{keys}<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>"
        return xml(f"<CreateSessionResult>{credentials}</CreateSessionResult>")
    if "encryption" in call.path:
        default = f"<SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>{KEY}</KMSMasterKeyID>"
        rule = f"<Rule><ApplyServerSideEncryptionByDefault>{default}</ApplyServerSideEncryptionByDefault></Rule>"
        return xml(f"<ServerSideEncryptionConfiguration>{rule}</ServerSideEncryptionConfiguration>")
    name, more = PAGES["t" if "continuation-token=t" in call.path else ""]
    bucket = f"<Bucket><BucketArn>x</BucketArn><CreationDate>2026-01-01T00:00:00.000Z</CreationDate><Name>{name}</Name></Bucket>"
    return xml(f"<ListAllMyDirectoryBucketsResult><Buckets>{bucket}</Buckets>{more}</ListAllMyDirectoryBucketsResult>")


def xml(text: str) -> AwsReply:
    return AwsReply(200, "", text.encode())


def test_directory_buckets_are_read_to_the_last_page(moto: Moto, aws_proxy):
    with aws_proxy.broken(express):
        collected = read(aws_proxy.url, DIRECTORY, optional_types=[DIRECTORY])
    buckets = found(collected, DIRECTORY)

    assert set(buckets) == {f"arn:aws:s3express:{REGION}:{ACCOUNT}:bucket/{name}" for name, _ in PAGES.values()}
    assert {link for bucket in buckets.values() for link in bucket.links} == {Link("encrypted_with", KEY)}
    assert report(collected, DIRECTORY).outcome is Outcome.COMPLETE


def test_directory_buckets_that_are_refused_are_denied_by_their_own_permission(moto: Moto, aws_proxy):
    refusal = AwsReply(403, "", b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>")
    with aws_proxy.broken(lambda call: refusal if call.service == "s3express" else None):
        told = report(read(aws_proxy.url, DIRECTORY, optional_types=[DIRECTORY]), DIRECTORY)
    assert (told.outcome, told.permission) == (Outcome.DENIED, "s3express:ListAllMyDirectoryBuckets")


@pytest.mark.parametrize(
    ("host", "own"),
    [("s3express-control.me-south-1", "s3express-control"), ("s3.me-south-1", ""), ("my-s3express-control.x", "")],
)
def test_a_region_without_the_host_of_directory_buckets_does_not_offer_them(host, own):
    """Such a host has no address; S3's own host that cannot be reached is a silence."""
    assert target._own_host(EndpointConnectionError(endpoint_url=f"https://{host}.amazonaws.com/")) == own
    assert target._own_host(ValueError(host)) == ""


def test_the_host_of_directory_buckets_is_the_one_that_botocore_asks():
    session = botocore.session.get_session()
    client = session.create_client("s3", REGION, aws_access_key_id="a", aws_secret_access_key="b")
    asked: list[str] = []

    def refuse(request, **_):
        asked.append(request.url)
        raise EndpointConnectionError(endpoint_url=request.url)

    client.meta.events.register("before-send.s3", refuse)
    with pytest.raises(EndpointConnectionError) as raised:
        client.list_directory_buckets()
    client.close()
    assert target._own_host(raised.value) == "s3express-control", asked


ARN = f"arn:aws:s3tables:{REGION}:{ACCOUNT}:bucket/"


def table_buckets(call):
    """Two pages of table buckets, one of them another account's, and what each is encrypted with."""
    path = unquote(call.path)
    if call.service != "s3tables":
        return None
    if path.startswith("/tag/"):
        return answered({"tags": {"team": "a"}})
    if path.endswith("/encryption"):
        return answered({"encryptionConfiguration": {"sseAlgorithm": "aws:kms", "kmsKeyArn": KEY}})
    names, more = (("one", "theirs"), {"continuationToken": "t"}) if "continuationToken" not in path else (("two",), {})
    found = [
        {"arn": ARN + name, "name": name, "ownerAccountId": "2" if name == "theirs" else ACCOUNT, "type": "customer"} for name in names
    ]
    return answered({"tableBuckets": [{**one, "createdAt": "2026-01-01T00:00:00Z"} for one in found], **more})


def answered(body: object) -> AwsReply:
    return AwsReply(200, "", json.dumps(body).encode())


def test_table_buckets_with_their_tags_and_their_key(moto: Moto, aws_proxy):
    with aws_proxy.broken(table_buckets):
        collected = read(aws_proxy.url, TABLES, optional_types=[TABLES])
    buckets = found(collected, TABLES)

    assert {bucket.name: id_ for id_, bucket in buckets.items()} == {"one": f"{ARN}one", "two": f"{ARN}two"}
    assert all(bucket.tags == {"team": "a"} and bucket.links == (Link("encrypted_with", KEY),) for bucket in buckets.values())
    assert report(collected, TABLES).outcome is Outcome.COMPLETE


def test_table_buckets_that_are_refused_are_denied_by_their_own_permission(moto: Moto, aws_proxy):
    with aws_proxy.broken(lambda call: AwsReply(403, "AccessDeniedException") if call.service == "s3tables" else None):
        told = report(read(aws_proxy.url, TABLES, optional_types=[TABLES]), TABLES)
    assert (told.outcome, told.permission) == (Outcome.DENIED, "s3tables:ListTableBuckets")


def test_the_policy_of_a_job_that_names_them_has_their_permissions():
    aws = registry.get("aws")
    usual, more = aws.policy_for({"optional_types": [DIRECTORY, TABLES]}, AwsOperator())["Statement"]
    assert [usual] == aws.policy()["Statement"]
    assert set(more["Action"]) == {
        "s3express:GetEncryptionConfiguration", "s3express:ListAllMyDirectoryBuckets", "s3tables:GetTableBucketEncryption",
        "s3tables:ListTableBuckets", "s3tables:ListTagsForResource",
    }  # fmt: skip
