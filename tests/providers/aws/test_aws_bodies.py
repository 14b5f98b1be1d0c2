"""Successes whose body is not the operation's answer: botocore reads them as empty lists, and we must not."""

from __future__ import annotations

import functools

import pytest
from botocore.model import ServiceModel
from botocore.parsers import ResponseParserError
from peers.aws_proxy import AwsReply, Reply
from test_aws_reading import read

from providers.aws import catalogue
from providers.aws.bodies import refuse_other
from providers.aws.models import lean_loader
from providers.errors import Outcome

LOADER = lean_loader(catalogue.operations())


class Bare(AwsReply):
    """A status and nothing else."""

    def for_call(self, _call, _headers):
        return Reply(self.status, b"", {})


LISTS = [
    ("ecs_cluster", "ListClusters"), ("sqs_queue", "ListQueues"), ("vpc", "DescribeVpcs"), ("dynamodb_table", "ListTables"),
    ("kms_key", "ListKeys"), ("rds_instance", "DescribeDBInstances"), ("sns_topic", "ListTopics"),
]  # fmt: skip
"""A type of each protocol, and the call that lists it."""

PAGE = b"<html><head><title>Sign in to the network</title></head><body><p>Welcome</p></body></html>"
STRANGE = {
    "a page": PAGE,
    "a page that is not XML": b"<!DOCTYPE html><html><br><p>Welcome",
    "an error of EC2": b"<Response><Errors><Error><Code>InternalError</Code></Error></Errors></Response>",
    "an error of S3": b"<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>",
    "an error of a query": b"<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>",
    "an error of the framework": b'{"Output":{"__type":"com.amazon.coral.service#InternalFailure"},"Version":"1.0"}',
    "an error of JSON": b'{"__type":"InternalFailure","message":"try again"}',
    "a message": b'{"message":"Forbidden"}',
    "null": b"null",
    "a list": b"[]",
}


@pytest.mark.parametrize(("kind", "operation"), LISTS)
@pytest.mark.parametrize("status", [200, 204])
def test_a_success_without_a_body_is_no_empty_list(moto, aws_proxy, kind, operation, status):
    assert outcome(aws_proxy, kind, operation, Bare(status, "")) is Outcome.ERROR


@pytest.mark.parametrize(("kind", "operation"), LISTS)
def test_a_success_with_a_page_is_no_empty_list(moto, aws_proxy, kind, operation):
    assert outcome(aws_proxy, kind, operation, AwsReply(200, "", PAGE)) is Outcome.ERROR


def outcome(aws_proxy, kind, operation, answer) -> Outcome:
    with aws_proxy.broken(lambda call: answer if call.operation == operation else None):
        collected = read(aws_proxy.url, kind)
    [found] = {end.outcome for scope, end in collected.reports.items() if scope.resource_type == kind}
    return found


PROTOCOLS = [
    ("ecs", "ListClusters"), ("sqs", "ListQueues"), ("ec2", "DescribeVpcs"), ("rds", "DescribeDBInstances"), ("lambda", "ListFunctions"),
    ("s3", "ListBuckets"), ("route53", "ListHostedZones"), ("cloudfront", "ListDistributions"),
]  # fmt: skip


@pytest.mark.parametrize(("service", "operation"), PROTOCOLS)
@pytest.mark.parametrize("body", STRANGE.values(), ids=STRANGE.keys())
def test_a_success_with_another_body_is_refused(service, operation, body):
    assert not is_taken(service, operation, body)


@pytest.mark.parametrize("found", ["{}", '""', "0", "false", "NaN"])
@pytest.mark.parametrize(("service", "operation", "member"), [("sqs", "ListQueues", "QueueUrls"), ("lambda", "ListFunctions", "Functions")])
def test_a_success_whose_list_is_none_is_refused(service, operation, member, found):
    """botocore goes through whatever it is, and finds nothing."""
    assert not is_taken(service, operation, f'{{"{member}": {found}}}'.encode())
    assert is_taken(service, operation, f'{{"{member}": null}}'.encode())


@pytest.mark.parametrize(
    ("service", "operation", "body"),
    [
        ("s3", "HeadBucket", b""),
        ("sqs", "ListQueues", b"{}"),
        ("sqs", "ListQueues", b'{"QueueUrls": ["https://sqs/1/a"], "New": 1}'),
        ("apigateway", "GetRestApis", b'{"_links": {"self": {}}}'),
        ("lambda", "ListFunctions", b'{"Functions": []}'),
        ("ec2", "DescribeVpcs", b"<DescribeVpcsResponse xmlns='http://ec2.amazonaws.com/doc/2016-11-15/'><vpcSet/></DescribeVpcsResponse>"),
        ("s3", "ListBuckets", b"<ListAllMyBucketsResult xmlns='http://s3.amazonaws.com/doc/2006-03-01/'><Owner/><Buckets/></ListAllMyBucketsResult>"),
        ("s3", "GetBucketPolicy", b'{"Version": "2012-10-17"}'),
        ("route53", "ListHostedZones", b"<ListHostedZonesResponse><HostedZones/></ListHostedZonesResponse>"),
        ("cloudfront", "ListDistributions", b"<DistributionList><Marker/><Quantity>0</Quantity></DistributionList>"),
        ("sns", "ListTopics", b"<ListTopicsResponse><ListTopicsResult><Topics/></ListTopicsResult></ListTopicsResponse>"),
    ],
)  # fmt: skip
def test_an_answer_is_taken(service, operation, body):
    """botocore itself calls HeadBucket, which has no body, where a bucket is in another region than was thought."""
    assert is_taken(service, operation, body)


@functools.cache
def model_of(service):
    """The model as our clients have it."""
    return ServiceModel(LOADER.load_service_model(service, "service-2"), service)


def is_taken(service, operation, body) -> bool:
    model = model_of(service).operation_model(operation)
    try:
        refuse_other(model, {"status_code": 200, "body": body, "headers": {}})
    except ResponseParserError:
        return False
    return True


def test_the_page_of_a_proxy_is_the_answer_of_no_call_of_the_catalogue():
    calls = [(service, name) for service, names in catalogue.operations().items() for name in names]
    assert [call for call in calls if answers(model_of(call[0]).operation_model(call[1])) and is_taken(*call, PAGE)] == [
        ("s3", "HeadBucket")
    ]


def answers(operation) -> bool:
    """True for an operation that answers with something."""
    return operation.output_shape is not None and bool(operation.output_shape.members)


@pytest.mark.parametrize(("service", "operation"), PROTOCOLS)
@pytest.mark.parametrize("status", [301, 400, 403, 503])
def test_an_error_is_left_to_botocore(service, operation, status):
    """It finds the code, in whatever body."""
    refuse_other(model_of(service).operation_model(operation), {"status_code": status, "body": PAGE, "headers": {}})
