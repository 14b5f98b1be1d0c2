"""Scopes that were not read in full are told by their causes: one line for one reason, however many scopes share it."""

from __future__ import annotations

import json

import pytest

from providers.errors import Outcome
from providers.records import Scope
from worker.run.causes import NAMES_SHOWN, Cause, Causes, Unread, grant, of_lines

ACCOUNT = "111122223333"


def unread(region: str, resource_type: str, message: str, permission: str = "", outcome: str = "denied") -> Unread:
    return Unread(Scope("aws", ACCOUNT, region, resource_type), outcome, message, permission)


def test_one_sentence_for_a_region_that_does_not_answer():
    causes = Causes()
    for number in range(81):
        causes.add(unread("me-south-1", f"aws_type_{number}", "region me-south-1 does not answer", outcome="timeout"))

    (cause,) = causes.all()

    assert cause.scopes == 81
    assert cause.places == [f"{ACCOUNT} me-south-1"]
    types = ", ".join(f"aws_type_{number}" for number in range(NAMES_SHOWN))
    assert cause.sentence() == (
        f"81 scopes ({types} and {81 - NAMES_SHOWN} more types in {ACCOUNT} me-south-1): region me-south-1 does not answer"
    )


def test_one_permission_that_is_missing_everywhere_is_one_cause():
    causes = Causes()
    for region in ("eu-west-1", "us-east-1", "us-west-2"):
        causes.add(unread(region, "ec2_vpc", f"ec2:DescribeVpcs is missing in {region} of account {ACCOUNT}", "ec2:DescribeVpcs"))
    causes.add(
        unread("eu-west-1", "ec2_subnet", f"ec2:DescribeSubnets is missing in eu-west-1 of account {ACCOUNT}", "ec2:DescribeSubnets")
    )

    vpcs, subnets = causes.all()

    assert (vpcs.scopes, vpcs.permission, len(vpcs.places)) == (3, "ec2:DescribeVpcs", 3)
    assert vpcs.message == f"ec2:DescribeVpcs is missing in eu-west-1 of account {ACCOUNT}", "the words of the first"
    assert subnets.sentence() == f"ec2_subnet {ACCOUNT} eu-west-1: ec2:DescribeSubnets is missing in eu-west-1 of account {ACCOUNT}"


def test_other_reasons_stay_apart():
    causes = Causes()
    causes.add(unread("eu-west-1", "ec2_vpc", "the time-out of 60 s is over", outcome="timeout"))
    causes.add(unread("eu-west-1", "ec2_subnet", "the time-out of 60 s is over", outcome="error"))
    causes.add(unread("eu-west-1", "ec2_route_table", "the answer is not XML", outcome="error"))

    assert [cause.scopes for cause in causes.all()] == [1, 1, 1]


def test_complete_scopes_of_a_ledger_have_no_cause():
    line = {"provider": "aws", "account": ACCOUNT, "region": "", "resource_type": "iam_user", "coverage": "", "permission": ""}
    lines = [{**line, "outcome": Outcome.COMPLETE, "message": "told as well"}, {**line, "outcome": Outcome.SKIPPED, "message": "closed"}]

    (cause,) = of_lines(lines)

    assert (cause.outcome, cause.places) == ("skipped", [ACCOUNT])


def missing(permission: str, outcome: str = "denied") -> Cause:
    return Cause(outcome, f"the permission {permission} is missing in eu-west-1: allow it to this user or role", permission)


def test_the_permissions_that_are_missing_are_granted_by_one_text():
    causes = [missing("ec2:DescribeVpcs"), missing("ec2:DescribeSubnets"), missing("ec2:DescribeVpcs")]

    found = grant("aws", causes)

    assert json.loads(found.text)["Statement"][0]["Action"] == ["ec2:DescribeSubnets", "ec2:DescribeVpcs"]


@pytest.mark.parametrize(
    ("provider", "cause"),
    [
        ("aws", missing("*")),
        ("aws", missing("iam:CreateUser")),
        ("aws", missing("")),
        ("aws", missing("ec2:DescribeVpcs", "timeout")),
        ("aws", Cause("denied", "a service control policy of the organization denies ec2:DescribeVpcs", "ec2:DescribeVpcs")),
        ("weather", missing("ec2:DescribeVpcs")),
    ],
    ids=["every permission", "one that reading does not take", "none", "another outcome", "forbidden by a policy", "unknown provider"],
)
def test_nothing_is_granted_that_a_source_makes_up_or_that_helps_nobody(provider, cause):
    assert grant(provider, [cause]) is None
