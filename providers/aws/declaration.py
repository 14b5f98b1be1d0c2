"""How AWS lists a resource type: what `AwsKind` adds to `providers.catalogue.kinds.ResourceKind`.

A text of an id, a parent or a link's target that does not start with ``{`` or ``arn:`` is short for an ARN of this account and
region: ``ec2:vpc/{VpcId}`` is ``arn:{partition}:ec2:{region}:{account}:vpc/{VpcId}``.

Calls that several kinds need are made once in a target (`providers.aws.answers`).
"""

from __future__ import annotations

from typing import Any

import msgspec

from providers.catalogue.kinds import ResourceKind

KEY = "kms:{value}"
"""Target of a link to a KMS key, which AWS names by its ARN, its bare id, or an alias."""

_PREFIXES = {
    "accessanalyzer": "access-analyzer",
    "apigatewayv2": "apigateway",
    "bedrock-agent": "bedrock",
    "cloudwatch": "cloudwatch",
    "efs": "elasticfilesystem",
    "elb": "elasticloadbalancing",
    "elbv2": "elasticloadbalancing",
    "emr": "elasticmapreduce",
    "opensearch": "es",
    "resourcegroupstaggingapi": "tag",
    "s3control": "s3",
    "sesv2": "ses",
    "sso-admin": "sso",
    "stepfunctions": "states",
}


class Listing(msgspec.Struct, frozen=True):
    """A list call and the path to its items; items that are plain strings become objects with the one key `scalar`.

    An item goes under the key `into`, if given, so that its fields are not taken for those of what is below it. A `tree` is what `under`
    lists and everything below, as the call for each item found lists more of them. `own` is the path to the owner: what is below an
    item of another account is in that account's scopes. An answer with an error code in `absent` (``Code``, or ``Code: words`` of its
    message) means that there is none. `service` is set where it is not that of the kind. Without `items`, the answer is the item.
    """

    operation: str
    items: str
    scalar: str = ""
    parameters: dict[str, Any] = {}
    into: str = ""
    service: str = ""
    under: Listing | None = None
    tree: bool = False
    own: str = ""
    absent: tuple[str, ...] = ()
    permission: str = ""

    @property
    def chain(self) -> tuple[Listing, ...]:
        """The listings from the outermost to this one."""
        return (*(self.under.chain if self.under else ()), self)


TAGS = Listing("GetResources", "ResourceTagMappingList[]", service="resourcegroupstaggingapi")
"""Tags of many things of many services, by their ARNs."""


class Detail(msgspec.Struct, frozen=True):
    """One more call for each item, whose `result` goes into the item (under the key `into`, if given).

    `arguments` are texts with holes. An answer with an error code in `absent` means that the item has no such thing. `gives` are the keys
    of a result that is a map, for which AWS's model has no names: they are what cannot be read when the call fails.
    """

    operation: str
    arguments: dict[str, Any]
    result: str = ""
    into: str = ""
    absent: tuple[str, ...] = ()
    permission: str = ""
    gives: tuple[str, ...] = ()


class Batch(msgspec.Struct, frozen=True):
    """One more call for every `size` items: `parameter` takes the list of their `value`s, answers are joined back by `key`."""

    operation: str
    parameter: str
    value: str
    items: str
    key: str
    size: int
    parameters: dict[str, Any] = {}
    permission: str = ""
    failures: str = ""
    """Path of the items that could not be told, each with its `arn` and a `reason`."""


class _Options(ResourceKind, frozen=True, kw_only=True):
    """The keywords of any AWS type."""

    tags: str = "Tags"
    scalar: str = ""
    """The key of items that are plain strings, which become objects."""
    parameters: dict[str, Any] = msgspec.field(default_factory=dict)
    """Arguments of the operation; placeholders in their texts are filled from the parent."""
    under: Listing | None = None
    """Lists the parents for which the operation is called, once each."""
    unsupported: tuple[str, ...] = ()
    """Error codes that mean that a parent has no such list: ``Code``, or ``Code: words`` of its message."""
    own: str = ""
    """Path of the owner: items of other accounts belong to other scopes."""
    unless: tuple[tuple[str, str], ...] = ()
    """Paths and values: an item with one of them is none."""
    regional: bool = True
    """False for services that are read once an account."""
    home: str = ""
    """The only region that has what is read once an account. Such types are of the partition `aws` alone."""
    tagged_as: str = ""
    """The type under which `TAGS` knows items that come without their tags."""
    batches: tuple[Batch, ...] = ()
    details: tuple[Detail, ...] = ()
    table: bool = False
    """The text at `items` is the table of IAM's credential report (`providers.aws.credential_report`), whose rows are the items."""
    as_of: str = ""
    """Path, in an answer, of the time at which AWS made it, where that is earlier than the run."""
    optional: bool = False
    """Read only by jobs that name the type: it costs a call for each of many things, or the clients of one more service in every region."""


class AwsKind(_Options, frozen=True):
    """A resource type that an AWS operation lists: `items` is the path to its items. Without a `name`, the tag ``Name`` names it."""

    service: str
    operation: str
    items: str

    @property
    def listings(self) -> tuple[Listing, ...]:
        """The listings that it is listed under, from the outermost."""
        return self.under.chain if self.under else ()

    @property
    def extra_calls(self) -> tuple[Listing | Batch | Detail, ...]:
        """The calls besides `operation`."""
        return (*self.listings, *self.batches, *self.details, *((TAGS,) if self.tagged_as else ()))

    def service_of(self, call: Listing | Batch | Detail) -> str:
        """The service of the call."""
        return (isinstance(call, Listing) and call.service) or self.service

    def permission_for(self, call: Listing | Batch | Detail | None = None) -> str:
        """The IAM action that a call needs."""
        if call is None:
            return self.permission or action(self.service, self.operation)
        return call.permission or action(self.service_of(call), call.operation)

    @property
    def calls(self) -> tuple[str, ...]:
        """Every call that it takes, as ``service:Operation``."""
        return (f"{self.service}:{self.operation}", *(f"{self.service_of(call)}:{call.operation}" for call in self.extra_calls))

    @property
    def permissions(self) -> tuple[str, ...]:
        """Every IAM action that it takes."""
        return (self.permission_for(), *map(self.permission_for, self.extra_calls))


def action(service: str, operation: str) -> str:
    """The IAM action of an operation, for all those that are named like it."""
    return f"{_PREFIXES.get(service, service)}:{operation}"


def arn(text: str) -> str:
    """The long form of an id's text."""
    if text.startswith(("{", "arn:")) or not text:
        return text
    service, _, resource = text.partition(":")
    return f"arn:{{partition}}:{service}:{{region}}:{{account}}:{resource}"
