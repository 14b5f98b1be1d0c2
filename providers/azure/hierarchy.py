"""Reads what belongs to the tenant: the tenant itself, and its management groups with what they contain."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Iterator, Mapping
from typing import Any

from providers.azure.catalogue import MANAGEMENT_GROUP, TENANT
from providers.azure.client import Connection
from providers.azure.failure import Gone
from providers.azure.kinds import AzureKind
from providers.azure.reading import Reading
from providers.catalogue.paths import is_text
from providers.errors import Denied, Outcome, ScopeError, Unsupported
from providers.provider import Item
from providers.records import Incomplete, Resource

AT_ONCE = 4
"""Management groups that are read at once."""


class Hierarchy:
    """The tenant of one connection."""

    def __init__(self, connection: Connection, reading: Reading) -> None:
        self._connection, self._reading = connection, reading

    def tenant(self, tenant: str) -> Iterator[Item]:
        """The tenant, out of all that the caller is a guest in."""
        for item in self._connection.list(TENANT.path, TENANT.version, permission=TENANT.action):
            if str(item.get("tenantId")).lower() == tenant.lower():
                yield self._reading.resource(TENANT, item, "")

    def management_groups(self, tenant: str) -> Iterator[Item]:
        """Every management group that is visible. Most principals see none, which is no fault of theirs.

        Resource Manager leaves out silently those that the caller may not see, so all of them are known only to who sees the root group,
        whose name is the tenant's id.
        """
        kind = MANAGEMENT_GROUP
        try:
            groups = list(self._connection.list(kind.path, kind.version, permission=kind.action))
        except (Denied, Unsupported):
            groups = []
        if not groups:
            text = "no management group is visible: to read them, give the principal the role Management Group Reader on the root group"
            yield Incomplete(kind.sub_type, Outcome.UNSUPPORTED, text)
        elif not any(str(group.get("name")).lower() == tenant.lower() for group in groups):
            text = "the root management group is not visible, and so there may be more than those that are: none is taken for deleted; "
            yield Incomplete(kind.sub_type, Outcome.UNSUPPORTED, text + "the role Management Group Reader on the root group shows them all")
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            for found in pool.map(self._group, groups):
                yield from found

    def set_on(self, kind: AzureKind, group: str) -> Iterator[Item]:
        """The assignments of a type that are set on a management group itself, out of those that apply to it."""
        path = kind.path.replace("/subscriptions/{subscription}", group)
        for item in self._connection.list(path, kind.version, permission=kind.action, **{"$filter": kind.at_scope}):
            made = self._reading.resource(kind, item, "")
            if not isinstance(made, Resource) or made.external_id.rpartition("/providers/")[0] == group:
                yield made

    def _group(self, listed: Mapping[str, Any]) -> list[Item]:
        """A group with its parent and its children, which its list does not have. One that was deleted since is none."""
        arm_id = str(listed.get("id") or "")
        if not is_text(arm_id):  # nothing can be asked of it
            return [self._reading.resource(MANAGEMENT_GROUP, listed, "")]
        try:
            document = self._connection.get(arm_id, MANAGEMENT_GROUP.version, **{"$expand": MANAGEMENT_GROUP.expanded})
        except Gone:
            return []
        except ScopeError as error:
            return [Incomplete.because(MANAGEMENT_GROUP.sub_type, error, arm_id)]
        return [self._reading.resource(MANAGEMENT_GROUP, document, "")]
