"""Secrets of AWS Secrets Manager, read from moto's server: what they hold, and a sentence for each thing that can be wrong."""

from __future__ import annotations

import json
import socket

import pytest
from peers.aws_proxy import AwsReply
from peers.http_proxy import Cut
from peers.moto import KEYS

from providers.aws import client
from providers.errors import ConfigError, CredentialsError, Denied, ProviderError, Throttled, TimedOut
from providers.references import AWS, LARGEST
from providers.stores import reading
from providers.stores.access import StoreAccess
from providers.stores.reading import SecretReader

SECRET = "s3cret-of-the-store-41"


@pytest.fixture
def secret(moto):
    """Stores a secret in us-east-1 and returns its ARN."""

    def put(name: str, region: str = "us-east-1", **content) -> str:
        return moto.client("secretsmanager", region).create_secret(Name=name, **content)["ARN"]

    return put


@pytest.fixture
def reader(moto, tmp_path):
    """A reader with the operator's keys, in us-east-1 of moto unless told otherwise."""
    readers = []

    def opened(url: str = moto.url, **settings) -> SecretReader:
        (tmp_path / "keys.json").write_text(json.dumps(KEYS))
        operator = {"endpoint_url": url, "credentials_file": str(tmp_path / "keys.json"), "default_region": "us-east-1"} | settings
        readers.append(SecretReader(StoreAccess({AWS: {name: value for name, value in operator.items() if value}}, timeout=1)))
        return readers[-1]

    yield opened
    for one in readers:
        one.close()


def refused(reader: SecretReader, reference, kind: type[ProviderError]) -> str:
    with pytest.raises(ProviderError) as caught:
        reader.read(reference)
    assert type(caught.value) is kind
    assert SECRET not in str(caught.value) + caught.value.detail
    assert str(caught.value).startswith(json.dumps(reference))
    return str(caught.value).removeprefix(f"{json.dumps(reference)} ")


def test_a_text_a_field_and_an_object(secret, reader):
    secret("jobs/token", SecretString=f"{SECRET}\n")
    arn = secret("jobs/okta", region="eu-west-1", SecretString=json.dumps({"token": SECRET, "key.json": {"private_key": SECRET}}))
    one = reader()

    assert one.read({AWS: "jobs/token"}) == SECRET
    assert one.read({AWS: arn, "key": "token"}) == SECRET
    assert one.read({AWS: arn, "key": "key.json"}) == {"private_key": SECRET}
    assert json.loads(one.read({AWS: arn}))["token"] == SECRET


def test_each_secret_is_read_once_by_one_reader_and_anew_by_the_next(secret, reader, moto, aws_proxy):
    secret("jobs/aws", SecretString='{"id": "AKID", "secret": "one"}')
    one = reader(aws_proxy.url)
    assert [one.read({AWS: "jobs/aws", "key": key}) for key in ("id", "secret")] == ["AKID", "one"]
    assert [call.operation for call in aws_proxy.calls] == ["GetSecretValue"]

    moto.client("secretsmanager").put_secret_value(SecretId="jobs/aws", SecretString='{"secret": "two"}')
    assert one.read({AWS: "jobs/aws", "key": "secret"}) == "one"
    assert reader().read({AWS: "jobs/aws", "key": "secret"}) == "two"


def test_what_the_secret_does_not_hold(secret, reader):
    secret("text", SecretString=SECRET)
    secret("object", SecretString=json.dumps({"number": 7, "list": [SECRET], "null": None}))
    secret("bytes", SecretBinary=SECRET.encode())

    one = reader()
    assert refused(one, {AWS: "text", "key": "x"}, ConfigError).startswith("holds no JSON object, so it has no fields")
    assert refused(one, {AWS: "object", "key": "token"}, ConfigError) == "has no field of that name"
    for key in ("number", "list", "null"):
        assert refused(one, {AWS: "object", "key": key}, ConfigError).startswith("is not text: the field holds a number")
    assert refused(one, {AWS: "bytes"}, ConfigError) == "holds bytes (SecretBinary) and no text: store it as a text"


