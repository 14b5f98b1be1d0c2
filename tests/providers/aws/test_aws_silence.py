"""A region that answers its probe and falls silent then: found by probing it again, not by the time-outs of its calls."""

from __future__ import annotations

import socket
import threading
import types
from collections.abc import Iterator

import pytest
from botocore.credentials import Credentials
from peers import http_proxy
from peers.moto import Moto
from test_aws_reading import REGION, read
from waiting import until

from providers.aws import client, silence
from providers.aws.account import Account
from providers.aws.client import Sessions
from providers.aws.config import AwsOperator
from providers.aws.silence import SilenceWatch
from providers.errors import Outcome, TimedOut

DEAD = "eu-west-3"
CAP = 60.0
TYPES = ("vpc", "sqs_queue", "sns_topic", "kms_key", "dynamodb_table", "secretsmanager_secret")


@pytest.fixture
def over() -> Iterator[threading.Event]:
    """Set when the test is over: connections that are held end then."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def _impatient(monkeypatch):
    """Half a second of waiting. The time-outs of calls are longer than the test holds what it holds."""
    monkeypatch.setattr(client, "READ_TIMEOUT", 10 * CAP)
    monkeypatch.setattr(silence.SilenceWatch.__init__, "__defaults__", (0.5,))


def threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name == "silence" or one.name.startswith(("probe of", "detail"))]


@pytest.mark.usefixtures("_impatient")
def test_the_calls_that_wait_in_a_region_that_fell_silent_are_cut_off_and_the_healthy_one_is_read(moto: Moto, aws_proxy, over, monkeypatch):
    monkeypatch.setattr(client, "PROBE_TIMEOUT", 4)
    probes = []

    def fault(call):
        if call.region == DEAD and call.operation == "DescribeRegions":
            probes.append(call)
        if call.region == DEAD and (call.operation != "DescribeRegions" or len(probes) > 1):
            over.wait(2 * CAP)

    with aws_proxy.broken(fault):
        collected = read(aws_proxy.url, *TYPES, regions=[DEAD, REGION])
    dead = {scope: report for scope, report in collected.reports.items() if scope.region == DEAD}
    healthy = [report.outcome for scope, report in collected.reports.items() if scope.region == REGION]

    assert {scope.resource_type for scope in dead} >= set(TYPES)
    assert {report.outcome for report in dead.values()} == {Outcome.TIMEOUT}
    (sentence,) = {report.message for report in dead.values()}
    assert f"region {DEAD} does not answer" in sentence
    assert set(healthy) == {Outcome.COMPLETE}
    assert len(probes) == 2
    asked = [call for call in aws_proxy.calls if call.region == DEAD and call.operation != "DescribeRegions"]
    assert len(asked) <= len(TYPES), "none is made again"
    assert threads() == []


@pytest.mark.usefixtures("_impatient")
def test_a_region_that_is_slow_is_waited_for_as_long_as_its_probe_answers(moto: Moto, aws_proxy):
    """One list takes several times as long as that; nothing of it is lost."""
    moto.client("sqs", DEAD).create_queue(QueueName="slow")
    probes, asked_again = [], threading.Event()

    def fault(call):
        if call.region == DEAD and call.operation == "DescribeRegions":
            probes.append(call)
            if len(probes) > 3:
                asked_again.set()
        elif call.region == DEAD:
            asked_again.wait(CAP)

    with aws_proxy.broken(fault):
        collected = read(aws_proxy.url, "sqs_queue", regions=[DEAD])
    assert {report.outcome for report in collected.reports.values()} == {Outcome.COMPLETE}
    assert [one.name for found in collected.found.values() for one in found if one.sub_type == "sqs_queue"] == ["slow"]
    assert len(probes) > 3
    assert threads() == []


def watched(answers: bool) -> tuple[SilenceWatch, set[str], threading.Event]:
    """A watch over one region, those that are dead, and an event that is set by each probe."""
    dead: set[str] = set()
    probed = threading.Event()

    def probe() -> bool:
        probed.set()
        return answers

    watch = SilenceWatch(dead.add, dead.__contains__, 0.1)
    watch.expect(DEAD, probe)
    return watch, dead, probed


def test_a_call_that_waits_is_cut_off_once_the_probe_gets_no_answer():
    watch, dead, _ = watched(answers=False)
    ours, theirs = socket.socketpair()
    with ours, theirs, watch.waiting(DEAD) as attempt:
        attempt.connection = type("Connection", (), {"sock": ours})()
        ours.settimeout(CAP)
        assert ours.recv(1) == b"", "the other side has sent nothing and closed nothing"
    assert dead == {DEAD}
    with pytest.raises(TimedOut, match=f"region {DEAD} does not answer"), watch.waiting(DEAD):
        pass
    watch.close()


def test_a_call_over_tls_is_cut_off_while_it_waits_for_its_answer(authority):
    """A client of botocore against a server that takes the request and says nothing; the call ends with the region's one sentence."""
    asked, over = threading.Event(), threading.Event()

    def silent(_request):
        asked.set()
        over.wait(2 * CAP)

    proxy = http_proxy.Proxy("http://127.0.0.1:1", tls=authority.server_context())
    sessions = Sessions(AwsOperator(endpoint_url=proxy.url, ca_bundle=str(authority.ca)), REGION, 1)
    account = Account(sessions, "123456789012", "aws", Credentials("A", "S"))
    watch = sessions.health.silence
    watch._silent_after = 0.5
    watch.expect(REGION, lambda: not asked.is_set())
    try:
        with proxy.broken(silent), pytest.raises(TimedOut, match=f"region {REGION} does not answer"):
            account.client("sqs", REGION).list_queues()
        assert asked.is_set()
    finally:
        over.set()
        watch.close()
        account.close()
        proxy.close()


def test_a_region_is_probed_when_a_call_waits_and_nothing_has_been_answered_for_a_while(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(silence, "time", types.SimpleNamespace(monotonic=lambda: now[0]))
    watch = SilenceWatch(set().add, set().__contains__)
    watch._probes = dict.fromkeys((DEAD, REGION), lambda: True)
    now[0] += 100
    assert watch._silent() == [], "nothing waits"
    with watch.waiting(DEAD):
        assert watch._silent() == [], "not for long"
        now[0] += silence.SILENT_AFTER + 1
        assert watch._silent() == [DEAD]
        watch.answered(DEAD)
        assert watch._silent() == [], "another call was answered"
        now[0] += silence.SILENT_AFTER + 1
        assert watch._silent() == [DEAD]
    assert watch._silent() == [], "the call has ended"
    with watch.waiting("a region that is not read"):
        now[0] += 100
        assert watch._silent() == []


def test_an_attempt_that_has_no_connection_yet_is_no_error():
    watch, dead, _ = watched(answers=False)
    with watch.waiting(DEAD):
        until(lambda: dead, "the region was not found dead", CAP)
    watch.close()
