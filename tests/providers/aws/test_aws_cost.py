"""How many calls AWS takes, as docs/providers.md says it, beside one list for each type and one call for the tags of each resource."""

from __future__ import annotations

from costs import documented
from peers.moto import Moto
from test_aws_reading import REGION, read_all

from providers.aws import catalogue

OTHER = "eu-west-1"


def calls(proxy, *regions: str) -> int:
    """The calls of one run, without the sign-in."""
    proxy.calls.clear()
    read_all(proxy.url, regions=list(regions))
    return sum(call.service != "sts" for call in proxy.calls)


def naive(regions: int) -> int:
    """One list for each usual type that is not listed beneath another one."""
    usual = [kind for kinds in catalogue.reads() for kind in kinds if not kind.optional and not kind.under]
    return sum(regions if kind.regional else 1 for kind in usual)


def test_an_empty_account_and_each_further_region(moto: Moto, aws_proxy):
    one, two = calls(aws_proxy, REGION), calls(aws_proxy, REGION, OTHER)
    assert (one, naive(1)) == documented("AWS", "an empty account, one region")
    assert (two - one, naive(2) - naive(1)) == documented("AWS", "each further region")


def test_an_account_of_a_thousand_resources(moto: Moto, aws_proxy):
    """Two hundred machines with a disk and an interface each, three hundred log groups, a hundred queues."""
    before, lists = documented("AWS", "an empty account, one region")
    ec2, sqs, logs = (moto.client(name, REGION) for name in ("ec2", "sqs", "logs"))
    ec2.run_instances(ImageId="ami-12345678", MinCount=200, MaxCount=200)
    for number in range(300):
        logs.create_log_group(logGroupName=f"group{number}")
    for number in range(100):
        sqs.create_queue(QueueName=f"queue{number}")
    of_queues, of_groups = 2 * 100, 300

    found = calls(aws_proxy, REGION)
    assert (found, lists + of_queues + of_groups) == documented(
        "AWS", "an account of 1,000 resources: 200 instances, 300 log groups, 100 queues"
    )
    assert found - before < of_queues + 10
