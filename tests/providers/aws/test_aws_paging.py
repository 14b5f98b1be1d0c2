"""Paging, for what moto does not page: three pages of every list call at the wire, made from botocore's own service models.

The wire is as strict as the strictest services: it gives a token only when a page size was asked for, where the call takes one.
"""

from __future__ import annotations

import io
import itertools
import re

import pytest
from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.credentials import Credentials
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model
from test_aws_reading import REGION, found, read

from providers.aws import catalogue
from providers.aws.account import Account
from providers.aws.client import Sessions
from providers.aws.config import AwsOperator
from providers.aws.declaration import Listing
from providers.aws.paging import Paging, pages
from providers.catalogue.paths import steps, values
from providers.errors import BadAnswer

SESSIONS = Sessions(AwsOperator(), "us-east-1", 4)
ACCOUNT = Account(SESSIONS, "123456789012", "aws", Credentials("A", "S"))
PAGES = 3
IN_ONE_ANSWER = {
    ("accessanalyzer", "GetFindingsStatistics"),
    ("apigateway", "GetStages"),
    ("cloudtrail", "DescribeTrails"),
    ("config", "DescribeConfigurationRecorders"),
    ("ec2", "DescribeAddresses"),
    ("ec2", "DescribeKeyPairs"),
    ("ec2", "DescribeReservedInstances"),
    ("ec2", "DescribeVpnConnections"),
    ("elbv2", "DescribeTargetHealth"),
    ("guardduty", "GetFindingsStatistics"),
    ("iam", "GenerateCredentialReport"),
    ("iam", "GetAccountSummary"),
    ("iam", "GetCredentialReport"),
    ("iam", "ListOpenIDConnectProviders"),
    ("iam", "ListSAMLProviders"),
    ("inspector2", "BatchGetAccountStatus"),
    ("macie2", "GetFindingStatistics"),
    ("macie2", "GetMacieSession"),
    ("opensearch", "ListDomainNames"),
    ("s3", "GetBucketTagging"),
    ("s3control", "GetPublicAccessBlock"),
    ("securityhub", "DescribeHub"),
    ("securityhub", "GetInsightResults"),
    ("sns", "ListTagsForResource"),
    ("organizations", "DescribeOrganization"),
}
"""AWS gives these whole, by its own documentation."""


def some(shape, text: str):
    """A value of a shape; of a union, the first of its members."""
    if getattr(shape, "is_tagged_union", False):
        name, member = next(iter(shape.members.items()))
        return {name: some(member, text)}
    if shape.type_name == "structure":
        return {name: some(member, text) for name, member in shape.members.items() if member.type_name == "string"}
    return {"string": text, "list": [], "map": {}, "integer": 1, "long": 1, "boolean": True, "timestamp": 0, "double": 1.0}[shape.type_name]


def put(target: dict, shape, path: str, value) -> None:
    """Sets the value at a path; on the way, lists get one element."""
    for key, _ in steps(path)[:-1]:
        shape = shape.members[key]
        target = target.setdefault(key, {} if shape.type_name == "structure" else [{}])
        if isinstance(target, list):
            target, shape = target[0], shape.member
    target[steps(path)[-1][0]] = value


SIZES = {"maxresults", "limit", "maxitems", "maxrecords", "pagesize", "maxbuckets", "resourcesperpage", "perpage", "maxentries", "size"}
"""Every name that AWS has for the size of a page."""


def takes_size(model) -> str:
    """How the page size of a call is spelt at the wire; empty when the call takes none."""
    members = model.input_shape.members if model.input_shape else {}
    return next((shape.serialization.get("name", name) for name, shape in members.items() if name.lower() in SIZES), "")


class Wire:
    """Answers in the place of the network."""

    def __init__(self, model, items: str, paging: Paging) -> None:
        self.model, self.items, self.paging = model, items, paging
        self.asked: list[str] = []

    def __call__(self, request, **_):
        self.asked.append(f"{request.url} {request.body!r}")
        page = len(self.asked)
        shape = self.model.output_shape
        answer: dict = {}
        item = some(item_shape(shape, self.items), f"x{page}")
        put(answer, shape, self.items, [item, item])
        size = takes_size(self.model)
        asked_for_a_size = re.search(rf'\b{re.escape(size)}(=|": ?"?)\d', self.asked[-1], re.IGNORECASE)
        last = page == PAGES or bool(size and not asked_for_a_size)
        for output in self.paging.outputs if not last else ():
            put(answer, shape, output, ["x", f"token-after-{page}"] if output.endswith("[]") else f"token-after-{page}")
        if self.paging.more:
            put(answer, shape, self.paging.more, not last)
        serializer = get_serializer_class(self.model.service_model.service_name, self.model.service_model.resolved_protocol)
        made = serializer(operation_model=self.model).serialize(answer)
        body = made["body"].encode() if isinstance(made["body"], str) else made["body"]
        return AWSResponse(request.url, 200, made["headers"], Raw(body))


class Raw(io.BytesIO):
    def stream(self, **_):
        yield self.read()


def item_shape(shape, path: str):
    for key, is_list in steps(path):
        shape = shape.members[key].member if is_list else shape.members[key]
    return shape


def listings():
    yield pytest.param("resourcegroupstaggingapi", catalogue.tagging(), id="tags")
    yield pytest.param("organizations", Listing("ListAccounts", "Accounts[]"), id="accounts")
    for kind in catalogue.KINDS:
        yield pytest.param(kind.service, kind, id=kind.sub_type)
        for listing in kind.listings:
            yield pytest.param(kind.service_of(listing), listing, id=f"{kind.sub_type}-{listing.operation}")
        for detail in kind.details:
            if detail.result.endswith("[]") and (kind.service, detail.operation) not in IN_ONE_ANSWER:
                listing = Listing(detail.operation, detail.result, parameters=detail.arguments)
                yield pytest.param(kind.service, listing, id=f"{kind.sub_type}-{detail.operation}")


