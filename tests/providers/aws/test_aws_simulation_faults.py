"""The faults of the demo's simulated account, as an SDK sees them."""

from __future__ import annotations

import threading

import pytest
from botocore.exceptions import ClientError
from botocore.parsers import create_parser

from providers.aws.failure import translate
from providers.aws.simulation_faults import DENIED_CALL, SILENT_KEY, Faulty, terminate_instances
from providers.errors import Denied

SIGNED = "AWS4-HMAC-SHA256 Credential={}/20261129/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=0"


def ask(stop: threading.Event, **environ: str) -> tuple[str, dict[str, str], bytes]:
    """Status, headers and body of the answer to one request; other requests are answered by an empty object."""
    said: list = []

    def application(_, start_response):
        start_response("200 OK", [])
        return [b"{}"]

    [body] = Faulty(application, stop)(environ, lambda status, headers: said.extend((status, dict(headers))))
    return said[0], said[1], body


def test_the_denied_call_is_refused_in_the_words_of_aws():
    status, headers, body = ask(threading.Event(), HTTP_X_AMZ_TARGET=DENIED_CALL)
    parsed = create_parser("json").parse({"status_code": int(status[:3]), "headers": headers, "body": body}, None)
    error = translate(ClientError(parsed, "ListSecrets"), "secretsmanager:ListSecrets")
    assert isinstance(error, Denied)
    assert error.permission == "secretsmanager:ListSecrets"


@pytest.mark.parametrize("environ", [{"HTTP_X_AMZ_TARGET": "secretsmanager.DescribeSecret"}, {"HTTP_AUTHORIZATION": SIGNED.format("AKID")}])
def test_other_requests_are_answered(environ):
    assert ask(threading.Event(), **environ)[2] == b"{}"


def test_the_silent_key_is_not_answered_until_the_account_ends():
    stop, answered = threading.Event(), threading.Event()

    def request() -> None:
        ask(stop, HTTP_AUTHORIZATION=SIGNED.format(SILENT_KEY))
        answered.set()

    thread = threading.Thread(target=request)
    thread.start()
    try:
        assert not answered.wait(0.2)
    finally:
        stop.set()
        thread.join()
    assert answered.is_set()


def test_instances_are_terminated_with_their_volumes_once(moto):
    ec2 = moto.client("ec2", "us-west-2")
    image = ec2.register_image(Name="base", RootDeviceName="/dev/sda1", Architecture="x86_64", VirtualizationType="hvm")["ImageId"]
    ec2.run_instances(ImageId=image, MinCount=3, MaxCount=3)
    assert len(ec2.describe_volumes()["Volumes"]) == 3

    assert terminate_instances(moto.client, "us-west-2") == 3
    assert ec2.describe_volumes()["Volumes"] == []
    assert terminate_instances(moto.client, "us-west-2") == 0
