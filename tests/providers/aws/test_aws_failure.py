"""Error answers: every service's parse with our cut-down models, and each is told as what it is."""

from __future__ import annotations

import io
import json

import pytest
from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from moto.core.utils import get_service_model

from providers.aws import catalogue
from providers.aws.client import Account, Sessions
from providers.aws.failure import translate
from providers.errors import Denied

SESSIONS = Sessions({}, "us-east-1", 4)
SESSIONS._settings = SESSIONS._settings.merge(Config(retries={"mode": "standard", "total_max_attempts": 1}))  # adaptive ones slow down
ACCOUNT = Account(SESSIONS, "123456789012", "aws", Credentials("A", "S"))
OPERATIONS = [(service, name) for service, names in sorted(catalogue.operations().items()) for name in sorted(names)]
XML = "<Error><Code>{code}</Code><Message>{message}</Message></Error>"


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
def test_case_aws_3_every_error_answer_parses(service, operation):
    """Refusals, throttles, and each error that the model of the call names."""
    denied = raised(service, operation, 403, "AccessDenied")
    assert denied.response["Error"] == {**denied.response["Error"], "Code": "AccessDenied", "Message": "as the test wants"}
    ours = translate(denied, f"{service}:{operation}", "us-east-1")
    assert isinstance(ours, Denied)
    assert ours.permission == f"{service}:{operation}"
    modelled = [shape.error_code for shape in get_service_model(service).operation_model(operation).error_shapes]
    for code in modelled[:40]:
        assert raised(service, operation, 400, code).response["Error"]["Code"] == code
