"""Regions that fall silent, and credentials that are refused: what is counted, and that nothing more is asked."""

from __future__ import annotations

import pytest
from botocore import exceptions
from botocore.credentials import Credentials

from providers import registry
from providers.aws import simulation
from providers.aws.account import Account
from providers.aws.client import Sessions
from providers.aws.config import AwsConfig, AwsOperator
from providers.aws.health import DEAD_AFTER, RegionHealth
from providers.aws.source import AwsSource
from providers.aws.target import Calls, Target
from providers.errors import CredentialsError, TimedOut
from providers.schema import parse

REGION = "eu-west-3"
SILENCE = exceptions.ReadTimeoutError(endpoint_url="https://x")
SERVICES = ("ec2", "sqs", "sns", "kms")


def silent(health: RegionHealth, *services: str, region: str = REGION) -> None:
    """One attempt of a call of each service that gets no answer."""
    for service in services:
        health._received(None, SILENCE, {"client_region": region}, f"response-received.{service}.List")


def answered(health: RegionHealth, region: str = REGION) -> None:
    health._received({}, None, {"client_region": region}, "response-received.s3.List")


def test_a_region_is_dead_once_three_of_its_services_are_silent_and_not_before():
    health = RegionHealth()
    silent(health, *SERVICES[: DEAD_AFTER - 1])
    silent(health, *SERVICES[: DEAD_AFTER - 1])
    assert not health.is_dead(REGION), "the same services again"
    health.ensure_alive(REGION)
    silent(health, SERVICES[DEAD_AFTER - 1])
    with pytest.raises(TimedOut, match=f"region {REGION} does not answer"):
        health.ensure_alive(REGION)
    health.ensure_alive("eu-west-1")


def test_a_region_that_has_answered_meanwhile_is_not_silent():
    health = RegionHealth()
    for service in SERVICES:
        silent(health, service)
        answered(health)
    assert not health.is_dead(REGION)
    silent(health, *SERVICES[: DEAD_AFTER - 1])
    answered(health, "eu-west-1")
    silent(health, SERVICES[DEAD_AFTER - 1])
    assert health.is_dead(REGION), "another region's answer says nothing of this one"


def test_a_service_that_may_not_be_offered_there_makes_no_region_silent():
    health = RegionHealth()
    for service in SERVICES:
        health.spare(service, REGION)
    silent(health, *SERVICES)
    assert not health.is_dead(REGION)


def test_what_is_an_error_and_no_silence_counts_for_nothing():
    health = RegionHealth()
    for service in SERVICES:
        health._received(
            None, exceptions.SSLError(endpoint_url="https://x", error="x"), {"client_region": REGION}, f"response-received.{service}.List"
        )
    assert not health.is_dead(REGION)


@pytest.mark.parametrize("refused", [False, True], ids=["a dead region", "a refused key"])
def test_no_further_page_of_a_list_is_asked_for(monkeypatch, refused):
    sessions = Sessions(AwsOperator(), "us-east-1", 4)
    account = Account(sessions, "123456789012", "aws", Credentials("A", "S"))
    client, asked = account.client("sqs", REGION), []

    def list_queues(**arguments):
        asked.append(arguments)
        if refused:
            account._verdict.refuse(CredentialsError("gone"))
        else:
            sessions.health.declare_dead(REGION)
        return {"QueueUrls": [f"u{len(asked)}"], "NextToken": "more", "ResponseMetadata": {}}

    monkeypatch.setattr(client, "list_queues", list_queues)
    with pytest.raises(CredentialsError if refused else TimedOut):
        list(Calls(sessions, Target(account, REGION, REGION), "sqs", None).pages("ListQueues", {}))
    account.close()
    assert len(asked) == 1


def test_nothing_more_is_planned_once_the_key_is_refused(moto):
    source = registry.get("aws").open(parse(AwsConfig, {**simulation.KEYS, "regions": [REGION]}), AwsOperator(endpoint_url=moto.url))
    assert isinstance(source, AwsSource)
    try:
        source.check()
        plan = iter(source.plan())
        assert next(plan).scopes
        source._own._verdict.refuse(CredentialsError("gone"))
        assert list(plan) == []
    finally:
        source.close()
