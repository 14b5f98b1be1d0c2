"""Error answers: every service's parse with our cut-down models, and each is told as what it is."""

from __future__ import annotations

import io
import json

import pytest
from botocore import exceptions as aws
from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from moto.core.utils import get_service_model

from providers.aws import catalogue, credential_report
from providers.aws.account import Account
from providers.aws.client import Sessions
from providers.aws.config import AwsOperator
from providers.aws.failure import RULES, translate
from providers.errors import BadAnswer, CredentialsError, Denied, Throttled, TimedOut, Unsupported

SESSIONS = Sessions(AwsOperator(), "us-east-1", 4)
SESSIONS._settings = SESSIONS._settings.merge(Config(retries={"mode": "standard", "total_max_attempts": 1}))  # adaptive ones slow down
ACCOUNT = Account(SESSIONS, "123456789012", "aws", Credentials("A", "S"))
OPERATIONS = [(service, name) for service, names in sorted(catalogue.operations().items()) for name in sorted(names)]
XML = "<Error><Code>{code}</Code><Message>{message}</Message></Error>"


USER = "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: ec2:DescribeVpcs on resource: *"
DOCUMENTED = {
    "missing": f"{USER} because no identity-based policy allows the ec2:DescribeVpcs action",
    "service control policy": f"{USER} with an explicit deny in a service control policy",
    "resource control policy": f"{USER} with an explicit deny in a resource control policy",
    "session policy": f"{USER} because no session policy allows the ec2:DescribeVpcs action",
    "permissions boundary": f"{USER} because no permissions boundary allows the ec2:DescribeVpcs action",
    "endpoint policy": f"{USER} because no VPC endpoint policy allows the ec2:DescribeVpcs action",
    "resource policy": f"{USER} with an explicit deny in a resource-based policy",
    "explicit deny": f"{USER} with an explicit deny in an identity-based policy",
}
"""AWS's messages, from "Troubleshoot access denied error messages" of the IAM User Guide."""


class Raw(io.BytesIO):
    def stream(self, **_):
        yield self.read()


def body_of(protocol: str, code: str, message: str) -> tuple[bytes, dict[str, str]]:
    """An error as a protocol writes it: https://smithy.io, "Operation error serialization"."""
    error = XML.format(code=code, message=message)
    if protocol in ("json", "rest-json"):
        body = json.dumps({"__type": f"com.amazonaws#{code}", "message": message})
        return body.encode(), {"x-amzn-ErrorType": code, "Content-Type": "application/x-amz-json-1.1"}
    wrapped = {"ec2": f"<Response><Errors>{error}</Errors><RequestID>1</RequestID></Response>"}.get(
        protocol, f"<ErrorResponse>{error}<RequestId>1</RequestId></ErrorResponse>"
    )
    return wrapped.encode(), {"Content-Type": "text/xml"}


def raised(service: str, operation: str, status: int, code: str, message: str = "as the test wants") -> ClientError:
    """What a client of ours raises for such an answer, with no network."""
    client = ACCOUNT.client(service, "us-east-1")
    protocol = client.meta.service_model.resolved_protocol
    body, headers = body_of(protocol, code, message)
    if service == "s3":
        body = XML.format(code=code, message=message).encode()

    def answer(request, **_):
        return AWSResponse(request.url, status, headers, Raw(body))

    event = f"before-send.{client.meta.service_model.service_id.hyphenize()}.{operation}"
    client.meta.events.register(event, answer)
    try:
        with pytest.raises(ClientError) as found:
            getattr(client, xform_name(operation))(**required(service, operation))
    finally:
        client.meta.events.unregister(event, answer)
    return found.value


def required(service: str, operation: str) -> dict:
    """Parameters that pass botocore's validation."""
    shape = get_service_model(service).operation_model(operation).input_shape
    return {name: value_of(shape.members[name]) for name in shape.required_members} if shape else {}


def value_of(shape):
    if shape.type_name == "structure":
        return {name: value_of(shape.members[name]) for name in shape.required_members}
    if shape.type_name == "list":
        return [value_of(shape.member)]
    return {"integer": 10, "boolean": False, "map": {}}.get(shape.type_name, "x" * max(20, shape.metadata.get("min", 0)))


