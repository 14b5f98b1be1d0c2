"""The inherited suite on AWS, answered by moto behind a proxy that can break single calls."""

from __future__ import annotations

import contextlib

import pytest
import volatile
from botocore import parsers
from peers.aws_proxy import AwsReply, Cut, Proxy
from stored_suite import StoredSuite

from providers.aws import client, simulation
from providers.testing import Fault

REGIONS = ("us-east-1", "eu-west-1")
EMPTY = b'<DescribeVolumesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><volumeSet/></DescribeVolumesResponse>'


@pytest.fixture(scope="module")
def small_company(moto_process):
    moto_process.reset()
    simulation.seed(moto_process.url, regions=REGIONS, instances=4)
    with contextlib.closing(Proxy(moto_process.url, steady)) as proxy:
        yield proxy


def steady(call):
    """In moto, Athena's workgroups are as old as the request."""
    return AwsReply(200, "", b'{"WorkGroups": []}') if call.operation == "ListWorkGroups" else None


class TestAws(StoredSuite):
    provider = "aws"
    config = {**simulation.KEYS, "regions": REGIONS}
    secrets = tuple(simulation.KEYS.values())
    expected = {
        *("ec2_instance", "ebs_volume", "vpc", "subnet", "security_group", "network_interface", "nat_gateway", "internet_gateway"),
        *("elastic_ip", "route_table", "load_balancer", "s3_bucket", "rds_instance", "dynamodb_table", "lambda_function"),
        *("sqs_queue", "sns_topic", "log_group", "ecs_cluster", "kms_key", "iam_user", "iam_group", "iam_role", "iam_policy"),
    }

    @pytest.fixture(autouse=True)
    def account(self, small_company: Proxy, monkeypatch):
        monkeypatch.setattr(client, "ATTEMPTS", 2)
        self.proxy, self.time = small_company, 0
        usual = parsers.ResponseParser.parse

        def moving(parser, response, shape):
            answer = usual(parser, response, shape)
            if shape is not None and response["status_code"] < 300:
                volatile.move_aws(answer, shape, self.time)
            return answer

        monkeypatch.setattr(parsers.ResponseParser, "parse", moving)
        self.operator = {"AWS_ENDPOINT_URL": small_company.url}

    def move(self, time):
        self.time = time

    @contextlib.contextmanager
    def inject(self, fault):
        answer = {
            Fault.DENIED: AwsReply(403, "UnauthorizedOperation"),
            Fault.CUT: Cut(b""),
            Fault.THROTTLED: AwsReply(503, "RequestLimitExceeded"),
            Fault.EMPTY: AwsReply(200, "", EMPTY),
            Fault.WRONG_CREDENTIALS: AwsReply(403, "InvalidClientTokenId"),
            Fault.EXPIRED: AwsReply(403, "ExpiredToken"),
        }[fault]
        everything = fault in (Fault.WRONG_CREDENTIALS, Fault.EXPIRED)

        def rule(call):
            return answer if everything or (call.region, call.operation) == ("eu-west-1", "DescribeVolumes") else steady(call)

        with self.proxy.broken(rule):
            yield lambda scope: everything or (scope.region, scope.resource_type) == ("eu-west-1", "ebs_volume")
