"""The subscriptions of a run: those that the job names, those beneath its management groups, else all that are visible and not excluded."""

from __future__ import annotations

import fnmatch
import functools
from collections.abc import Iterator
from typing import Any

from providers.azure import catalogue
from providers.azure.client import Connection
from providers.azure.config import AzureConfig
from providers.azure.failure import Gone
from providers.errors import Denied

DESCENDANTS = "/descendants"
DESCENDANTS_READ = "Microsoft.Management/managementGroups/descendants/read"


class Subscriptions:
    """The subscriptions as Resource Manager lists them."""

    def __init__(self, connection: Connection, config: AzureConfig) -> None:
        self._connection, self._config = connection, config

    @functools.cached_property
    def visible(self) -> dict[str, dict[str, Any]]:
        """Every subscription that the caller sees, by its id in lower case."""
        kind = catalogue.SUBSCRIPTION
        return {item["subscriptionId"].lower(): item for item in self._connection.list(kind.path, kind.version, permission=kind.action)}

    @functools.cached_property
    def tenant(self) -> str:
        """The tenant of the visible subscriptions; empty when none is visible."""
        return str(next(iter(self.visible.values()), {}).get("tenantId", ""))

    def wanted(self) -> list[str]:
        """The ids to read. Raises `Denied` for a management group that cannot be read, as what is beneath it is not known then."""
        named = [text.lower() for text in self._config.subscription_ids]
        beneath = [arm_id.rpartition("/")[2] for arm_id in self._descendants if arm_id.startswith("/subscriptions/")]
        found = beneath if self._config.management_group_ids or named else list(self.visible)
        return list(dict.fromkeys([*named, *(one for one in found if not self._is_excluded(one))]))

    def groups(self) -> list[str]:
        """The ids of the management groups that the job names, and of all groups below them. Raises as `wanted`."""
        kind = catalogue.MANAGEMENT_GROUP
        named = [f"{kind.path}/{group}".lower() for group in self._config.management_group_ids]
        return list(dict.fromkeys([*named, *(arm_id for arm_id in self._descendants if arm_id.startswith(kind.path.lower()))]))

    @functools.cached_property
    def _descendants(self) -> list[str]:
        return [arm_id for group in self._config.management_group_ids for arm_id in self._beneath(group)]

    def _beneath(self, group: str) -> Iterator[str]:
        """The ids of what is in a management group and in all groups below it."""
        kind = catalogue.MANAGEMENT_GROUP
        try:
            items = list(self._connection.list(f"{kind.path}/{group}{DESCENDANTS}", kind.version, permission=DESCENDANTS_READ))
        except (Denied, Gone) as error:
            raise Denied(
                f"management group {group} does not exist, or is not visible: give the principal the role Reader on it, or correct its id "
                f"(not its display name) in management_group_ids",
                permission=DESCENDANTS_READ,
                detail=error.detail,
            ) from None
        return (str(item.get("id") or "").lower() for item in items)

    def _is_excluded(self, subscription: str) -> bool:
        """True for a subscription whose id or name matches a glob of `exclude_subscriptions`."""
        name = str(self.visible.get(subscription, {}).get("displayName") or "").lower()
        globs = [glob.lower() for glob in self._config.exclude_subscriptions]
        return any(fnmatch.fnmatchcase(text, glob) for glob in globs for text in (subscription, name))
