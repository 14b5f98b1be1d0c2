"""Optional types: what is not switched on is told from what is refused, and what no region is known to offer is asked for once."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import EndpointConnectionError
from peers.aws_proxy import AwsReply
from peers.moto import Moto
from test_aws_reading import ACCOUNT, REGION, found, read, report

from providers.aws import catalogue
from providers.aws.client import Sessions
from providers.aws.config import AwsConfig, AwsOperator
from providers.aws.health import RegionHealth
from providers.errors import ConfigError, Outcome, TimedOut
from providers.records import Link
from providers.schema import parse

HUB = AwsReply(401, "InvalidAccessException", message=f"Account {ACCOUNT} is not subscribed to AWS Security Hub")
MACIE = AwsReply(403, "AccessDeniedException", message="Macie is not enabled")
REFUSED = AwsReply(403, "AccessDeniedException", message="User: arn:aws:iam::1:user/x is not authorized to perform this")
ELSEWHERE = AwsReply(401, "InvalidAccessException", message="Account 1 is not an administrator for this organization")


@pytest.mark.parametrize(
    ("sub_type", "service", "answer", "outcome"),
    [
        ("security_hub", "securityhub", HUB, Outcome.COMPLETE),
        ("security_hub", "securityhub", REFUSED, Outcome.DENIED),
        ("security_hub", "securityhub", ELSEWHERE, Outcome.ERROR),
        ("macie_session", "macie2", MACIE, Outcome.COMPLETE),
        ("macie_session", "macie2", REFUSED, Outcome.DENIED),
    ],
)
def test_a_service_that_is_not_switched_on_is_not_refused_and_a_refusal_is_not_nothing(aws_proxy, sub_type, service, answer, outcome):
    with aws_proxy.broken(lambda call: answer if call.service == service else None):
        collected = read(aws_proxy.url, sub_type, optional_types=[sub_type])

    assert report(collected, sub_type).outcome is outcome
    assert found(collected, sub_type) == {}


def test_the_state_of_what_watches_an_account(moto: Moto):
    moto.client("securityhub", REGION).enable_security_hub()
    moto.client("macie2", REGION).enable_macie()
    detector = moto.client("guardduty", REGION).create_detector(Enable=True, Tags={"team": "x"})["DetectorId"]
    config = moto.client("config", REGION)
    config.put_configuration_recorder(ConfigurationRecorder={"name": "default", "roleARN": f"arn:aws:iam::{ACCOUNT}:role/config"})
    types = ("security_hub", "macie_session", "guardduty_detector", "config_recorder", "inspector_account")
    collected = read(moto.url, *types, optional_types=types)

    here = f"{REGION}:{ACCOUNT}"
    assert f"arn:aws:securityhub:{here}:hub/default" in found(collected, "security_hub")
    session = found(collected, "macie_session")[f"arn:aws:macie2:{here}:session"]
    assert (session.attributes["status"], "ResponseMetadata" in session.attributes) == ("ENABLED", False)
    watching = found(collected, "guardduty_detector")[f"arn:aws:guardduty:{here}:detector/{detector}"]
    assert (watching.attributes["Status"], watching.tags) == ("ENABLED", {"team": "x"})
    recorder = found(collected, "config_recorder")[f"arn:aws:config:{here}:configuration-recorder/default"]
    assert recorder.attributes["recording"] is False
    assert recorder.links == (Link("has_role", f"arn:aws:iam::{ACCOUNT}:role/config"),)
    assert {report(collected, one).outcome for one in types} == {Outcome.COMPLETE}


def test_a_project_names_its_variables_and_keeps_their_values(moto: Moto):
    variables = [{"name": "TOKEN", "value": "hunter2", "type": "PLAINTEXT"}]
    moto.client("codebuild", REGION).create_project(
        name="shop", source={"type": "S3", "location": "code/shop.zip"}, artifacts={"type": "NO_ARTIFACTS"},
        environment={"type": "LINUX_CONTAINER", "image": "x", "computeType": "BUILD_GENERAL1_SMALL", "environmentVariables": variables},
        serviceRole=f"arn:aws:iam::{ACCOUNT}:role/service-role/build",
    )  # fmt: skip
    (project,) = found(read(moto.url, "codebuild_project", optional_types=["codebuild_project"]), "codebuild_project").values()

    assert project.attributes["environment"]["environmentVariables"] == ["TOKEN"]
    assert "hunter2" not in json.dumps(project.attributes)
    assert Link("has_role", f"arn:aws:iam::{ACCOUNT}:role/service-role/build") in project.links


def test_a_star_reads_every_optional_type_and_without_it_none_is_read():
    optional = {kind.sub_type for kind in catalogue.KINDS if kind.optional}

    def reads(**config) -> set[str]:
        return {kind.sub_type for kind in catalogue.KINDS if parse(AwsConfig, config).reads(kind)}

    assert reads(optional_types=["*"]) == {kind.sub_type for kind in catalogue.KINDS}
    assert reads() == {kind.sub_type for kind in catalogue.KINDS} - optional
    assert len(optional) > 30
    with pytest.raises(ConfigError, match=r"`ecr_imag` is not one of .*guardduty_detector.*, nor `\*` for all of them"):
        parse(AwsConfig, {"optional_types": ["ecr_imag"]})


def test_no_service_of_the_usual_types_is_new():
    """Each service costs a client and its model in every region: one more is optional, or somebody has measured what it costs."""
    assert len({kind.service for kind in catalogue.KINDS if not kind.optional}) == 50


class Events:
    """The part of botocore's events that the health of regions listens to."""

    def __init__(self) -> None:
        self.handlers: dict[str, object] = {}
        self.register = self.register_first = self.handlers.__setitem__


def silent(health: RegionHealth, events: Events, service: str, attempts: int) -> None:
    """An attempt of a call that gets no answer."""
    error, context = EndpointConnectionError(endpoint_url="https://x"), {"client_region": REGION}
    events.handlers["response-received"](None, error, context, event_name=f"response-received.{service}.List")
    events.handlers["needs-retry"](error, attempts, {"context": context}, event_name=f"needs-retry.{service}.List")


def test_services_that_nobody_knows_in_a_region_do_not_make_it_dead_and_are_asked_once():
    health, events = RegionHealth(), Events()
    health.watch(events)
    for service in ("macie2", "dax", "apprunner", "memorydb"):
        health.spare(service, REGION)
        with pytest.raises(EndpointConnectionError):
            silent(health, events, service, 1)
    assert not health.is_dead(REGION)
    for service in ("ec2", "sqs"):
        silent(health, events, service, 1)
    with pytest.raises(TimedOut, match=REGION):
        silent(health, events, "sns", 1)


def test_a_client_for_a_service_that_its_region_does_not_offer_is_spared():
    sessions = Sessions(AwsOperator(), "us-east-1", 1)
    session = sessions.session(None)
    for service, region in (("macie2", "me-central-1"), ("macie2", "us-east-1")):
        sessions.client(session, service, region).close()

    assert sessions.health._spared == {("me-central-1", "macie2")}
