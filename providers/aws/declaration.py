"""The vocabulary of the catalogue: what a declaration of a resource type can say. See `providers.catalogue.paths` for paths and holes.

An id or a link's target is a text with holes. One that does not start with ``{`` or ``arn:`` is short for an ARN of this account and
region: ``ec2:vpc/{VpcId}`` is ``arn:{partition}:ec2:{region}:{account}:vpc/{VpcId}``.

What several kinds list, or are listed under, is asked for once in a place (`providers.aws.answers`).
"""

from __future__ import annotations

from typing import Any

import msgspec

_PREFIXES = {
    "apigatewayv2": "apigateway",
    "bedrock-agent": "bedrock",
    "cloudwatch": "cloudwatch",
    "efs": "elasticfilesystem",
    "elb": "elasticloadbalancing",
    "elbv2": "elasticloadbalancing",
    "emr": "elasticmapreduce",
    "opensearch": "es",
    "resourcegroupstaggingapi": "tag",
    "sso-admin": "sso",
    "stepfunctions": "states",
}


class LinkRule(msgspec.Struct, frozen=True):
    """A link of `type` for each value at `path`. `to` makes the target's id of it (the hole is ``{value}``); without, it is one.

    `when` is a path and the value that an item must have there.
    """

    type: str
    path: str
    to: str = "{value}"
    when: tuple[str, str] = ("", "")


class Listing(msgspec.Struct, frozen=True):
    """A list call and the path to its items; items that are plain strings become objects with the one key `scalar`.

    An item goes under the key `into`, if given, so that its fields are not taken for those of what is below it. A `tree` is what `under`
    lists and everything below, as the call for each item found lists more of them. `own` is the path to the owner: what is below an
    item of another account is in that account's scopes. An answer with an error code in `absent` means that there is none. `service` is
    set where it is not that of the kind.
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
        """From the outermost to this one."""
        return (*(self.under.chain if self.under else ()), self)


TAGS = Listing("GetResources", "ResourceTagMappingList[]", service="resourcegroupstaggingapi")
"""Tags of many things of many services, by their ARNs."""


class Detail(msgspec.Struct, frozen=True):
    """One more call for each item, whose `result` goes into the item (under the key `into`, if given).

    `arguments` are texts with holes. An answer with an error code in `absent` means that the item has no such thing.
    """

    operation: str
    arguments: dict[str, Any]
    result: str = ""
    into: str = ""
    absent: tuple[str, ...] = ()
    permission: str = ""


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


class Kind(msgspec.Struct, frozen=True):
    """A resource type.

    `name` is a path; without one, the ``Name`` tag or the end of the id serves. `under` lists the things that `operation` is called
    for; `parameters` are texts with holes for what those have; the error codes in `unsupported` mean that one of those has no such list.
    `own` is the path to the owner: items of other accounts belong to other scopes. Items with a path and value in `unless` are none.
    `regional` is false for services that are read once an account. `tagged_as` is the type under which `TAGS` knows what comes without
    its tags. `omit` and `names_only` (of a map, its keys; of pairs, their names) keep secrets and counters that never stand still out of
    the attributes; `unordered` lists have no order of their own. An `optional` kind is read by jobs that name it.
    """

    sub_type: str
    entity_type: str
    service: str
    operation: str
    items: str
    id: str
    name: str = ""
    scalar: str = ""
    tags: str = "Tags"
    links: tuple[LinkRule, ...] = ()
    parent: str = ""
    parameters: dict[str, Any] = {}
    under: Listing | None = None
    unsupported: tuple[str, ...] = ()
    own: str = ""
    unless: tuple[tuple[str, str], ...] = ()
    regional: bool = True
    tagged_as: str = ""
    batches: tuple[Batch, ...] = ()
    details: tuple[Detail, ...] = ()
    omit: tuple[str, ...] = ()
    names_only: tuple[str, ...] = ()
    unordered: tuple[str, ...] = ()
    permission: str = ""
    optional: bool = False

    @property
    def listings(self) -> tuple[Listing, ...]:
        """What it is listed under, from the outermost."""
        return self.under.chain if self.under else ()

    @property
    def extra_calls(self) -> tuple[Listing | Batch | Detail, ...]:
        """The calls besides `operation`."""
        return (*self.listings, *self.batches, *self.details, *((TAGS,) if self.tagged_as else ()))

    def service_of(self, call: Listing | Batch | Detail) -> str:
        """Whose call it is."""
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
