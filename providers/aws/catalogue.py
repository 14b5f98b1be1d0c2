"""The resource types of AWS, as declarations. A test checks every one of them against botocore's own service models."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Mapping

import msgspec

from providers.aws.declaration import TAGS, AwsKind, Listing
from providers.aws.types.access_points import ACCESS_POINTS
from providers.aws.types.compute import COMPUTE
from providers.aws.types.containers import CONTAINERS
from providers.aws.types.data import DATA
from providers.aws.types.databases import DATABASES
from providers.aws.types.delivery import DELIVERY
from providers.aws.types.identity import IDENTITY
from providers.aws.types.messaging import MESSAGING
from providers.aws.types.network import NETWORK
from providers.aws.types.organization import ORGANIZATION
from providers.aws.types.perimeter import PERIMETER
from providers.aws.types.posture import POSTURE
from providers.aws.types.reservations import RESERVATIONS
from providers.aws.types.security import SECURITY
from providers.provider import ResourceType

KINDS: tuple[AwsKind, ...] = (
    *COMPUTE,
    *CONTAINERS,
    *NETWORK,
    *DATA,
    *MESSAGING,
    *SECURITY,
    *ORGANIZATION,
    *IDENTITY,
    *DATABASES,
    *DELIVERY,
    *PERIMETER,
    *POSTURE,
    *RESERVATIONS,
    *ACCESS_POINTS,
)

PERMISSIONS_OF_THE_RUN = ("ec2:DescribeRegions", "sts:GetCallerIdentity")

IS_MISSING = " is missing"
"""Words of a denial that no policy of AWS's forbids: granting the permission ends it."""


@functools.cache
def reads() -> tuple[tuple[AwsKind, ...], ...]:
    """The kinds, those together that come out of the same call."""
    groups = itertools.groupby(KINDS, key=lambda kind: (kind.service, kind.operation, str(kind.parameters), kind.under))
    return tuple(tuple(kinds) for _, kinds in groups)


NETWORKS = frozenset({("ec2", "DescribeVpcs"), ("ec2", "DescribeSubnets"), ("ec2", "DescribeTransitGateways")})
"""The calls that tell whose the networks are that kinds link to (`providers.aws.shared`)."""


@functools.cache
def shared() -> frozenset[tuple[str, str]]:
    """The calls whose answers more than one kind needs, as service and operation."""
    return NETWORKS | {(kind.service_of(listing), listing.operation) for kind in KINDS for listing in kind.listings}


@functools.cache
def parameters(service: str, operation: str) -> dict[str, object]:
    """The parameters with which the first kind of a call makes it."""
    return next(kind.parameters for kind in KINDS if (kind.service, kind.operation) == (service, operation))


@functools.cache
def tagging() -> Listing:
    """The one call for the tags of all kinds whose lists have none."""
    types = sorted({kind.tagged_as for kind in KINDS if kind.tagged_as})
    return msgspec.structs.replace(TAGS, parameters={"ResourceTypeFilters": types})


@functools.cache
def operations() -> dict[str, frozenset[str]]:
    """Every operation that is ever called, by service."""
    found: dict[str, set[str]] = {"sts": {"GetCallerIdentity", "AssumeRole", "AssumeRoleWithWebIdentity"}}
    found |= {"organizations": {"ListAccounts"}, "ec2": {"DescribeRegions"}, "s3": {"HeadBucket", "CreateSession"}}  # botocore's own calls
    for kind in KINDS:
        found.setdefault(kind.service, set()).add(kind.operation)
        for call in kind.extra_calls:
            found.setdefault(kind.service_of(call), set()).add(call.operation)
    return {service: frozenset(names) for service, names in found.items()}


def resource_types() -> tuple[ResourceType, ...]:
    """Returns the resource types for the docs."""
    return tuple(ResourceType(kind.sub_type, kind.entity_type, kind.calls, kind.permissions) for kind in KINDS)


def policy(wanted: Callable[[AwsKind], bool] = lambda kind: not kind.optional) -> dict[str, object]:
    """The least IAM policy that reads the kinds that are wanted.

    What optional types take besides is a statement of its own: a test holds each statement to the size of a managed policy.
    """
    usual = {
        *PERMISSIONS_OF_THE_RUN,
        *itertools.chain.from_iterable(kind.permissions for kind in KINDS if wanted(kind) and not kind.optional),
    }
    more = set(itertools.chain.from_iterable(kind.permissions for kind in KINDS if wanted(kind))) - usual
    return policy_of({"ElderInventory": usual, "ElderOptionalTypes": more})


def policy_of(named: Mapping[str, Iterable[str]]) -> dict[str, object]:
    """An IAM policy of a statement for each name that has actions."""
    statements = [{"Sid": sid, "Effect": "Allow", "Action": sorted(actions), "Resource": "*"} for sid, actions in named.items() if actions]
    return {"Version": "2012-10-17", "Statement": statements}
