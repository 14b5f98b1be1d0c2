"""Turns an ARM object into a resource.

ARM ids are compared without case, and Azure returns one id in several spellings, so an external id is the id in lower case; the id as
Azure spelt it stays in the attributes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from providers.catalogue.kinds import ResourceKind
from providers.catalogue.shape import Item, Shape

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


def subscription_of(arm_id: str) -> str:
    """The subscription in an ARM id, in lower case, or the empty string."""
    parts = arm_id.lower().split("/")
    return parts[2] if len(parts) > 2 and parts[1] == "subscriptions" else ""


def arguments_of(arm_id: str) -> list[str]:
    """The names in an ARM id, as typed clients take them: of the resource group, then of each level of the resource."""
    parts = arm_id.split("/")
    return [parts[4], *parts[8::2]]
