"""AWS types of parts and companions of other things: targets of groups, rules, mappings, the account's own settings."""

from __future__ import annotations

import json

from aws_description import CONTEXT
from peers.aws_proxy import AwsReply
from peers.moto import Moto
from test_aws_reading import ACCOUNT, REGION, found, read, report

from providers.aws import catalogue
from providers.aws.shape import AwsShape
from providers.errors import Outcome
from providers.records import Link, Resource


def made(sub_type: str, **item: object) -> Resource:
    (kind,) = (kind for kind in catalogue.KINDS if kind.sub_type == sub_type)
    context = {**dict.fromkeys(CONTEXT, "here"), "partition": "aws", "region": REGION, "account": ACCOUNT}
    return AwsShape().resource(kind, item, context)


def targets(kind: str, *ids: str, state: str = "healthy") -> Resource:
    health = [{"Target": {"Id": one, "Port": 80}, "TargetHealth": {"State": state}} for one in ids]
    return made("target_group", TargetGroupArn="arn:aws:elasticloadbalancing:x", TargetType=kind, Targets=health)


def test_addresses_are_targets_without_a_link():
    group = targets("ip", "10.0.0.1", "10.0.0.2")

    assert group.links == ()
    assert [one["Target"]["Id"] for one in group.attributes["Targets"]] == ["10.0.0.1", "10.0.0.2"]


def test_health_that_comes_and_goes_and_the_order_of_targets_are_no_change():
    assert targets("ip", "10.0.0.1", "10.0.0.2") == targets("ip", "10.0.0.2", "10.0.0.1", state="unhealthy")


def test_a_group_whose_targets_are_denied_is_not_said_to_have_none(moto: Moto, aws_proxy):
    elbv2 = moto.client("elbv2", REGION)
    vpc = moto.client("ec2", REGION).describe_vpcs()["Vpcs"][0]["VpcId"]
    elbv2.create_target_group(Name="web", Protocol="HTTP", Port=80, VpcId=vpc)
    with aws_proxy.broken(lambda call: AwsReply(403, "AccessDenied") if call.operation == "DescribeTargetHealth" else None):
        collected = read(aws_proxy.url, "target_group")
    (group,) = found(collected, "target_group").values()

    assert group.attributes["Unreadable"] == ["Targets"]
    assert report(collected, "target_group").permission == "elasticloadbalancing:DescribeTargetHealth"


def test_a_composite_alarm_is_no_metric_alarm_and_its_state_is_no_change():
    arn = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:both"
    alarm = made("composite_alarm", AlarmArn=arn, AlarmName="both", StateValue="OK", AlarmRule="ALARM(a)", ActionsSuppressor="calm")

    assert "StateValue" not in alarm.attributes
    assert alarm.links == (Link("follows", f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:calm"),)


def test_a_connection_keeps_its_properties_to_itself():
    connection = made(
        "glue_connection", Name="shop", ConnectionProperties={"USERNAME": "shop", "PASSWORD": "hunter2", "URL": "x://hunter2@db"}
    )

    assert "hunter2" not in json.dumps(connection.attributes)
    assert sorted(connection.attributes["ConnectionProperties"]) == ["PASSWORD", "URL", "USERNAME"]


def test_the_account_says_whether_its_root_user_has_a_second_factor_and_how_passwords_must_be(moto: Moto):
    def account() -> Resource:
        collected = read(moto.url, "iam_account")
        assert report(collected, "iam_account", "").outcome is Outcome.COMPLETE
        return found(collected, "iam_account")[f"arn:aws:iam::{ACCOUNT}:root"]

    before = account()
    moto.client("iam").create_user(UserName="ann")
    assert account() == before, "how many users there are is not a change of the account"
    assert "PasswordPolicy" not in before.attributes
    assert before.attributes["AccountMFAEnabled"] in (0, 1)
    moto.client("iam").update_account_password_policy(MinimumPasswordLength=14, RequireSymbols=True)
    assert account().attributes["PasswordPolicy"]["MinimumPasswordLength"] == 14


def test_rules_of_listeners_cost_no_second_list_of_balancers(moto: Moto, aws_proxy):
    elbv2, subnets = moto.client("elbv2", REGION), moto.client("ec2", REGION).describe_subnets()["Subnets"][:2]
    balancer = elbv2.create_load_balancer(Name="web", Subnets=[one["SubnetId"] for one in subnets])["LoadBalancers"][0]["LoadBalancerArn"]
    group = elbv2.create_target_group(Name="web", Protocol="HTTP", Port=80, VpcId=subnets[0]["VpcId"])["TargetGroups"][0]["TargetGroupArn"]
    actions = [{"Type": "forward", "TargetGroupArn": group}]
    listener = elbv2.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=actions)["Listeners"][0][
        "ListenerArn"
    ]
    elbv2.create_rule(
        ListenerArn=listener,
        Priority=7,
        Conditions=[{"Field": "path-pattern", "Values": ["/shop/*"]}],
        Actions=actions,
        Tags=[{"Key": "team", "Value": "x"}],
    )
    rules = found(read(aws_proxy.url, "listener_rule", "listener", "load_balancer"), "listener_rule").values()

    (rule,) = (one for one in rules if one.name == "7")
    assert (rule.parent, rule.links) == (listener, (Link("forwards_to", group),))
    asked = [call.operation for call in aws_proxy.calls]
    assert (asked.count("DescribeLoadBalancers"), asked.count("DescribeListeners")) == (1, 1)