@pytest.mark.parametrize(("service", "operation"), OPERATIONS, ids=lambda value: value)
def test_case_aws_3_every_error_answer_parses(service, operation, monkeypatch):
    """Refusals, throttles, and each error that the model of the call names."""
    monkeypatch.setattr(credential_report, "PAUSE", 0.0)
    denied = raised(service, operation, 403, "AccessDenied")
    assert denied.response["Error"] == {**denied.response["Error"], "Code": "AccessDenied", "Message": "as the test wants"}
    ours = translate(denied, f"{service}:{operation}", "us-east-1")
    assert isinstance(ours, Denied)
    assert ours.permission == f"{service}:{operation}"
    modelled = [shape.error_code for shape in get_service_model(service).operation_model(operation).error_shapes]
    for code in modelled[:40]:
        assert raised(service, operation, 400, code).response["Error"]["Code"] == code


def failure_of(code: str, message: str, status: int = 403, service: str = "ec2", operation: str = "DescribeVpcs"):
    return translate(raised(service, operation, status, code, message), "ec2:DescribeVpcs", "us-east-1 of account 1")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing", "the permission ec2:DescribeVpcs is missing in us-east-1 of account 1: allow it to this user or role"),
        ("service control policy", "a service control policy of the organization denies ec2:DescribeVpcs"),
        ("resource control policy", "a resource control policy of the organization denies"),
        ("session policy", "the session policy with which the role was assumed denies"),
        ("permissions boundary", "the permissions boundary of this user or role denies"),
        ("endpoint policy", "the policy of the VPC endpoint denies"),
        ("resource policy", "a policy of the resource itself denies"),
        ("explicit deny", "no other policy can allow it"),
    ],
)
@pytest.mark.parametrize("deny", ["explicit", "implicit"])
def test_a_refusal_gives_aws_reason(name, words, deny):
    message = DOCUMENTED[name]
    if deny == "explicit" and "because no" in message and name != "missing":
        message = f"{USER} with an explicit deny in a {message.split('because no ')[1].split(' allows')[0]}"
    if deny == "implicit" and "control policy" in name:
        message = f"{USER} because no {name} allows the ec2:DescribeVpcs action"
    error = failure_of("UnauthorizedOperation", message)

    assert isinstance(error, Denied)
    assert error.permission == "ec2:DescribeVpcs"
    assert words in str(error)
    assert ("allow it to this user or role" in str(error)) == (name == "missing")


def test_a_policy_that_aws_names_is_named():
    arn = "arn:aws:organizations::1:policy/o-abc/service_control_policy/p-def"
    error = failure_of("AccessDeniedException", f"{DOCUMENTED['service control policy']}: {arn}")
    assert f"({arn})" in str(error)


@pytest.mark.parametrize(
    ("code", "message", "kind", "words"),
    [
        ("RequestTimeTooSkewed", "The difference between the request time and the current time is too large.", CredentialsError, "clock"),
        ("RequestExpired", "Request has expired.", CredentialsError, "clock"),
        ("InvalidSignatureException", "Signature expired: 20261128T0000Z is now earlier than 20261128T0005Z", CredentialsError, "clock"),
        (
            "SignatureDoesNotMatch",
            "Signature not yet current: 20261128T0100Z is still later than 20261128T0000Z",
            CredentialsError,
            "clock",
        ),
        (
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match",
            CredentialsError,
            "secret access key does not belong",
        ),
        ("ExpiredToken", "The security token included in the request is expired", CredentialsError, "session token has expired"),
        ("ExpiredTokenException", "The security token included in the request is expired", CredentialsError, "session token has expired"),
        (
            "ExpiredTokenException",
            "Token expired: current date/time 1632315300 must be before the expiration date/time1632311700",
            CredentialsError,
            "the web identity token in AWS_WEB_IDENTITY_TOKEN_FILE has expired",
        ),
        (
            "InvalidIdentityToken",
            "No OpenIDConnect provider found in your account for https://oidc.eks.eu-central-1.amazonaws.com/id/A",
            CredentialsError,
            "its issuer must be an identity provider",
        ),
        ("IDPRejectedClaim", "The identity provider rejected the claim", CredentialsError, "the role must trust it"),
        ("IDPCommunicationError", "The identity provider could not be reached", TimedOut, "try again later"),
        ("RegionDisabledException", "STS is not activated in this region for account:1", CredentialsError, "AWS STS is not active"),
        ("InvalidClientTokenId", "The security token included in the request is invalid.", CredentialsError, "check the access key"),
        ("AuthFailure", "AWS was not able to validate the provided access credentials", CredentialsError, "check the access key"),
        ("OptInRequired", "You are not subscribed to this service.", Unsupported, "not signed up for the service"),
        ("SubscriptionRequiredException", "The AWS Access Key Id needs a subscription for the service", Unsupported, "not signed up"),
        ("UnsupportedOperation", "The functionality is not supported in this region.", Unsupported, "is not available"),
        ("RequestLimitExceeded", "Request limit exceeded.", Throttled, "at every try"),
        ("RequestTimeout", "Your socket connection to the server was not read from", TimedOut, "AWS gave up"),
        ("Strange", "nobody knows", BadAnswer, "the error Strange: nobody knows"),
        ("PendingVerification", "Your account is currently being verified. It takes 4 hours.", BadAnswer, "is currently being verified"),
        ("AccessDeniedException", "Macie is not enabled.", Denied, "; AWS says: Macie is not enabled"),
        (
            "AccessDeniedException",
            "Only existing Timestream customers can access the service.",
            Denied,
            "AWS says: Only existing Timestream",
        ),
    ],
)
def test_an_answer_and_its_sentence(code, message, kind, words):
    error = failure_of(code, message, 400)
    assert type(error) is kind
    assert words in str(error)
    assert message in error.detail


