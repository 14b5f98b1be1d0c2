"""Credentials of the worker's own that botocore renews within a run, from a real credential service and a real token file."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import CredentialRetrievalError
from botocore.utils import ContainerMetadataFetcher
from peers import serving
from peers.moto import Moto
from test_aws_reading import REGION

from providers import registry
from providers.aws import catalogue, credentials
from providers.aws.config import AwsConfig, AwsOperator
from providers.collected import Collected
from providers.errors import CredentialsError, Outcome
from providers.runner import run
from providers.schema import parse


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    """Neither we nor botocore's fetcher, whose pauses are a default argument."""
    monkeypatch.setattr("providers.http.retry.wait", lambda _seconds: None)
    monkeypatch.setattr("providers.aws.credentials.SPARE", 3600)  # as in the last minute of each session
    monkeypatch.setattr(ContainerMetadataFetcher.__init__, "__defaults__", (None, lambda _seconds: None))


def keys(minutes: float, **more: Any) -> Callable[[], tuple[int, Any]]:
    """An answer of the credential service: keys that last so long from the moment on at which it is asked."""

    def answer() -> tuple[int, Any]:
        until = (dt.datetime.now(dt.UTC) + dt.timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
        return 200, {"AccessKeyId": "ASIA", "SecretAccessKey": "secret", "Token": "token", "Expiration": until, **more}

    return answer


class Service(serving.Handler):
    """The credential service of a container, as ECS and EKS have it."""

    answers: Callable[[], tuple[int, Any]]

    def do_GET(self) -> None:
        self.answer(*self.answers())


@pytest.fixture
def agent():
    """The URL of a credential service; `agent.answers` is what it says, one after the other, and the last one for ever."""

    class Agent:
        answers: list[tuple[int, Any] | Callable[[], tuple[int, Any]]] = [keys(60)]
        asked, url = 0, ""
        lock = threading.Lock()

        def next(self) -> tuple[int, Any]:
            with self.lock:
                self.asked += 1
                answer = self.answers[min(self.asked, len(self.answers)) - 1]
            return answer() if callable(answer) else answer

    found = Agent()
    with serving.serving(Service, None, answers=staticmethod(found.next)) as url:
        found.url = url
        yield found


def read(moto: Moto, agent: Any, *only: str, monkeypatch: pytest.MonkeyPatch) -> Collected:
    kinds = tuple(kinds for kinds in catalogue.reads() if any(kind.sub_type in only for kind in kinds))
    monkeypatch.setattr(catalogue, "reads", lambda: kinds)
    operator = AwsOperator(endpoint_url=moto.url, container_credentials_full_uri=f"{agent.url}/role")
    source, collected = registry.get("aws").open(parse(AwsConfig, {"regions": [REGION]}), operator), Collected()
    try:
        run(source, collected)
    finally:
        source.close()
    return collected


SOON = keys(5)
"""Keys within botocore's window of ten minutes in which every call waits for new ones."""
BROKEN = [
    (keys(-1), "gives AWS credentials that have expired already: set the clock"),
    ((200, {"code": "ClientError", "message": "no role"}), r"gives no AWS credentials \(KeyError: 'AccessKeyId'\)"),
    ((403, {"message": "no association"}), "gives no AWS credentials .*response 403.*is a role attached to the task"),
    ((503, {"message": "busy"}), "gives no AWS credentials .*response 503"),
    ((200, b"<html>"), "gives no AWS credentials .*Unable to parse JSON"),
    (keys(60, Expiration="tomorrow"), "gives no AWS credentials .*tomorrow"),
]
IDS = ["expired", "no keys", "403", "503", "no JSON", "no time"]


@pytest.mark.parametrize(("answer", "told"), BROKEN, ids=IDS)
def test_a_service_that_gives_nothing_from_the_start(moto: Moto, agent, monkeypatch, answer, told):
    agent.answers = [answer]
    with pytest.raises(CredentialsError, match=told):
        read(moto, agent, "sqs_queue", monkeypatch=monkeypatch)


@pytest.mark.parametrize(("answer", "told"), BROKEN, ids=IDS)
def test_a_service_that_gives_nothing_within_a_run_ends_it_with_one_sentence(moto: Moto, agent, monkeypatch, answer, told):
    """The keys of the start are renewed at each call, three times; the call after these gets none."""
    agent.answers = [SOON, SOON, SOON, SOON, answer]
    with pytest.raises(CredentialsError, match=told):
        read(moto, agent, "sqs_queue", "sns_topic", "kms_key", monkeypatch=monkeypatch)
    assert agent.asked > 4


def test_keys_that_are_renewed_leave_the_run_alone(moto: Moto, agent, monkeypatch):
    agent.answers = [SOON, keys(60)]
    collected = read(moto, agent, "sqs_queue", "sns_topic", "kms_key", monkeypatch=monkeypatch)
    assert {report.outcome for report in collected.reports.values()} == {Outcome.COMPLETE}
    assert agent.asked == 2


def test_a_service_that_falters_is_no_dead_credential(moto: Moto, agent, monkeypatch):
    """One call has nothing to be signed with, and the request that confirms it has: that type is a timeout, and not 'not enabled'."""
    agent.answers = [SOON, SOON, SOON, SOON, (403, {"message": "not yet"}), (403, {}), (403, {}), keys(60)]
    collected = read(moto, agent, "sqs_queue", monkeypatch=monkeypatch)
    [report] = [report for scope, report in collected.reports.items() if scope.resource_type == "sqs_queue"]
    assert report.outcome is Outcome.TIMEOUT
    assert "nothing to sign the call with" in report.message


def test_a_token_file_that_is_gone_is_named(tmp_path):
    operator = AwsOperator(role_arn="arn:aws:iam::123456789012:role/r", web_identity_token_file=str(tmp_path / "gone"))
    found = credentials.base(AwsConfig(), operator, lambda *_args, **_more: None)
    with pytest.raises(CredentialRetrievalError, match=r"assume-role-with-web-identity.*No such file.*gone"):
        found.get_frozen_credentials()
