"""AWS STS that does not answer when the session of a role is renewed within a run, or answers as something else: one sentence, of STS."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
from botocore import exceptions as aws
from botocore.credentials import DeferredRefreshableCredentials
from botocore.parsers import ResponseParserError
from peers.aws_proxy import AwsReply
from peers.moto import Moto
from test_aws_credential import ROLE, asked, session
from test_aws_reading import read

from providers.aws.credentials import Renewed
from providers.aws.failure import translate
from providers.aws.sdk_faults import NotAnswered
from providers.errors import CredentialsError, NoCredentialsYet
from providers.http.credential import TRIES

URL = "https://sts.us-east-1.amazonaws.com"
UNANSWERED = {
    "connect": (aws.ConnectTimeoutError(endpoint_url=URL), "no connection to AWS for sts:AssumeRole.* in time"),
    "read": (aws.ReadTimeoutError(endpoint_url=URL), "took the connection for sts:AssumeRole.* and did not answer in time"),
    "unreachable": (aws.EndpointConnectionError(endpoint_url=URL), "cannot be reached for sts:AssumeRole"),
    "proxy": (aws.ProxyConnectionError(proxy_url="http://proxy"), "the proxy did not let sts:AssumeRole.* through"),
    "cut": (aws.ConnectionClosedError(endpoint_url=URL), "cut the connection in its answer to sts:AssumeRole"),
    "certificate": (aws.SSLError(endpoint_url=URL, error="x"), "set AWS_CA_BUNDLE"),
    "page": (ResponseParserError("not XML"), "the answer to sts:AssumeRole.* is not what AWS sends"),
    "503": (
        aws.ClientError(
            {"Error": {"Code": "ServiceUnavailable"}, "ResponseMetadata": {"HTTPStatusCode": 503, "RequestId": "1"}}, "AssumeRole"
        ),
        r"AWS answered sts:AssumeRole\w* with the error ServiceUnavailable",
    ),
    "throttled": (
        aws.ClientError({"Error": {"Code": "Throttling"}, "ResponseMetadata": {"HTTPStatusCode": 400, "RequestId": "1"}}, "AssumeRole"),
        r"AWS throttled sts:AssumeRole\w* at every try",
    ),
    "503 of a proxy": (
        aws.ClientError({"Error": {"Code": "503"}, "ResponseMetadata": {"HTTPStatusCode": 503}}, "AssumeRole"),
        r"sts:AssumeRole\w* was answered 503 by something that is not AWS",
    ),
}
"""Failures of a renewal that say nothing about the role, each with what is said of it."""


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr("providers.http.retry.wait", lambda _seconds: None)
    monkeypatch.setattr("providers.aws.credentials.SPARE", 3600)  # as in the last minute of each session


def renewed(fetch, method: str) -> Renewed:
    return Renewed(DeferredRefreshableCredentials(fetch, method))


@pytest.mark.parametrize("fault", UNANSWERED)
@pytest.mark.parametrize("method", ["assume-role", "assume-role-with-web-identity"])
def test_a_renewal_without_an_answer_is_the_trouble_of_the_credentials(method, fault):
    error, told = UNANSWERED[fault]

    def fetch():
        raise error

    with pytest.raises(NotAnswered) as caught:
        renewed(fetch, method).get_frozen_credentials()
    ours = translate(caught.value, "ec2:DescribeVpcs", "us-east-1 of account 1")
    assert type(ours) is NoCredentialsYet
    assert ours.error_kind == "source", "the next run may have better luck"
    with pytest.raises(CredentialsError, match=f"has no new AWS credentials, as AWS STS does not give them: .*{told}"):
        raise ours
    assert "DescribeVpcs" not in str(ours)
    assert ("WithWebIdentity" in str(ours)) is (method != "assume-role" and "sts:" in str(ours))


def test_a_refused_renewal_stays_what_aws_says():
    refusal = aws.ClientError({"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": 403}}, "AssumeRole")

    def fetch():
        raise refusal

    with pytest.raises(aws.ClientError) as caught:
        renewed(fetch, "assume-role").get_frozen_credentials()
    assert caught.value is refusal


def test_threads_that_wait_for_a_renewal_share_its_failure_and_the_next_call_asks_anew():
    """A silent STS takes a time-out of each request: it is asked once for all that wait, and not by one after the other."""
    threads, count, failures = 8, 0, []
    all_wait = threading.Event()

    def fetch():
        nonlocal count
        count += 1
        assert all_wait.wait(60)
        raise aws.ReadTimeoutError(endpoint_url=URL)

    keys = renewed(fetch, "assume-role")
    keys._lock = _Counting(threads, all_wait)

    def call():
        try:
            keys.get_frozen_credentials()
        except NotAnswered as error:
            failures.append(error)

    started = [threading.Thread(target=call) for _ in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join(60)
    assert (count, len(failures), len({id(error) for error in failures})) == (1, threads, threads)
    with pytest.raises(NotAnswered):
        keys.get_frozen_credentials()
    assert count == 2


class _Counting:
    """A lock that says when so many threads have come to it."""

    def __init__(self, most: int, event: threading.Event) -> None:
        self._lock, self._guard, self._left, self._event = threading.Lock(), threading.Lock(), most, event

    def __enter__(self) -> None:
        with self._guard:
            self._left -= 1
            if self._left <= 0:
                self._event.set()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_keys_that_are_good_for_minutes_go_on_while_the_service_does_not_answer(monkeypatch):
    """Each call would have to wait for new ones by then, and a silent service costs each a time-out: it is asked again later."""
    monkeypatch.setattr("providers.aws.credentials.SPARE", 60)
    until = (dt.datetime.now(dt.UTC) + dt.timedelta(minutes=9)).isoformat()
    fetched = []

    def fetch():
        fetched.append(1)
        if len(fetched) == 1:
            return {"access_key": "ASIA", "secret_key": "secret", "token": "token", "expiry_time": until}
        raise aws.ReadTimeoutError(endpoint_url=URL)

    keys = renewed(fetch, "assume-role")
    assert [keys.get_frozen_credentials().access_key for _ in range(4)] == ["ASIA"] * 4
    assert len(fetched) == 2, "once while they are good"
    monkeypatch.setattr("providers.aws.credentials.LATER", 0)
    keys._not_before = 0
    assert [keys.get_frozen_credentials().access_key for _ in range(2)] == ["ASIA"] * 2
    assert len(fetched) == 4, "and again when the pause is over"
    monkeypatch.setattr("providers.aws.credentials.SPARE", 3600)
    with pytest.raises(NotAnswered):
        keys.get_frozen_credentials()


def test_keys_that_aws_refuses_to_renew_are_given_up_at_once(monkeypatch):
    monkeypatch.setattr("providers.aws.credentials.SPARE", 60)
    until = (dt.datetime.now(dt.UTC) + dt.timedelta(minutes=9)).isoformat()
    answers = iter([{"access_key": "ASIA", "secret_key": "secret", "token": "token", "expiry_time": until}])

    def fetch():
        for found in answers:
            return found
        raise aws.ClientError({"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": 403}}, "AssumeRole")

    keys = renewed(fetch, "assume-role")
    assert keys.get_frozen_credentials().access_key == "ASIA"
    with pytest.raises(aws.ClientError):
        keys.get_frozen_credentials()


def test_keys_that_last_are_not_waited_for():
    """Within the time in which botocore renews early, the old keys go on when STS does not answer."""
    until = (dt.datetime.now(dt.UTC) + dt.timedelta(minutes=12)).isoformat()
    answers = iter([{"access_key": "ASIA", "secret_key": "secret", "token": "token", "expiry_time": until}])

    def fetch():
        for found in answers:
            return found
        raise aws.ReadTimeoutError(endpoint_url=URL)

    keys = renewed(fetch, "assume-role")
    assert keys.get_frozen_credentials().access_key == "ASIA"
    assert keys.get_frozen_credentials().access_key == "ASIA"


def test_a_page_in_the_place_of_a_renewed_session_ends_the_run_with_one_sentence(moto: Moto, aws_proxy):
    answers = iter((session(5, "ASIAFIRST00000000000"),))
    page = AwsReply(200, "", b"<html><body>Sign in to the network</body></html>")
    with (
        aws_proxy.broken(lambda call: next(answers, page) if call.operation == "AssumeRole" else None),
        pytest.raises(CredentialsError, match=r"AWS STS does not give them: .*sts:AssumeRole.*is something in between") as caught,
    ):
        read(aws_proxy.url, "sqs_queue", "sns_topic", "kms_key", role_arn=ROLE)
    assert caught.value.error_kind == "source"
    assert asked(aws_proxy, "AssumeRole") <= 1 + len(("regions", "queues", "topics", "keys")) + TRIES, "no type asks twice"
