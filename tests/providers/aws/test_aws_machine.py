"""The role of an EC2 instance: keys from a metadata service with its protocol of tokens, at the start of a run and within it."""

from __future__ import annotations

import datetime as dt
import json
import threading
from typing import Any

import pytest
from botocore.credentials import RefreshableCredentials
from botocore.utils import METADATA_BASE_URL, IMDSFetcher
from peers import serving
from peers.moto import Moto
from test_aws_reading import REGION

from providers import registry
from providers.aws import catalogue
from providers.aws.config import AwsConfig, AwsOperator
from providers.collected import Collected
from providers.errors import CredentialsError, Outcome
from providers.runner import run
from providers.schema import parse

PATH, ROLE, TOKEN = "/latest/meta-data/iam/security-credentials/", "inventory", "session-of-the-service"


def keys(minutes: float = 60, **more: Any) -> tuple[int, Any]:
    until = (dt.datetime.now(dt.UTC) + dt.timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return 200, {"Code": "Success", "AccessKeyId": "ASIA", "SecretAccessKey": "secret", "Token": "token", "Expiration": until, **more}


class Metadata(serving.Handler):
    """The metadata service as version 2: nothing without its token."""

    next: Any

    def do_PUT(self) -> None:
        allowed = self.path == "/latest/api/token" and self.headers.get("x-aws-ec2-metadata-token-ttl-seconds")
        self.answer(200 if allowed else 400, TOKEN.encode(), {"Content-Type": "text/plain"})

    def do_GET(self) -> None:
        if self.headers.get("x-aws-ec2-metadata-token") != TOKEN:
            self.answer(401, b"")
        elif self.path == PATH:
            self.answer(200, ROLE.encode())
        elif self.path == PATH + ROLE:
            status, body = self.next()
            self.answer(status, body if isinstance(body, bytes) else json.dumps(body).encode())
        else:
            self.answer(404, b"")


class Service:
    """The answers of the metadata service about the keys of the role: one for each question, and the last one again and again."""

    def __init__(self) -> None:
        self.answers, self.asked, self._lock = [keys()], 0, threading.Lock()

    def next(self) -> tuple[int, Any]:
        with self._lock:
            self.asked += 1
            return self.answers[min(self.asked, len(self.answers)) - 1]


@pytest.fixture
def machine(monkeypatch):
    """The service of the machine that the job runs on."""
    found = Service()
    monkeypatch.setattr("providers.http.retry.wait", lambda _seconds: None)
    with serving.serving(Metadata, None, next=staticmethod(found.next)) as url:
        defaults = tuple(f"{url}/" if value == METADATA_BASE_URL else value for value in IMDSFetcher.__init__.__defaults__)
        monkeypatch.setattr(IMDSFetcher.__init__, "__defaults__", defaults)
        yield found


@pytest.fixture
def renewing(monkeypatch):
    """Has every call wait for new keys, as in the last ten minutes of a session."""
    hours = 6 * 3600
    monkeypatch.setattr(RefreshableCredentials, "_mandatory_refresh_timeout", hours)
    monkeypatch.setattr(RefreshableCredentials, "_advisory_refresh_timeout", hours)
    monkeypatch.setattr("providers.aws.credentials.MANDATORY", hours)
    monkeypatch.setattr("providers.aws.credentials.SPARE", 2 * hours)


def read(moto: Moto, monkeypatch: pytest.MonkeyPatch, *only: str) -> Collected:
    kinds = tuple(kinds for kinds in catalogue.reads() if any(kind.sub_type in only for kind in kinds))
    monkeypatch.setattr(catalogue, "reads", lambda: kinds)
    source, collected = registry.get("aws").open(parse(AwsConfig, {"regions": [REGION]}), AwsOperator(endpoint_url=moto.url)), Collected()
    try:
        run(source, collected)
    finally:
        source.close()
    return collected


def test_the_role_of_the_machine_reads(moto: Moto, machine, monkeypatch):
    collected = read(moto, monkeypatch, "sqs_queue", "sns_topic")
    assert {report.outcome for report in collected.reports.values()} == {Outcome.COMPLETE}
    assert machine.asked == 1


REFUSED = {
    "no role any more": (404, b""),
    "busy": (503, b""),
    "throttled": (429, b""),
    "no json": (200, b"<html>"),
    "no answer": (200, b""),
    "not trusted": (200, {"Code": "AssumeRoleUnauthorizedAccess", "Message": "EC2 cannot assume the role"}),
}


@pytest.mark.parametrize("answer", REFUSED.values(), ids=REFUSED)
def test_a_service_that_gives_nothing_from_the_start_is_told_as_no_credentials(moto: Moto, machine, monkeypatch, answer):
    machine.answers = [answer]
    with pytest.raises(CredentialsError, match=r"there are no AWS credentials: give .* the worker a role"):
        read(moto, monkeypatch, "sqs_queue")


@pytest.mark.parametrize("answer", REFUSED.values(), ids=REFUSED)
def test_a_service_that_gives_nothing_within_a_run_ends_it_with_one_sentence(moto: Moto, machine, renewing, monkeypatch, answer):
    machine.answers = [keys(), keys(), keys(), keys(), answer]
    with pytest.raises(CredentialsError, match=r"gives no AWS credentials|has no new AWS credentials") as caught:
        read(moto, monkeypatch, "sqs_queue", "sns_topic", "kms_key")
    assert "\n" not in str(caught.value)
    assert machine.asked > 4


def test_keys_that_are_renewed_leave_the_run_alone(moto: Moto, machine, renewing, monkeypatch):
    collected = read(moto, monkeypatch, "sqs_queue", "sns_topic", "kms_key")
    assert {report.outcome for report in collected.reports.values()} == {Outcome.COMPLETE}
    assert machine.asked > 4


def test_a_renewal_ahead_of_time_that_fails_leaves_the_run_alone(moto: Moto, machine, monkeypatch):
    """Long before the end of the keys, a service that is silent for a while is nobody's trouble."""
    monkeypatch.setattr(RefreshableCredentials, "_advisory_refresh_timeout", 6 * 3600)
    machine.answers = [keys(), (503, b"")]
    collected = read(moto, monkeypatch, "sqs_queue", "sns_topic")
    assert {report.outcome for report in collected.reports.values()} == {Outcome.COMPLETE}
    assert machine.asked > 1
