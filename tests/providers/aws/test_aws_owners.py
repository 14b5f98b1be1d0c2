"""Whose a resource is: what two accounts have is in both, and links lead to the account that owns their target."""

from __future__ import annotations

import pytest
from peers.aws_proxy import AwsReply
from peers.moto import Moto
from test_aws_reading import ACCOUNT, REGION, found, read, report

from providers.errors import Outcome
from providers.records import Link

OTHER = "222222222222"
HERE = f"arn:aws:ec2:{REGION}:{ACCOUNT}"
THERE = f"arn:aws:ec2:{REGION}:{OTHER}"


def ec2(operation: str, items: str) -> AwsReply:
    """An answer of EC2."""
    return AwsReply(200, "", f"<{operation}Response><requestId>1</requestId>{items}</{operation}Response>".encode())


def side(name: str, owner: str, vpc: str, region: str = REGION) -> str:
    return f"<{name}><ownerId>{owner}</ownerId><vpcId>{vpc}</vpcId><region>{region}</region></{name}>"


def peering(requester: str, accepter: str) -> AwsReply:
    sides = side("requesterVpcInfo", requester, "vpc-1") + side("accepterVpcInfo", accepter, "vpc-2", "eu-west-1")
    item = f"<item><vpcPeeringConnectionId>pcx-1</vpcPeeringConnectionId>{sides}</item>"
    return ec2("DescribeVpcPeeringConnections", f"<vpcPeeringConnectionSet>{item}</vpcPeeringConnectionSet>")


@pytest.mark.parametrize(("requester", "accepter"), [(ACCOUNT, OTHER), (OTHER, ACCOUNT)])
def test_case_aws_6_a_peering_is_in_both_inventories(moto: Moto, aws_proxy, requester, accepter):
    answer = peering(requester, accepter)
    with aws_proxy.broken(lambda call: answer if call.operation == "DescribeVpcPeeringConnections" else None):
        (resource,) = found(read(aws_proxy.url, "vpc_peering"), "vpc_peering").values()

    assert resource.external_id == f"{HERE}:vpc-peering-connection/pcx-1", "each side has an ARN of its own"
    assert set(resource.links) == {
        Link("connects", f"arn:aws:ec2:{REGION}:{requester}:vpc/vpc-1"),
        Link("connects", f"arn:aws:ec2:eu-west-1:{accepter}:vpc/vpc-2"),
    }


def test_case_aws_6_an_attachment_to_a_gateway_of_another_account(moto: Moto, aws_proxy):
    fields = f"<transitGatewayId>tgw-1</transitGatewayId><transitGatewayOwnerId>{OTHER}</transitGatewayOwnerId>"
    fields += f"<resourceOwnerId>{ACCOUNT}</resourceOwnerId><resourceType>vpc</resourceType><resourceId>vpc-1</resourceId>"
    item = f"<item><transitGatewayAttachmentId>tgw-attach-1</transitGatewayAttachmentId>{fields}</item>"
    answer = ec2("DescribeTransitGatewayAttachments", f"<transitGatewayAttachments>{item}</transitGatewayAttachments>")
    with aws_proxy.broken(lambda call: answer if call.operation == "DescribeTransitGatewayAttachments" else None):
        (resource,) = found(read(aws_proxy.url, "transit_gateway_attachment"), "transit_gateway_attachment").values()

    assert resource.external_id == f"{HERE}:transit-gateway-attachment/tgw-attach-1"
    assert set(resource.links) == {
        Link("attached_to", f"{THERE}:transit-gateway/tgw-1"), Link("connects", f"{HERE}:vpc/vpc-1"),
    }  # fmt: skip


SHARED = {
    "DescribeVpcs": ec2("DescribeVpcs", f"<vpcSet><item><vpcId>vpc-9</vpcId><ownerId>{OTHER}</ownerId></item></vpcSet>"),
    "DescribeSubnets": ec2(
        "DescribeSubnets",
        f"<subnetSet><item><subnetId>subnet-9</subnetId><vpcId>vpc-9</vpcId><ownerId>{OTHER}</ownerId></item>"
        f"<item><subnetId>subnet-1</subnetId><vpcId>vpc-9</vpcId><ownerId>{ACCOUNT}</ownerId></item></subnetSet>",
    ),
    "DescribeTransitGateways": ec2(
        "DescribeTransitGateways",
        f"<transitGatewaySet><item><transitGatewayId>tgw-9</transitGatewayId><ownerId>{OTHER}</ownerId></item></transitGatewaySet>",
    ),
    "DescribeInstances": ec2(
        "DescribeInstances",
        "<reservationSet><item><instancesSet><item><instanceId>i-1</instanceId><vpcId>vpc-9</vpcId><subnetId>subnet-9</subnetId></item>"
        "<item><instanceId>i-2</instanceId><vpcId>vpc-1</vpcId><subnetId>subnet-1</subnetId></item></instancesSet></item></reservationSet>",
    ),
    "DescribeRouteTables": ec2(
        "DescribeRouteTables",
        f"<routeTableSet><item><routeTableId>rtb-1</routeTableId><vpcId>vpc-1</vpcId><ownerId>{ACCOUNT}</ownerId><routeSet><item>"
        "<transitGatewayId>tgw-9</transitGatewayId></item></routeSet></item></routeTableSet>",
    ),
}


def test_case_aws_6_links_to_a_shared_network_name_its_owner(moto: Moto, aws_proxy):
    """AWS RAM shares subnets, their VPC and transit gateways; who uses them names their ids only."""
    with aws_proxy.broken(lambda call: SHARED.get(call.operation)):
        collected = read(aws_proxy.url, "ec2_instance", "route_table", "subnet", "vpc")
    instances = found(collected, "ec2_instance")

    assert set(instances[f"{HERE}:instance/i-1"].links) == {
        Link("in_vpc", f"{THERE}:vpc/vpc-9"),
        Link("in_subnet", f"{THERE}:subnet/subnet-9"),
    }
    assert set(instances[f"{HERE}:instance/i-2"].links) == {
        Link("in_vpc", f"{HERE}:vpc/vpc-1"),
        Link("in_subnet", f"{HERE}:subnet/subnet-1"),
    }
    assert Link("routes_to", f"{THERE}:transit-gateway/tgw-9") in found(collected, "route_table")[f"{HERE}:route-table/rtb-1"].links
    (subnet,) = found(collected, "subnet").values()
    assert subnet.links == (Link("in_vpc", f"{THERE}:vpc/vpc-9"),)
    assert subnet.parent == f"{THERE}:vpc/vpc-9"
    assert [call.operation for call in aws_proxy.calls].count("DescribeSubnets") == 1, "the kind's own answer is used"


def test_case_aws_6_links_are_added_to_when_their_owners_cannot_be_read(moto: Moto, aws_proxy):
    denied = AwsReply(403, "UnauthorizedOperation")
    with aws_proxy.broken(lambda call: denied if call.operation == "DescribeSubnets" else SHARED.get(call.operation)):
        collected = read(aws_proxy.url, "ec2_instance")

    assert all(resource.links_partial for resource in found(collected, "ec2_instance").values())
    assert report(collected, "ec2_instance").outcome is Outcome.COMPLETE