def test_a_secret_that_is_too_large(secret, reader, monkeypatch):
    """AWS holds 64 KB at most, so the bound is lowered."""
    monkeypatch.setattr("providers.references.LARGEST", 2048)
    secret("large", SecretString="x" * 2049)
    secret("fits", SecretString="x" * 2048)
    assert LARGEST == 256 * 1024
    assert refused(reader(), {AWS: "large"}, ConfigError) == "is larger than 2 KB"
    assert len(reader().read({AWS: "fits"})) == 2048


def test_a_secret_that_is_not_there_or_deleted(secret, reader, moto):
    secret("gone", SecretString=SECRET)
    moto.client("secretsmanager").delete_secret(SecretId="gone", RecoveryWindowInDays=7)

    assert refused(reader(), {AWS: "none"}, ConfigError) == (
        "is not there: AWS Secrets Manager has no such secret, or no current version of it, in us-east-1"
    )
    assert refused(reader(), {AWS: "gone"}, ConfigError) == (
        "is deleted: in us-east-1 it is marked for deletion, and can be restored in AWS Secrets Manager"
    )


def test_a_name_without_a_region(secret, reader):
    secret("token", SecretString=SECRET)
    assert "set AWS_DEFAULT_REGION, or give the ARN" in refused(reader(default_region=""), {AWS: "token"}, ConfigError)
    assert reader(default_region="", region="us-east-1").read({AWS: "token"}) == SECRET


MESSAGE = (
    "User: arn:aws:iam::1:role/worker is not authorized to perform: secretsmanager:GetSecretValue on resource: token because no identity-"
)


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (AwsReply(400, "AccessDeniedException", message=f"{MESSAGE}based policy allows it"), Denied, "secretsmanager:GetSecretValue"),
        (AwsReply(400, "AccessDeniedException", message="Access to KMS is not allowed"), Denied, "needs kms:Decrypt for it"),
        (AwsReply(400, "DecryptionFailure"), Denied, "needs kms:Decrypt for it"),
        (AwsReply(400, "UnrecognizedClientException"), CredentialsError, "in us-east-1"),
        (AwsReply(400, "ExpiredTokenException"), CredentialsError, "in us-east-1"),
        (AwsReply(400, "ThrottlingException"), Throttled, "in us-east-1"),
        (Cut(b""), TimedOut, "secretsmanager:GetSecretValue in us-east-1"),
    ],
)
def test_refusals_and_faults_are_told_apart(secret, reader, aws_proxy, monkeypatch, reply, kind, words):
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    secret("token", SecretString=SECRET)
    with aws_proxy.broken(lambda call: reply if call.operation == "GetSecretValue" else None):
        sentence = refused(reader(aws_proxy.url), {AWS: "token"}, kind)
    assert sentence.startswith("cannot be read: ")
    assert words in sentence


def test_a_store_that_does_not_answer_is_asked_three_times_and_given_up_in_the_operators_time(reader, monkeypatch):
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    with socket.create_server(("127.0.0.1", 0), backlog=8) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        assert "did not answer in time" in refused(reader(url), {AWS: "token"}, TimedOut)
        silent.setblocking(False)
        tries = 0
        while True:
            try:
                silent.accept()[0].close()
            except BlockingIOError:
                break
            tries += 1
    assert tries == 3


def test_without_an_identity(reader):
    sentence = refused(reader(credentials_file="", ec2_metadata_disabled=True), {AWS: "token"}, CredentialsError)
    assert "there are no AWS credentials" in sentence


def test_a_store_whose_library_is_not_installed_says_how_to_install_it(reader, monkeypatch):
    def import_module(name):
        raise ModuleNotFoundError("No module named 'botocore'", name="botocore")

    monkeypatch.setattr(reading.importlib, "import_module", import_module)
    sentence = refused(reader(), {AWS: "token"}, ConfigError)
    assert sentence.startswith("needs a package that is not installed (botocore): ")
    assert "pip install" in sentence
    assert "[aws]" in sentence


def test_the_usual_time_outs_of_discovery_are_as_before():
    usual = client.settings(4, own_endpoint=False)
    assert (usual.connect_timeout, usual.read_timeout, usual.retries["total_max_attempts"]) == (5, 60, 5)
