"""Records that a provider emits: resources, their organizations, and the scopes that say how much of a source was read."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Annotated, Any, Self

import msgspec

from providers.errors import Outcome, ProviderError

UNREADABLE = "Unreadable"
"""The attribute of a resource that lists, sorted, what could not be read of it: keys of its attributes, and `UNREADABLE_TAGS`.

The store keeps the last values of what is listed; neither that nor the list itself is a change.
"""

UNREADABLE_TAGS = "tags"
"""Stands in that list for the tags of the resource, and for its name where a tag is its name."""

UNENCODABLE = (TypeError, ValueError, OverflowError, RecursionError)
"""Errors of the JSON encoder for values that are not JSON (ValueError for a lone surrogate)."""

MAX_TEXT = 16_000
"""Characters of one message or traceback."""

Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT, pattern=r"\A[^\0]*\Z")]
"""Text for people to read. PostgreSQL takes no NUL: checked at decoding."""


Moment = Annotated[dt.datetime, msgspec.Meta(tz=True)]
"""A time with its zone."""


class Absence(enum.Enum):
    """Consequences for a resource that a complete scope does not show any more."""

    DELETED = "deleted"
    """The resource is deleted."""
    LAGGING = "lagging"
    """The resource may not have been seen yet, as the source lags: it is *unconfirmed*, and deleted when a later reading lacks it too."""
    OUTSIDE = "outside"
    """The resource may be out of sight, seen by the read of another scope: it is *unconfirmed* until the scope is read itself."""


class Scope(msgspec.Struct, frozen=True, array_like=True):
    """The smallest unit that is either fully read or not.

    `account` is the vendor's id of the account, project, subscription, cluster or directory. `resource_type` is the `sub_type` of
    the resources in it, or ``*`` when nothing below the account could be listed. `coverage` is not empty when a filter narrows
    what is read (a namespace, an LDAP filter): a narrower scope is another scope, and may not tombstone what it cannot see.
    """

    provider: str
    account: str
    region: str
    resource_type: str
    coverage: str = ""


class Link(msgspec.Struct, frozen=True, array_like=True):
    """A typed dependency on another resource, by that resource's external id. It need not exist yet."""

    type: str
    target: str


class Organization(msgspec.Struct, frozen=True, array_like=True):
    """A node of the organization tree, used when a connector (not a job with an organization of its own) reads the source.

    Emitted before anything that names it. `parent` is the external id of another organization, or empty for a root.
    """

    external_id: str
    name: str
    parent: str = ""


class Resource(msgspec.Struct, frozen=True, array_like=True):
    """One thing found. `external_id` is the vendor's own id (ARN, ARM id, object uid, entryUUID ...), never a display name.

    `entity_type` is the category that filters use (``compute``, ``vpc``, ``user`` ...), `sub_type` the precise type
    (``ec2_instance``). `organization` is an `Organization.external_id`, or empty. `parent` is the external id of the resource that
    contains this one, or empty. `region` is set where one scope spans several; empty, it is the scope's. `attributes` is JSON: no
    NaN, no secrets; keys as the vendor spells them. With `links_partial`, some of what it is linked to could not be read: its links
    are added to those that are stored, and none is taken away.
    """

    external_id: str
    entity_type: str
    sub_type: str
    name: str
    attributes: dict[str, Any] = {}
    tags: dict[str, str] = {}
    links: tuple[Link, ...] = ()
    organization: str = ""
    parent: str = ""
    region: str = ""
    links_partial: bool = False


class Incomplete(msgspec.Struct, frozen=True):
    """Yielded among resources: this scope was read only in part (an unreachable zone, a page that failed).

    With the outcome `COMPLETE` it is a note: the scope stays complete, and its ledger line shows the message. Of several, that with the
    gravest outcome counts.
    """

    resource_type: str
    outcome: Outcome
    message: str
    permission: str = ""

    @classmethod
    def because(cls, resource_type: str, error: ProviderError, where: str = "") -> Self:
        """Turns an error into the scope's outcome; `where` names the part of it that could not be read."""
        message = f"{where}: {error}" if where else str(error)
        return cls(resource_type, error.outcome, message, getattr(error, "permission", ""))


class Rejected(msgspec.Struct, frozen=True):
    """Yielded among resources: one item of the scope that cannot be stored. The others are stored, and nothing is tombstoned."""

    resource_type: str
    name: str
    """Text that identifies the item to a person: its id, or the start of what the source sent."""
    reason: str

    @property
    def sentence(self) -> str:
        """The item and the reason, for the operator."""
        return f"{self.resource_type} {self.name[:200]!a} is not stored: {self.reason}"


class Gone(msgspec.Struct, frozen=True):
    """Yielded in place of resources: the source itself says that there is no such thing any more, as of a type that it has ceased to serve.

    The scope is complete, with the reason in its ledger line. What it had is tombstoned under the guard; then the scope is retired.
    """

    resource_type: str
    reason: str


class AsOf(msgspec.Struct, frozen=True):
    """Yielded among resources: the source gives the scope as it was at an earlier moment, which its ledger line shows."""

    resource_type: str
    moment: Moment


class Placed(msgspec.Struct, frozen=True):
    """Yielded among resources: an item with the scope that it belongs to, where its type alone does not say which.

    The scope is one of the read, or one outside it that is not read from here but seen, such as what a subscription inherits from its
    management group. A scope outside the read is opened by the first read of the run that names it; what other reads see of it is the
    same and is dropped. Nothing of it is tombstoned: what is not seen from outside its owner becomes *unconfirmed*, until it is seen again
    or its owner is read.
    """

    scope: Scope
    item: Resource | Incomplete | Rejected


class Identity(msgspec.Struct, frozen=True):
    """The identity that the source knows the caller by: the answer of a connectivity test. `details` holds no secrets."""

    name: Text
    account: Text = ""
    details: dict[Text, Text] = {}
    place: Text = ""
    """Server and CA by which the account was found; empty for a provider that has one place for everybody."""
