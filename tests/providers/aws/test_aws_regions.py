"""Regions that are silent, denied by the organization, not enabled, or left out on purpose."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest
from peers.aws_proxy import AwsReply
from peers.moto import Moto
from test_aws_failure import DOCUMENTED
from test_aws_reading import ACCOUNT, REGION, found, read, read_all

from providers import registry, runner
from providers.aws import client, simulation
from providers.aws.config import AwsConfig, AwsConnector, AwsOperator
from providers.errors import ConfigError, Outcome
from providers.records import Scope
from providers.schema import parse
from providers.variables import variables

DEAD = "eu-west-3"
SILENT = 120.0
"""Seconds that a connection is held, unless the test is over before."""
TYPES = ("vpc", "sqs_queue", "sns_topic", "kms_key", "dynamodb_table", "secretsmanager_secret", "ecr_repository", "log_group")


@pytest.fixture
def over() -> Iterator[threading.Event]:
    """Set when the test is over: connections that are held end then."""
    event = threading.Event()
    yield event
    event.set()


def of_region(collected, region: str):
    return {scope: report for scope, report in collected.reports.items() if scope.region == region}


def test_case_aws_4_a_silent_region_costs_its_probe_and_the_healthy_one_is_read(moto: Moto, aws_proxy, over, monkeypatch):
    monkeypatch.setattr(client, "PROBE_TIMEOUT", 1)
    moto.client("sqs", REGION).create_queue(QueueName="alive")
    with aws_proxy.broken(lambda call: over.wait(SILENT) and None if call.region == DEAD else None):
        collected = read_all(aws_proxy.url, regions=[DEAD, REGION])
    dead, healthy = of_region(collected, DEAD), of_region(collected, REGION)

    assert {report.outcome for report in dead.values()} == {Outcome.TIMEOUT}
    (sentence,) = {report.message for report in dead.values()}
    assert f"region {DEAD} does not answer" in sentence
    assert len([call for call in aws_proxy.calls if call.region == DEAD]) == 1, "the probe, once"
    assert len(healthy) > 70
    assert {scope.resource_type for scope, report in healthy.items() if report.outcome is not Outcome.COMPLETE} <= {
        "ssm_managed_instance", "bedrock_agent",
    }, "what moto does not have"  # fmt: skip
    assert len(found(collected, "sqs_queue")) == 1


def test_case_aws_4_the_probe_of_a_region_takes_ten_seconds_at_most():
    assert (client.CONNECT_TIMEOUT, client.PROBE_TIMEOUT) == (5, 10)


def test_case_aws_4_a_region_that_falls_silent_is_dead_after_three_services(moto: Moto, aws_proxy, over, monkeypatch):
    """The probe is answered, and nothing after it. A call is made twice at most, and the others are not made at all."""
    monkeypatch.setattr(client, "READ_TIMEOUT", 1)
    silent = {"vpc": "ec2", "sqs_queue": "sqs"}
    with aws_proxy.broken(lambda call: over.wait(SILENT) and None if call.region == DEAD and call.operation != "DescribeRegions" else None):
        collected = read(aws_proxy.url, *TYPES, regions=[DEAD, REGION])
    dead, healthy = of_region(collected, DEAD), of_region(collected, REGION)
    asked = [call for call in aws_proxy.calls if call.region == DEAD and call.operation != "DescribeRegions"]

    assert silent.keys() <= {scope.resource_type for scope in dead}
    assert {report.outcome for report in dead.values()} == {Outcome.TIMEOUT}
    assert {report.outcome for report in healthy.values()} == {Outcome.COMPLETE}
    assert len(asked) <= 2 * len(TYPES)


def test_case_aws_4_nothing_more_is_asked_of_a_dead_region(moto: Moto, aws_proxy):
    source = registry.get("aws").open(parse(AwsConfig, {**simulation.KEYS, "regions": [DEAD]}), operator(aws_proxy.url))
    source._sessions.health.declare_dead(DEAD)
    try:
        reads = list(source.plan())
        before = len(aws_proxy.calls)
        for one in reads:
            if one.scopes and one.scopes[0].region == DEAD:
                with pytest.raises(Exception, match=f"region {DEAD} does not answer"):
                    list(one.fetch())
    finally:
        source.close()

    assert len(aws_proxy.calls) == before


def operator(url: str):
    provider = registry.get("aws")
    return provider.operator(endpoint_url=url)


def test_regions_are_read_in_turn(moto: Moto, aws_proxy):
    source = registry.get("aws").open(parse(AwsConfig, {**simulation.KEYS, "regions": ["eu-west-1", REGION]}), operator(aws_proxy.url))
    try:
        regions = [one.scopes[0].region for one in source.plan() if one.scopes and one.scopes[0].region]
    finally:
        source.close()

    first = regions[:40]
    assert abs(first.count("eu-west-1") - first.count(REGION)) <= 4


SCP = AwsReply(403, "AccessDenied", message=DOCUMENTED["service control policy"])


def test_case_aws_8_a_region_that_the_organization_denies_is_one_line(moto: Moto, aws_proxy):
    with aws_proxy.broken(lambda call: SCP if call.region == DEAD else None):
        collected = read_all(aws_proxy.url, regions=[DEAD, REGION])
    ((scope, result),) = of_region(collected, DEAD).items()

    assert scope == Scope("aws", ACCOUNT, DEAD, "*")
    assert result.outcome is Outcome.DENIED
    assert "service control policy" in result.message
    assert "exclude_regions" in result.message
    assert "AWS_EXCLUDE_REGIONS" in result.message
    assert "this user or role does not help" in result.message
    assert result.permission == ""
    assert len([call for call in aws_proxy.calls if call.region == DEAD]) == 3, "three services were asked before it was believed"


def test_case_aws_8_a_service_that_the_organization_denies_is_told_by_itself(moto: Moto, aws_proxy):
    with aws_proxy.broken(lambda call: SCP if call.region == REGION and call.service == "ec2" else None):
        collected = read(aws_proxy.url, "vpc", "sqs_queue")
    reports = {scope.resource_type: report for scope, report in of_region(collected, REGION).items()}

    assert reports["sqs_queue"].outcome is Outcome.COMPLETE
    assert reports["vpc"].outcome is Outcome.DENIED
    assert "service control policy" in reports["vpc"].message
    assert reports["vpc"].permission == "ec2:DescribeVpcs"


@pytest.mark.parametrize("regions", [[], [REGION, DEAD]])
def test_case_aws_8_a_region_left_out_on_purpose_makes_no_run_partial(moto: Moto, aws_proxy, regions):
    enabled = [region["RegionName"] for region in moto.client("ec2").describe_regions()["Regions"]]
    left_out = [region for region in enabled if region != REGION] if not regions else [DEAD]
    with aws_proxy.broken(lambda call: SCP if call.region in left_out and call.region != "us-east-1" else None):
        collected = read(aws_proxy.url, "sqs_queue", regions=regions, exclude_regions=left_out)

    assert {scope.region for scope in collected.reports} == {REGION}
    assert {report.outcome for report in collected.reports.values()} == {Outcome.COMPLETE}


def test_case_aws_8_the_connector_leaves_regions_out_too():
    (variable,) = [one for one in variables(AwsConnector, "AWS_") if one.name == "AWS_EXCLUDE_REGIONS"]
    assert variable.type == "list"
    assert "leave out" in variable.description


NO_REGIONS = b"<DescribeRegionsResponse><regionInfo/></DescribeRegionsResponse>"
UNNAMED_STATE = (
    b"<DescribeRegionsResponse><regionInfo><item><regionName>eu-central-1</regionName></item></regionInfo></DescribeRegionsResponse>"
)


@pytest.mark.parametrize("body", [NO_REGIONS, b"<DescribeRegionsResponse/>"])
def test_no_regions_at_all_are_an_error_and_not_an_account_without_any(moto: Moto, aws_proxy, body):
    answer = AwsReply(200, "", body)
    with aws_proxy.broken(lambda call: answer if call.operation == "DescribeRegions" else None):
        everywhere = read(aws_proxy.url, "sqs_queue", regions=[])
        named = read(aws_proxy.url, "sqs_queue", regions=[REGION])
    report = everywhere.reports[Scope("aws", ACCOUNT, "", "*")]
    assert (report.outcome, "names no region" in report.message) == (Outcome.ERROR, True)
    assert {(scope.region, report.outcome) for scope, report in named.reports.items() if scope.region} == {(REGION, Outcome.COMPLETE)}


NOT_OPTED_IN = UNNAMED_STATE.replace(
    b"</item>", b"</item><item><regionName>af-south-1</regionName><optInStatus>not-opted-in</optInStatus></item>"
)


def test_a_named_region_that_is_not_opted_in_is_told_and_one_that_nobody_names_is_not(moto: Moto, aws_proxy):
    with aws_proxy.broken(lambda call: AwsReply(200, "", NOT_OPTED_IN) if call.operation == "DescribeRegions" else None):
        named = read(aws_proxy.url, "sqs_queue", regions=["af-south-1", REGION])
        everywhere = read(aws_proxy.url, "sqs_queue", regions=[])
    report = named.reports[Scope("aws", ACCOUNT, "af-south-1", "*")]
    assert (report.outcome, "is not enabled for account" in report.message) == (Outcome.ERROR, True)
    assert {scope.region for scope in everywhere.reports} == {REGION}
    assert not [call for call in aws_proxy.calls if call.region == "af-south-1"]


def test_regions_that_may_not_be_listed_are_no_account_without_regions(moto: Moto, aws_proxy):
    denied = AwsReply(403, "UnauthorizedOperation", message="You are not authorized to perform this operation.")
    with aws_proxy.broken(lambda call: denied if call.operation == "DescribeRegions" else None):
        report = read(aws_proxy.url, "sqs_queue", regions=[]).reports[Scope("aws", ACCOUNT, "", "*")]
    assert (report.outcome, report.permission) == (Outcome.DENIED, "ec2:DescribeRegions")


def test_a_region_without_a_state_is_read(moto: Moto, aws_proxy):
    with aws_proxy.broken(lambda call: AwsReply(200, "", UNNAMED_STATE) if call.operation == "DescribeRegions" else None):
        collected = read(aws_proxy.url, "sqs_queue", regions=[])
    assert collected.reports[Scope("aws", ACCOUNT, REGION, "sqs_queue")].outcome is Outcome.COMPLETE


def test_an_excluded_region_that_does_not_exist_is_refused(moto: Moto):
    with pytest.raises(ConfigError, match="`exclude_regions`: there is no region `eu-wes-3`, did you mean `eu-west-3`"):
        read(moto.url, "vpc", exclude_regions=["eu-wes-3"])


def signed_in(url: str, **config):
    source = registry.get("aws").open(parse(AwsConfig, {**simulation.KEYS, **config}), AwsOperator(endpoint_url=url))
    try:
        return runner.test(source)
    finally:
        source.close()


def test_a_test_of_the_connection_names_regions_that_do_not_exist(moto: Moto, aws_proxy):
    assert signed_in(moto.url, regions=[REGION], exclude_regions=[DEAD]).account == ACCOUNT
    with pytest.raises(ConfigError) as caught:
        signed_in(moto.url, regions=[REGION, "eu-west-9", "xy-nowhere-9"], exclude_regions=["eu-wes-3"])
    one, two, three = caught.value.complaints
    assert one.startswith("`regions`: there is no region `eu-west-9`, did you mean `eu-west-")
    assert two.startswith("`regions`: there is no region `xy-nowhere-9`; regions: af-south-1, ")
    assert three.startswith("`exclude_regions`: there is no region `eu-wes-3`, did you mean `eu-west-3`? regions: ")
    with aws_proxy.broken(lambda call: AwsReply(403, "UnauthorizedOperation") if call.operation == "DescribeRegions" else None):
        assert signed_in(aws_proxy.url, regions=["eu-west-9"]).account == ACCOUNT, "what may not be asked is no complaint"


def test_leaving_out_everything_is_refused():
    with pytest.raises(ConfigError, match="leaves out every region"):
        parse(AwsConfig, {"regions": [REGION], "exclude_regions": [REGION, DEAD]})


@pytest.mark.parametrize("code", ["AuthFailure", "UnrecognizedClientException", "InvalidClientTokenId"])
def test_a_region_that_does_not_know_our_key_is_not_enabled(moto: Moto, aws_proxy, code):
    """So AWS answers in a region that is not opted in, when the list of regions may not be read. STS knows us: it is the region."""

    def rule(call):
        if call.region == DEAD:
            return AwsReply(401, code)
        return AwsReply(403, "UnauthorizedOperation") if call.operation == "DescribeRegions" and call.region == "us-east-1" else None

    with aws_proxy.broken(rule):
        collected = read(aws_proxy.url, "sqs_queue", regions=[DEAD, REGION])
    (result,) = of_region(collected, DEAD).values()

    assert result.outcome is Outcome.ERROR, "a region that the job names is missing: the run is partial"
    assert f"region {DEAD} is not enabled for account {ACCOUNT}" in result.message
    assert {report.outcome for report in of_region(collected, REGION).values()} == {Outcome.COMPLETE}


def test_case_aws_5_rules_of_every_bus(moto: Moto, aws_proxy):
    events = moto.client("events", REGION)
    events.create_event_bus(Name="orders")
    for bus in ("default", "orders"):
        events.put_rule(Name=f"rule-of-{bus}", EventBusName=bus, EventPattern=json.dumps({"source": ["shop"]}))
    collected = read(aws_proxy.url, "event_rule", "event_bus")

    assert {rule.name for rule in found(collected, "event_rule").values()} == {"rule-of-default", "rule-of-orders"}
    assert [call.operation for call in aws_proxy.calls].count("ListEventBuses") == 1


def test_case_aws_5_certificates_of_every_kind_of_key_are_asked_for(moto: Moto, aws_proxy):
    """Without a filter, ACM lists those with RSA keys of up to 2,048 bits."""
    read(aws_proxy.url, "acm_certificate")
    (asked,) = [body for request in aws_proxy.requests if b"keyTypes" in (body := request.body)]

    assert {"EC_prime256v1", "EC_secp384r1", "RSA_4096"} <= {*json.loads(asked)["Includes"]["keyTypes"]}
