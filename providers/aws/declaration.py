"""The vocabulary of the catalogue: what a declaration of a resource type can say. See `providers.catalogue` for paths and holes.

An id or a link's target is a text with holes. One that does not start with ``{`` or ``arn:`` is short for an ARN of this account and
region: ``ec2:vpc/{VpcId}`` is ``arn:{partition}:ec2:{region}:{account}:vpc/{VpcId}``.
"""

from __future__ import annotations

from typing import Any

import msgspec

_PREFIXES = {
    "apigatewayv2": "apigateway",
    "cloudwatch": "cloudwatch",
    "efs": "elasticfilesystem",
    "elb": "elasticloadbalancing",
    "elbv2": "elasticloadbalancing",
    "emr": "elasticmapreduce",
    "opensearch": "es",
    "stepfunctions": "states",
}


class LinkRule(msgspec.Struct, frozen=True):
    """A link of `type` for each value at `path`. `to` makes the target's id of it (the hole is ``{value}``); without, it is one."""

    type: str
    path: str
    to: str = "{value}"


class Listing(msgspec.Struct, frozen=True):
    """A list call and the path to its items; items that are plain strings become objects with the one key `scalar`."""

    operation: str
    items: str
    scalar: str = ""
    parameters: dict[str, Any] = {}


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
    for; `parameters` are texts with holes for what those have. `own` is the path to the owner: items of other accounts belong to other
    scopes. `regional` is false for services that are read once an account. `omit` and `names_only` (of a map, its keys) keep secrets and
    counters that never stand still out of the attributes; `unordered` lists have no order of their own.
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
    own: str = ""
    regional: bool = True
    batches: tuple[Batch, ...] = ()
    details: tuple[Detail, ...] = ()
    omit: tuple[str, ...] = ()
    names_only: tuple[str, ...] = ()
    unordered: tuple[str, ...] = ()
    permission: str = ""

    @property
    def extra_calls(self) -> tuple[Listing | Batch | Detail, ...]:
        """The calls besides `operation`."""
        return (*((self.under,) if self.under else ()), *self.batches, *self.details)

    def permission_for(self, call: Listing | Batch | Detail | None = None) -> str:
        """The IAM action that a call needs."""
        if call is None:
            return self.permission or action(self.service, self.operation)
        return getattr(call, "permission", "") or action(self.service, call.operation)

    @property
    def calls(self) -> tuple[str, ...]:
        """Every call that it takes, as ``service:Operation``."""
        return (f"{self.service}:{self.operation}", *(f"{self.service}:{call.operation}" for call in self.extra_calls))

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
