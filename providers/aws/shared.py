"""Owners of networks that other accounts share with this one: links to them name their owner, not the account that asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from providers.aws import catalogue
from providers.aws.declaration import AwsKind
from providers.aws.failure import RAISED
from providers.aws.shape import OWNER
from providers.aws.target import Calls, Target
from providers.catalogue import paths

_LISTS = {
    "ec2:vpc/": ("DescribeVpcs", "Vpcs[]", "VpcId"),
    "ec2:subnet/": ("DescribeSubnets", "Subnets[]", "SubnetId"),
    "ec2:transit-gateway/": ("DescribeTransitGateways", "TransitGateways[]", "TransitGatewayId"),
}
"""Short forms of targets that AWS RAM shares, and the calls that know whose they are. Their own kinds read the same answers."""


class Owners:
    """The owners of what is shared with one target, by id. `unknown` when they could not be read."""

    def __init__(self, context: Mapping[str, str], *, unknown: bool = False) -> None:
        self.context, self.unknown = context, unknown

    @classmethod
    def of(cls, calls: Calls, target: Target, kinds: Iterable[AwsKind]) -> Owners:
        """The owners that the links of these kinds need; none are asked for where no link leads to a network."""
        wanted = {start for kind in kinds for rule in kind.links for start in _LISTS if rule.to.startswith(start)}
        found: dict[str, str] = {}
        try:
            for start in sorted(wanted) if target.region else ():
                found |= _owners(calls, target, *_LISTS[start])
        except RAISED:
            return cls(found, unknown=True)  # its own scope says why
        return cls(found)


def _owners(calls: Calls, target: Target, operation: str, items: str, key: str) -> dict[str, str]:
    answers = calls.pages(operation, catalogue.parameters("ec2", operation), "ec2")
    listed = (item for answer in answers for item in paths.values(answer, items))
    return {f"{OWNER}{item[key]}": item["OwnerId"] for item in listed if item.get("OwnerId", target.account.id) != target.account.id}
