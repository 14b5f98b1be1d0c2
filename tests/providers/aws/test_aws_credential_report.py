"""IAM's credential report: it is waited for, its columns are those of AWS's guide, and a use of a key or password is no change."""

from __future__ import annotations

import base64
import types

import botocore.endpoint
import pytest
from aws_description import REPORT
from peers.aws_proxy import AwsReply
from peers.moto import Moto
from test_aws_reading import ACCOUNT, found, read, report

from providers.aws import credential_report
from providers.errors import Outcome

KIND = "iam_credentials"
ANN = f"arn:aws:iam::{ACCOUNT}:user/ann"
ROW = {
    **dict.fromkeys(REPORT, "N/A"),
    "user": "ann",
    "arn": ANN,
    "user_creation_time": "2024-01-02T03:04:05+00:00",
    "password_enabled": "true",
    "password_last_used": "2026-11-02T08:00:00+00:00",
    "password_last_changed": "2025-05-01T00:00:00+00:00",
    "password_next_rotation": "2026-12-01T00:00:00+00:00",
    "mfa_active": "false",
    "access_key_1_active": "true",
    "access_key_1_last_rotated": "2025-01-01T00:00:00+00:00",
    "access_key_1_last_used_date": "2026-10-31T23:00:00+00:00",
    "access_key_1_last_used_region": "eu-central-1",
    "access_key_1_last_used_service": "s3",
    "access_key_2_active": "false",
    "cert_1_active": "false",
    "cert_2_active": "false",
}
ROOT = {
    **dict.fromkeys(REPORT, "N/A"),
    "user": "<root_account>",
    "arn": f"arn:aws:iam::{ACCOUNT}:root",
    "password_enabled": "not_supported",
}


@pytest.fixture(autouse=True)
def pauses(monkeypatch) -> list[float]:
    """The seconds that botocore would have slept."""
    slept: list[float] = []
    monkeypatch.setattr(botocore.endpoint, "time", types.SimpleNamespace(sleep=slept.append, time=botocore.endpoint.time.time))
    return slept


def table(*rows: dict[str, str]) -> str:
    columns = sorted(REPORT)
    return "\n".join([",".join(columns), *(",".join(row[name] for name in columns) for row in rows)])


def made(*rows: dict[str, str]) -> AwsReply:
    """The report, as the reference of IAM has the answer."""
    content = base64.b64encode(table(*rows).encode()).decode()
    result = f"<Content>{content}</Content><ReportFormat>text/csv</ReportFormat><GeneratedTime>2026-11-29T10:00:00Z</GeneratedTime>"
    wrapped = f"<GetCredentialReportResult>{result}</GetCredentialReportResult>"
    return AwsReply(200, "", f"<GetCredentialReportResponse>{wrapped}</GetCredentialReportResponse>".encode())


def reading(aws_proxy, *rows: dict[str, str]):
    with aws_proxy.broken(lambda call: made(*rows) if call.operation == "GetCredentialReport" else None):
        return read(aws_proxy.url, KIND, optional_types=[KIND])


def test_what_the_report_says_of_a_user(moto: Moto, aws_proxy):
    collected = reading(aws_proxy, ROW, ROOT)
    ann = found(collected, KIND)[f"{ANN}/credentials"]

    assert (ann.name, ann.parent) == ("ann", ANN)
    assert ann.attributes == {
        "user": "ann",
        "arn": ANN,
        "user_creation_time": "2024-01-02T03:04:05+00:00",
        "password_enabled": True,
        "password_last_used": "2026-11",
        "password_last_changed": "2025-05-01T00:00:00+00:00",
        "mfa_active": False,
        "access_key_1_active": True,
        "access_key_1_last_rotated": "2025-01-01T00:00:00+00:00",
        "access_key_1_last_used_date": "2026-10",
        "access_key_2_active": False,
        "cert_1_active": False,
        "cert_2_active": False,
    }
    assert set(found(collected, KIND)) == {f"{ANN}/credentials", f"arn:aws:iam::{ACCOUNT}:root/credentials"}


