"""Credentials of AWS that die in a run, and answers that look like it: of a region that is not enabled, of a role's session."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
from peers.aws_proxy import AwsReply
from peers.moto import Moto
from test_aws_reading import REGION, read, read_all

from providers.errors import CredentialsError, Outcome
from providers.http.credential import TRIES

OFF = "me-south-1"
ROLE = "arn:aws:iam::210987654321:role/Reader"
INVALID = AwsReply(403, "InvalidClientTokenId", message="The security token included in the request is invalid.")
IN_OFF = {"ec2": "AuthFailure", "sts": "InvalidClientTokenId"}
"""Error codes of services in a region that is not enabled; every other service answers UnrecognizedClientException."""


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr("providers.http.retry.wait", lambda _seconds: None)


def off(call) -> AwsReply | None:
    """A region that is not enabled: `DescribeRegions` is denied, so that nothing tells it but the region itself."""
    if call.operation == "DescribeRegions" and call.region != OFF:
        return AwsReply(403, "UnauthorizedOperation")
    return AwsReply(401, IN_OFF.get(call.service, "UnrecognizedClientException")) if call.region == OFF else None


def session(minutes: int, key: str) -> AwsReply:
    """The session of a role that lasts so long."""
    until = (dt.datetime.now(dt.UTC) + dt.timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
    keys = f"<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>"
    user = f"<AssumedRoleUser><AssumedRoleId>A:elder</AssumedRoleId><Arn>{ROLE}/elder</Arn></AssumedRoleUser>"
    result = f"<Credentials>{keys}<Expiration>{until}</Expiration></Credentials>{user}"
    answer = f"<AssumeRoleResult>{result}</AssumeRoleResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>"
    return AwsReply(
        200, "", f'<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">{answer}</AssumeRoleResponse>'.encode()
    )


def asked(proxy, operation: str) -> int:
    return [call.operation for call in proxy.calls].count(operation)


def test_a_region_that_is_not_enabled_is_no_dead_key(moto: Moto, aws_proxy):
    with aws_proxy.broken(off):
        collected = read(aws_proxy.url, "sqs_queue", regions=[OFF, REGION])
    [(scope, report)] = [(scope, report) for scope, report in collected.reports.items() if scope.region == OFF]
    assert (scope.resource_type, report.outcome) == ("*", Outcome.ERROR)
    assert f"region {OFF} is not enabled" in report.message
    assert [report.outcome for scope, report in collected.reports.items() if scope.region == REGION] == [Outcome.COMPLETE]


def test_a_key_that_dies_after_such_a_region_was_met_ends_the_run(moto: Moto, aws_proxy):
    """STS accepted the key when the region was met: that is not a verdict over the key for ever."""
    dead = threading.Event()

    def rule(call):
        if call.operation == "ListTopics":
            dead.set()
        return INVALID if dead.is_set() else off(call)

    with aws_proxy.broken(rule), pytest.raises(CredentialsError, match="check the access key and its secret"):
        read_all(aws_proxy.url, regions=[OFF, REGION])
    since = next(index for index, call in enumerate(aws_proxy.calls) if call.operation == "ListTopics")
    assert len(aws_proxy.calls) - since <= 16 + 8 + TRIES


@pytest.mark.parametrize("trouble", [AwsReply(503, "ServiceUnavailable"), AwsReply(400, "Throttling")], ids=lambda reply: reply.code)
def test_a_silent_sts_is_no_verdict(moto: Moto, aws_proxy, trouble):
    """A region refuses the key, and STS answers nothing of use: the rest of the run goes on."""
    asked_before = threading.Event()

    def rule(call):
        if call.operation == "GetCallerIdentity":
            known = asked_before.is_set()
            asked_before.set()
            return trouble if known else None
        return off(call)

    with aws_proxy.broken(rule):
        collected = read(aws_proxy.url, "sqs_queue", regions=[OFF, REGION])
    outcomes = {scope.region: report.outcome for scope, report in collected.reports.items()}
    assert outcomes == {OFF: Outcome.ERROR, REGION: Outcome.COMPLETE}


def test_a_key_that_is_dead_from_the_start(moto: Moto, aws_proxy):
    with aws_proxy.broken(lambda _call: INVALID), pytest.raises(CredentialsError, match="check the access key and its secret"):
        read_all(aws_proxy.url)
    assert [call.operation for call in aws_proxy.calls] == ["GetCallerIdentity"]


def test_the_session_of_a_role_is_renewed_once_and_the_run_goes_on(moto: Moto, aws_proxy):
    sessions = iter((session(5, "ASIAFIRST00000000000"), session(60, "ASIASECOND0000000000")))
    with aws_proxy.broken(lambda call: next(sessions) if call.operation == "AssumeRole" else None):
        collected = read(aws_proxy.url, "sqs_queue", "sns_topic", "kms_key", role_arn=ROLE)
    assert {report.outcome for report in collected.reports.values()} == {Outcome.COMPLETE}
    assert asked(aws_proxy, "AssumeRole") == 2
    assert {call.key for call in aws_proxy.calls if call.service == "sqs"} == {"ASIASECOND0000000000"}


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        (AwsReply(403, "AccessDenied", message="not authorized to perform: sts:AssumeRole"), r"does not renew it \(AccessDenied"),
        (AwsReply(403, "ExpiredToken"), "the AWS session token has expired"),
    ],
    ids=lambda value: getattr(value, "code", ""),
)
def test_a_session_that_is_not_renewed_ends_the_run_with_one_sentence(moto: Moto, aws_proxy, refusal, told):
    """STS and the list of regions are asked with the first session; it is over when the first region is."""
    answers = iter((session(5, "ASIAFIRST00000000000"),))
    with (
        aws_proxy.broken(lambda call: next(answers, refusal) if call.operation == "AssumeRole" else None),
        pytest.raises(CredentialsError, match=told),
    ):
        read_all(aws_proxy.url, role_arn=ROLE)
    assert asked(aws_proxy, "AssumeRole") <= 1 + 1 + TRIES