def test_every_row_of_the_table_has_a_test():
    reasons = {rule.name for rule in RULES}
    assert reasons == {
        *DOCUMENTED,
        "clock",
        "clock of a signature",
        "expired",
        "secret",
        "key",
        "throttled",
        "not signed up",
        "unsupported",
        "slow",
        "sts region",
        "web identity",
        "web identity expired",
    }


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (aws.ConnectTimeoutError(endpoint_url="https://x"), "no connection to AWS for ec2:DescribeVpcs in here in time"),
        (aws.ReadTimeoutError(endpoint_url="https://x"), "took the connection for ec2:DescribeVpcs in here and did not answer"),
        (aws.EndpointConnectionError(endpoint_url="https://x"), "cannot be reached for ec2:DescribeVpcs"),
        (aws.ConnectionClosedError(endpoint_url="https://x"), "cut the connection"),
        (aws.ProxyConnectionError(proxy_url="http://p"), "the proxy did not let"),
        (aws.HTTPClientError(error="x"), "the connection to AWS broke"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_silences_are_told_apart(error, words):
    ours = translate(error, "ec2:DescribeVpcs", "here")
    assert isinstance(ours, TimedOut)
    assert words in str(ours)


def test_only_what_may_pass_is_to_be_tried_later():
    assert "try again later" not in str(failure_of("InvalidParameterValue", "MaxResults is too large", 400))
    assert "try again later" in str(failure_of("InternalError", "An internal error has occurred", 500))


@pytest.mark.parametrize(
    "message",
    [
        "",
        "Access Denied",
        "You are not authorized to perform this operation.",
        "Forbidden",
        '&lt;?xml version="1.0" encoding="utf-8"?&gt;&lt;Error/&gt;',
    ],
)
def test_a_plain_denial_is_not_quoted(message):
    assert "AWS says" not in str(failure_of("AccessDenied", message, 403))


def bare(status: int, operation: str = "ListTables", code: str | None = None, **metadata) -> aws.ClientError:
    """An answer without a code, as botocore reads it."""
    answer = {
        "Error": {"Code": str(status) if code is None else code, "Message": "<html>"},
        "ResponseMetadata": {"HTTPStatusCode": status, **metadata},
    }
    return aws.ClientError(answer, operation)


@pytest.mark.parametrize("code", [None, ""])
@pytest.mark.parametrize("status", [401, 403, 404, 407, 502, 503])
def test_a_refusal_of_a_proxy_is_not_of_aws(status, code):
    """The code is the status in place of JSON, and empty in place of XML."""
    error = translate(bare(status, code=code), "dynamodb:ListTables", "us-east-1 of account 1")
    assert type(error) is BadAnswer
    assert f"was answered {status} by something that is not AWS" in str(error)


@pytest.mark.parametrize(("status", "kind"), [(403, Denied), (429, Throttled)])
def test_a_status_of_aws_itself_is_read(status, kind):
    """API Gateway and HEAD have no code, and a throttle is one, whoever throttles."""
    assert type(translate(bare(status, RequestId="abc"), "lambda:ListFunctions", "")) is kind
    assert type(translate(bare(403, "HeadBucket"), "s3:ListBucket", "")) is Denied
    assert type(translate(bare(429), "lambda:ListFunctions", "")) is Throttled
