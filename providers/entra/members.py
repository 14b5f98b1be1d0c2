"""The members and owners of groups: Microsoft Graph tells them group by group, so groups are asked several at once.

Groups may contain groups, even in circles: only direct memberships are read, and nothing is followed.
"""

from __future__ import annotations

import concurrent.futures
from collections.abc import Iterator
from typing import Any

import msgspec

from providers.catalogue.paths import is_text
from providers.concurrency import ahead
from providers.entra.catalogue import GROUPS, MEMBERS, OWNERS, Listing
from providers.entra.client import Client, Gone
from providers.errors import Denied, ProviderError, ScopeError

AT_ONCE = 8
"""Groups that are asked at once."""

GIVE_UP = 20
"""Groups in a row that cannot be read, after which no further one is asked: the reason is the same for all."""

HIDDEN = "HiddenMembership"
HIDDEN_PERMISSION = "Member.Read.Hidden"


class Group(msgspec.Struct):
    """A group as it was listed, with its owners, and why its members are not known."""

    raw: Any
    owners: list[str] = msgspec.field(default_factory=list)
    failure: ProviderError | None = None


class Memberships:
    """The memberships of all groups of a tenant."""

    def __init__(self) -> None:
        self.groups: list[Group] = []
        self._of: dict[str, list[str]] = {}

    @property
    def failed(self) -> list[Group]:
        """The groups whose members or owners could not be read."""
        return [group for group in self.groups if group.failure is not None]

    def of(self, member: str) -> list[str]:
        """Ids of the groups that an object is a direct member of."""
        return sorted(self._of.get(member.lower(), ()))

    def read(self, client: Client) -> None:
        """All groups and their members. Raises `ProviderError` when the groups cannot be listed, or one after the other cannot be read."""
        in_a_row = 0
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE, thread_name_prefix="members") as pool:
            listed = client.list(GROUPS.listing, GROUPS.permission)
            for group, members in ahead(pool, lambda raw: _group(client, raw), listed, AT_ONCE * 4):
                if group is None:
                    continue
                in_a_row = in_a_row + 1 if group.failure else 0
                if group.failure and in_a_row >= GIVE_UP:
                    raise group.failure
                self.groups.append(group)
                for member in members:
                    self._of.setdefault(member, []).append(str(group.raw["id"]).lower())


def _group(client: Client, raw: Any) -> tuple[Group | None, list[str]]:
    """A group with its owners, and its members; no group when it was deleted since it was listed."""
    identifier = raw.get("id") if isinstance(raw, dict) else None
    if not identifier or not is_text(identifier):
        return Group(raw), []
    try:
        members = list(_ids(client, MEMBERS, identifier))
        group = Group(raw, list(_ids(client, OWNERS, identifier)))
    except Gone as error:
        return _deleted(client, raw, identifier, error), []
    except ScopeError as error:
        return Group(raw, failure=error), []
    if not members and raw.get("visibility") == HIDDEN:
        text = f"the members of a group with hidden membership are shown with the permission {HIDDEN_PERMISSION} only"
        group.failure = Denied(text, permission=HIDDEN_PERMISSION)
    return group, members


def _deleted(client: Client, raw: Any, identifier: str, why: ScopeError) -> Group | None:
    try:
        return Group(raw, failure=why) if client.has_group(identifier) else None
    except ScopeError as error:
        return Group(raw, failure=error)


def _ids(client: Client, listing: Listing, group: str) -> Iterator[str]:
    """The object ids in a list of members or owners. Raises `ScopeError` for one without an id."""
    for item in client.list(listing, GROUPS.permission, group):
        identifier = item.get("id") if isinstance(item, dict) else None
        if not identifier or not is_text(identifier):
            raise ScopeError(f"Microsoft Graph answered '{listing.what}' of group {group} with an item that has no valid id")
        yield identifier.lower()
