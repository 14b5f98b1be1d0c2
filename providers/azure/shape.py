"""Turns an ARM object into a resource.

ARM ids are compared without case, and Azure returns one id in several spellings, so an external id is the id in lower case; the id as
Azure spelt it stays in the attributes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from providers.azure import catalogue
from providers.azure.kinds import SECRET_WORDS, AzureKind
from providers.azure.references import References
from providers.catalogue.kinds import ResourceKind
from providers.catalogue.masking import Masking
from providers.catalogue.shape import Context, Item, Shape
from providers.errors import BadAnswer
from providers.records import Link

VOLATILE = frozenset({
    "etag", "systemdata", "changedtime", "changetime", "provisioningstatetransitiontime",
    "lastmodified", "lastmodifiedtime", "lastmodifiedtimeutc", "lastmodifiedat", "lastmodifieddate", "lastmodifiedby",
    "lastmodifiedbytype", "lastupdated", "lastupdatedtime", "lastupdatetime", "updatetime", "updatedtime", "lastownershipupdatetime",
    "lastsynctime", "lastheartbeat", "lastheartbeattime", "lastseen", "laststatuschange", "lastaccesstime",
})  # fmt: skip
"""Keys, in lower case, that move with every touch of anything near them, and say nothing about the resource."""

_MOVING_TIME = re.compile(r"last[A-Z]\w*")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*")


class AzureShape(Shape):
    """Makes resources of ARM objects."""

    def __init__(self, ignored: Iterable[str] = (), masked: Iterable[str] = ()) -> None:
        """`masked` are further words that say secret in a key, beside Azure's own."""
        super().__init__(ignored, Masking((*SECRET_WORDS, *masked)))
        self._references = References(catalogue.KINDS)

    def links(self, kind: ResourceKind, item: Item, context: Context, more: Iterable[Link] = ()) -> tuple[Link, ...]:
        """The links that the kind declares, and a reference for every other ARM id in the object."""
        declared = super().links(kind, item, context, more)
        if not isinstance(kind, AzureKind):
            return declared
        own = self.spelling(str(item.get("id") or ""))
        around = {context.get(name, "").lower() for name in ("group", "holder")}
        found = self._references.of(kind, item, own, {*around, *(link.target for link in declared)})
        return tuple(sorted({*declared, *found}, key=lambda link: (link.type, link.target)))

    def spelling(self, external_id: str) -> str:
        """The id in lower case; what is at the scope ``/`` begins with one slash."""
        return "/" + external_id.lower().lstrip("/") if external_id.startswith("/") else external_id.lower()

    def name(self, kind: ResourceKind, item: Item, tags: Mapping[str, str], external_id: str) -> str:
        """The name; of one that is an id itself, its end."""
        found = super().name(kind, item, tags, external_id)
        return found.rsplit("/", 1)[-1] if found.startswith("/") else found

    def region(self, kind: ResourceKind, item: Item) -> str:  # noqa: ARG002 - as every shape
        """The location of the object."""
        return str(item.get("location") or "")

    def attributes(self, kind: ResourceKind, item: Item) -> dict[str, Any]:
        """The object without what moves by itself; the location is the region."""
        return super().attributes(kind, {key: value for key, value in item.items() if key != "location" and not is_volatile(key, value)})

    def plain(self, value: Any) -> Any:
        """A copy without None, and without what moves by itself, at any depth."""
        if isinstance(value, Mapping):
            return {key: self.plain(inner) for key, inner in value.items() if inner is not None and not is_volatile(key, inner)}
        return super().plain(value)


def is_volatile(key: str, value: Any) -> bool:
    """True for a field that changes although the resource does not: by its name, or as the time at which something last happened."""
    return key.lower() in VOLATILE or (isinstance(value, str) and bool(_MOVING_TIME.fullmatch(key)) and bool(_TIME.fullmatch(value)))


def group_of(arm_id: str) -> str:
    """The id of the resource group that holds the resource, or the empty string."""
    parts = arm_id.split("/")
    return "/".join(parts[:5]) if len(parts) > 5 and parts[3].lower() == "resourcegroups" else ""


def holder_of(arm_id: str) -> str:
    """The id of what an extension (a lock, an assignment) is set on, or the empty string."""
    before, _, behind = arm_id.rpartition("/providers/")
    return before if behind else ""


def container_of(arm_id: str) -> str:
    """The id of the resource that a resource is a part of; else that of its resource group, or the empty string."""
    _, _, behind = arm_id.rpartition("/providers/")
    return arm_id.rsplit("/", 2)[0] if behind.count("/") > 2 else group_of(arm_id)


def subscription_of(arm_id: str) -> str:
    """The subscription in an ARM id, in lower case, or the empty string."""
    parts = arm_id.lower().split("/")
    return parts[2] if len(parts) > 2 and parts[1] == "subscriptions" else ""


def arguments_of(arm_id: str) -> list[str]:
    """The names in an ARM id, as typed clients take them: of the resource group, then of each level of the resource.

    Raises `BadAnswer` for a text that is no such id.
    """
    parts = arm_id.split("/")
    if len(parts) < 9:
        raise BadAnswer(f"'{arm_id[:200]}' is not the id of a resource: what is beneath it cannot be asked for")
    return [parts[4], *parts[8::2]]