@pytest.mark.parametrize(("service", "listing"), list(listings()))
def test_case_aws_1_every_list_is_read_to_its_last_page(service, listing):
    client = ACCOUNT.client(service, "us-east-1")
    paging = SESSIONS.paging(service, client, listing.operation)
    assert bool(paging.outputs) != ((service, listing.operation) in IN_ONE_ANSWER)
    if not paging.outputs:
        return
    wire = Wire(get_service_model(service).operation_model(listing.operation), listing.items, paging)
    event = f"before-send.{client.meta.service_model.service_id.hyphenize()}.{listing.operation}"
    client.meta.events.register(event, wire)
    try:
        answers = list(pages(getattr(client, xform_name(listing.operation)), filled(listing.parameters), paging))
    finally:
        client.meta.events.unregister(event, wire)

    assert len([item for answer in answers for item in values(answer, listing.items)]) == 2 * PAGES
    assert ["token-after-" in asked for asked in wire.asked] == [False, True, True]
    assert "token-after-2" in wire.asked[2]


def filled(parameters):
    return {key: re.sub("{.*?}", "123456789012", value) if isinstance(value, str) else value for key, value in parameters.items()}


def test_a_token_that_the_next_page_has_not_is_not_sent_again():
    """Route 53 names where to go on by name, type and, for some records only, identifier."""
    paging = Paging(("Name", "Identifier"), ("NextName", "NextIdentifier"))
    given = iter(({"NextName": "a", "NextIdentifier": "one"}, {"NextName": "b"}, {}))
    calls = []

    def call(**parameters):
        calls.append(parameters)
        return next(given)

    list(pages(call, {"Zone": "z"}, paging))

    assert calls == [{"Zone": "z"}, {"Zone": "z", "Name": "a", "Identifier": "one"}, {"Zone": "z", "Name": "b"}]


@pytest.mark.parametrize("tokens", [("A", "A"), ("A", "B", "A", "B")])
def test_tokens_that_go_in_circles_end_the_scope(tokens):
    given = itertools.cycle(tokens)
    calls = []

    def call(**parameters):
        calls.append(parameters)
        return {"Token": next(given)}

    with pytest.raises(BadAnswer, match="the pages of 'list things' lead in a circle"):
        list(pages(call, {}, Paging(("Token",), ("Token",)), what="list things"))
    assert len(calls) <= len(set(tokens)) + 1


def test_case_aws_1_every_queue_is_found(moto, aws_proxy):
    """Only a call with a size is given a token. A call has a thousand, and one more is a page of its own."""
    sqs = moto.client("sqs", REGION)
    for number in range(1_001):
        sqs.create_queue(QueueName=f"queue-{number}")
    names = found(read(aws_proxy.url, "sqs_queue"), "sqs_queue")

    assert len(names) == 1_001


def test_a_size_that_is_a_text_is_sent_as_one():
    assert Paging(limit="MaxItems", largest=100, as_text=True).size(None) == {"MaxItems": "100"}


@pytest.mark.parametrize(
    ("operation", "wanted", "parameter"),
    [
        (("ec2", "DescribeVolumes"), None, {"MaxResults": 1000}),
        (("ec2", "DescribeVolumes"), 1, {"MaxResults": 5}),
        (("ec2", "DescribeRouteTables"), None, {"MaxResults": 100}),
        (("rds", "DescribeDBInstances"), 1, {"MaxRecords": 20}),
        (("dynamodb", "ListTables"), 1000, {"Limit": 100}),
        (("ec2", "DescribeKeyPairs"), 50, {}),
        (("route53", "ListHostedZones"), 50, {"MaxItems": "50"}),
        (("route53", "ListResourceRecordSets"), None, {"MaxItems": "300"}),
        (("sqs", "ListQueues"), None, {"MaxResults": 1000}),
        (("apigateway", "GetRestApis"), None, {"limit": 500}),
        (("autoscaling", "DescribeAutoScalingGroups"), 1000, {"MaxRecords": 100}),
        (("ecs", "ListServices"), None, {"maxResults": 100}),
        (("sns", "ListTopics"), 50, {}),
        (("resourcegroupstaggingapi", "GetResources"), 1000, {"ResourcesPerPage": 100}),
    ],
)
def test_the_page_size_stays_within_what_a_call_allows(operation, wanted, parameter):
    service, name = operation
    client = ACCOUNT.client(service, "us-east-1")

    assert SESSIONS.paging(service, client, name).size(wanted) == parameter


def test_a_call_without_pages_is_made_once():
    assert list(pages(lambda: {"x": 1}, {}, Paging())) == [{"x": 1}]


def test_a_page_that_says_that_more_follows_and_gives_no_token_is_an_error():
    how = Paging(("Marker",), ("NextMarker",), more="IsTruncated", results=("Keys",))
    assert how.page({"IsTruncated": False, "Keys": [1]}).next is None
    assert how.page({"IsTruncated": True, "Keys": [1], "NextMarker": "k"}).next == ("k",)
    for answer in ({"IsTruncated": True, "Keys": [1]}, {"IsTruncated": True, "Keys": [1], "NextMarker": ""}):
        with pytest.raises(BadAnswer, match="says that more follows"):
            how.page(answer)