def test_the_run_says_when_the_report_was_made(moto: Moto, aws_proxy):
    moment = report(reading(aws_proxy, ROW), KIND, "").as_of

    assert moment is not None
    assert moment.isoformat() == "2026-11-29T10:00:00+00:00"


def test_a_password_or_key_that_is_used_is_no_change(moto: Moto, aws_proxy):
    used = {
        "password_last_used": "2026-11-28T20:00:00+00:00",
        "access_key_1_last_used_date": "2026-10-31T23:59:00+00:00",
        "access_key_1_last_used_region": "us-east-1",
        "access_key_1_last_used_service": "ec2",
    }
    before, after = reading(aws_proxy, ROW), reading(aws_proxy, {**ROW, **used})
    rotated = reading(aws_proxy, {**ROW, "access_key_1_last_rotated": "2026-11-28T00:00:00+00:00"})

    assert found(before, KIND) == found(after, KIND)
    assert found(before, KIND) != found(rotated, KIND)


@pytest.mark.parametrize(("status", "code"), [(404, "ReportInProgress"), (410, "ReportNotPresent"), (410, "ReportExpired")])
def test_a_report_that_is_being_made_is_waited_for(moto: Moto, aws_proxy, pauses, status, code):
    moto.client("iam").create_user(UserName="ann")
    asked = iter(range(100))

    def rule(call):
        return AwsReply(status, code) if call.operation == "GetCredentialReport" and next(asked) < 7 else None

    with aws_proxy.broken(rule):
        collected = read(aws_proxy.url, KIND, optional_types=[KIND])

    assert [resource.name for resource in found(collected, KIND).values()] == ["ann"]
    assert pauses == [credential_report.PAUSE] * 7
    assert report(collected, KIND, "").outcome is Outcome.COMPLETE


def test_a_report_that_is_never_made_is_an_error_and_not_an_account_without_users(moto: Moto, aws_proxy, pauses):
    with aws_proxy.broken(lambda call: AwsReply(404, "ReportInProgress") if call.operation == "GetCredentialReport" else None):
        collected = read(aws_proxy.url, KIND, optional_types=[KIND])

    assert len(pauses) == credential_report.ATTEMPTS - 1
    assert report(collected, KIND, "").outcome is Outcome.ERROR


@pytest.mark.parametrize("operation", ["GenerateCredentialReport", "GetCredentialReport"])
def test_a_refusal_names_the_permission(moto: Moto, aws_proxy, operation):
    with aws_proxy.broken(lambda call: AwsReply(403, "AccessDenied") if call.operation == operation else None):
        collected = read(aws_proxy.url, KIND, optional_types=[KIND])

    assert report(collected, KIND, "").outcome is Outcome.DENIED
    assert report(collected, KIND, "").permission == f"iam:{operation}"


@pytest.mark.parametrize(
    "content",
    [b"", b"user,arn\n", b"<!doctype html><h1>Hello</h1>\n<p>", b"user,arn\nann,\n", b"\xff\xfe\n\xff", b"user,arn\n" + b"x" * 200_000],
    ids=["empty", "no rows", "html", "no arn", "no text", "a field without end"],
)
def test_what_is_not_a_report_is_an_error_and_not_an_account_without_users(moto: Moto, aws_proxy, content):
    text = base64.b64encode(content).decode()
    result = f"<GetCredentialReportResult><Content>{text}</Content></GetCredentialReportResult>"
    answer = AwsReply(200, "", f"<GetCredentialReportResponse>{result}</GetCredentialReportResponse>".encode())
    with aws_proxy.broken(lambda call: answer if call.operation == "GetCredentialReport" else None):
        collected = read(aws_proxy.url, KIND, optional_types=[KIND])

    assert report(collected, KIND, "").outcome is Outcome.ERROR
