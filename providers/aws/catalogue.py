"""The resource types of AWS, as declarations. A test checks every one of them against botocore's own service models."""

from __future__ import annotations

import functools
import itertools

from providers.aws.declaration import Kind
from providers.aws.types.compute import COMPUTE
from providers.aws.types.data import DATA
from providers.aws.types.messaging import MESSAGING
from providers.aws.types.network import NETWORK
from providers.aws.types.security import SECURITY
from providers.provider import ResourceType

KINDS: tuple[Kind, ...] = (*COMPUTE, *NETWORK, *DATA, *MESSAGING, *SECURITY)

PERMISSIONS_OF_THE_RUN = ("ec2:DescribeRegions", "sts:GetCallerIdentity")


@functools.cache
def reads() -> tuple[tuple[Kind, ...], ...]:
    """The kinds, those together that come out of the same call."""
    groups = itertools.groupby(KINDS, key=lambda kind: (kind.service, kind.operation, str(kind.parameters), kind.under))
    return tuple(tuple(kinds) for _, kinds in groups)


@functools.cache
def operations() -> dict[str, frozenset[str]]:
    """Every operation that is ever called, by service."""
    found: dict[str, set[str]] = {"sts": {"GetCallerIdentity", "AssumeRole", "AssumeRoleWithWebIdentity"}}
    found |= {"organizations": {"ListAccounts"}, "ec2": {"DescribeRegions"}, "s3": {"HeadBucket"}}
    for kind in KINDS:
        found.setdefault(kind.service, set()).update({kind.operation, *(call.operation for call in kind.extra_calls)})
    return {service: frozenset(names) for service, names in found.items()}


def resource_types() -> tuple[ResourceType, ...]:
    """For the docs."""
    return tuple(ResourceType(kind.sub_type, kind.entity_type, kind.calls, kind.permissions) for kind in KINDS)


def policy() -> dict[str, object]:
    """The least IAM policy that reads everything here."""
    actions = {*PERMISSIONS_OF_THE_RUN, *itertools.chain.from_iterable(kind.permissions for kind in KINDS)}
    statement = {"Sid": "ElderInventory", "Effect": "Allow", "Action": sorted(actions), "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}
