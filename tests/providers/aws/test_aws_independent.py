"""Two readings of one varied account that share no code find the same resources, types, tags and links."""

from __future__ import annotations

import collections
import json
import os

import boto3
import independent_aws
import independent_parts
import pytest
import varied_aws
from imported import imports
from independent_aws import Found, differences
from independent_parts import Whole

from providers import registry
from providers.aws import simulation
from providers.aws.health import RegionHealth
from providers.collected import Collected
from providers.errors import Outcome
from providers.runner import run
from providers.schema import parse
from providers.testing import operator_of

REGION = "eu-west-1"
SEED = int(os.environ.get("VARIED_SEED", "5"))
ORGANIZATION = {
    "organization",
    "organization_root",
    "organizational_unit",
    "aws_account",
    "organization_policy",
    "identity_center_instance",
}
"""Types that another test reads: they are the organization's and not the account's."""

NOT_IN_MOTO = {
    "ecr_repository": ("ecr:repository", 3),
    "event_rule": ("events:rule", 2),
    "log_group": ("logs:log-group", 5),
    "route53_zone": ("route53:hostedzone", 1),
}
"""Types whose tags moto does not show by the Resource Groups Tagging API, by which we read them: what it is asked for, and how many there are."""


@pytest.fixture
def client(moto):
    keys = {"aws_access_key_id": simulation.KEYS["access_key_id"], "aws_secret_access_key": simulation.KEYS["secret_access_key"]}
    made = {}

    def of(service: str):
        return made.setdefault(service, boto3.client(service, region_name=REGION, endpoint_url=moto.url, **keys))

    simulation.seed(moto.url, regions=(REGION,), instances=8)
    varied_aws.fill(of, SEED)
    yield of
    for one in made.values():
        one.close()


def ours(url: str) -> dict[str, Found]:
    provider, collected = registry.get("aws"), Collected()
    source = provider.open(
        parse(provider.config, {**simulation.KEYS, "regions": [REGION]}), operator_of(provider, {"AWS_ENDPOINT_URL": url})
    )
    run(source, collected)
    source.close()
    assert {report.outcome for report in collected.reports.values()} == {Outcome.COMPLETE}
    return {
        one.external_id: Found(one.sub_type, one.tags, {(link.type, link.target) for link in one.links})
        for _, one in collected.all()
        if one.sub_type not in ORGANIZATION
    }


def test_a_reader_that_shares_no_code_finds_the_same(client, moto):
    theirs = Whole(client, REGION).read()
    found = ours(moto.url)

    for kind, (service, count) in NOT_IN_MOTO.items():
        assert not client("resourcegroupstaggingapi").get_resources(ResourceTypeFilters=[service])["ResourceTagMappingList"]
        theirs |= {arn: one._replace(tags={}) for arn, one in theirs.items() if one.type == kind}
        assert sum(one.type == kind for one in theirs.values()) >= count
    apart = differences(found, theirs)
    assert not apart, "\n".join(apart)
    assert len(found) > 150
    assert len({one.type for one in found.values()}) > 35


def test_no_call_of_a_reading_is_made_twice_and_there_are_fewer_than_of_the_other_reader(client, moto, monkeypatch):
    """The other reader makes the calls that a person would make by hand, and reads fewer types: 265 calls, ours are 254."""
    ours_made, theirs_made, watch = collections.Counter(), [], RegionHealth.watch

    def watched(health, events):
        watch(health, events)
        events.register("before-parameter-build", lambda params, model, context, **_: ours_made.update([_asked(params, model, context)]))

    def of(service: str):
        made = client(service)
        events = made.meta.events
        events.register("before-parameter-build", lambda model, **_: theirs_made.append(model.name), unique_id="counted")
        return made

    Whole(of, REGION).read()
    monkeypatch.setattr(RegionHealth, "watch", watched)
    ours(moto.url)
    assert {call: times for call, times in ours_made.items() if times > 1} == {}
    assert 100 < ours_made.total() < len(theirs_made)


def _asked(params, model, context) -> tuple[str, str, str, str]:
    """A call: service, region, operation and what it is asked with."""
    asked = json.dumps(params, sort_keys=True, default=str)
    return model.service_model.service_name, context["client_region"], model.name, asked


def test_the_other_reader_shares_no_code():
    assert imports(independent_aws) == {"__future__", "collections", "collections.abc", "typing"}
    assert imports(independent_parts) == {"__future__", "independent_aws"}
