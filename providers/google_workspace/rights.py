"""The part of a customer that an administrator sees: Google leaves out of its lists, without a word, what lies outside a role's unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.errors import Outcome, ScopeError
from providers.google_workspace.catalogue import ROLE_ASSIGNMENTS, UNIT_BOUND, DirectoryKind, Listing
from providers.google_workspace.client import Client
from providers.records import Incomplete

_LISTING = ROLE_ASSIGNMENTS.listing
OWN_ROLES = Listing(
    _LISTING.method,
    _LISTING.path,
    _LISTING.items,
    _LISTING.key,
    ("scopeType", "orgUnitId"),
    (("userKey", "{user}"), ("includeIndirectRoleAssignments", "true")),
    _LISTING.largest,
)
"""The roles of one person, those that come with a group included."""


class Rights:
    """The rights, as far as they are known, of the administrator that lists are read as."""

    def __init__(self, doubt: str = "", permission: str = "") -> None:
        """`doubt` is why lists may not be whole, and `permission` the scope that would tell; empty for one who sees everybody."""
        self._doubt, self._permission = doubt, permission

    @classmethod
    def of(cls, client: Client, customer: str, administrator: Mapping[str, Any]) -> Rights:
        """Asks for the administrator's roles, unless they are a super administrator."""
        who = administrator["primaryEmail"]
        if administrator.get("isAdmin"):
            return cls()
        try:
            found = list(client.list(OWN_ROLES, ROLE_ASSIGNMENTS.scope, customer=customer, user=str(administrator.get("id") or who)))
        except ScopeError as error:
            doubt = f"it cannot be told whether a role of {who} is limited to a unit, and others are left out without a word: {error}"
            return cls(doubt, ROLE_ASSIGNMENTS.scope)
        if any(one.get("scopeType") == "ORG_UNIT" for one in found):
            doubt = f"a role of {who} is limited to a unit, and Google shows nothing of the others: give them the role for all units"
            return cls(doubt)
        return cls()

    def doubts(self, kind: DirectoryKind) -> tuple[Incomplete, ...]:
        """The report of a list that is not known to be whole: a scope is believed only when it is proven."""
        if not self._doubt or kind not in UNIT_BOUND:
            return ()
        return (Incomplete(kind.sub_type, Outcome.DENIED, self._doubt, self._permission or kind.scope),)
