"""The members of groups: the API tells them group by group, so groups are asked several at once.

Groups may contain groups, even in circles: only direct memberships are read, and nothing is followed.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from providers.errors import BadAnswer, ProviderError, ScopeError
from providers.google.causes import NotFound
from providers.google_workspace.catalogue import GROUPS, MEMBERS
from providers.google_workspace.client import Client
from providers.records import UNREADABLE

AT_ONCE = 8
"""Groups asked at the same time. Google grants one administrator 2,400 requests a minute, and says so when they are used up."""

GIVE_UP = 20
"""Number of consecutive groups that could not be read after which the rest is not requested."""

SHOWN = 500
"""External addresses of one group that are kept by name; all are counted."""


FROM_MEMBERS = ("externalMemberCount", "externalMembers", "includesEverybody", "managers", "owners")
"""Attributes of a group that are made of its members."""


class Group(msgspec.Struct):
    """A group as the API lists it, with what its members tell of it. `unreadable` is why its members could not be read."""

    raw: dict[str, Any]
    everybody: bool = False
    """All of the customer's people are in it."""
    outsiders: list[str] = []
    roles: dict[str, list[str]] = {}
    """OWNER and MANAGER -> addresses."""
    unreadable: ProviderError | None = None

    def attributes(self) -> dict[str, Any]:
        """The attributes of the group, in no order of the API's."""
        found = dict(self.raw)
        if self.unreadable:
            return found | {UNREADABLE: list(FROM_MEMBERS)}
        if self.everybody:
            found["includesEverybody"] = True
        if self.outsiders:
            found |= {"externalMemberCount": len(self.outsiders), "externalMembers": sorted(self.outsiders)[:SHOWN]}
        return found | {f"{role.lower()}s": sorted(people)[:SHOWN] for role, people in self.roles.items()}


class Memberships:
    """The memberships of all groups of a customer.

    `failed` are the addresses of the groups whose members could not be read, with the reason; `nameless` are groups without an id.
    """

    def __init__(self) -> None:
        self.groups: list[Group] = []
        self.failed: list[tuple[str, ProviderError]] = []
        self.nameless: list[Any] = []
        self._of: dict[str, list[str]] = {}

    def of(self, member: str) -> list[str]:
        """Ids of the groups that a user or a group is a direct member of."""
        return sorted(self._of.get(member, ()))

    def read(self, client: Client, customer: str) -> None:
        """All groups and their members. Raises `ProviderError` when the groups cannot be listed, or no members at all."""
        in_a_row = 0
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="members") as pool:
            for some in _batches(self._listed(client, customer), AT_ONCE * 8):
                for raw, members in zip(some, pool.map(lambda raw: _members(client, raw["id"]), some), strict=True):
                    in_a_row = in_a_row + 1 if isinstance(members, ProviderError) else 0
                    if isinstance(members, ProviderError):
                        self.failed.append((str(raw.get("email") or raw["id"]), members))
                        self.groups.append(Group(raw, unreadable=members))
                    elif members is not None:
                        self._add(raw, members)
                    if in_a_row >= GIVE_UP and isinstance(members, ProviderError):
                        raise members

    def _listed(self, client: Client, customer: str) -> Iterator[dict[str, Any]]:
        """The groups that have an id; the others are kept by name."""
        for raw in client.list(GROUPS.listing, GROUPS.scope, customer=customer):
            if GROUPS.listing.identity(raw):
                yield raw
            else:
                self.nameless.append(raw)

    def _add(self, raw: dict[str, Any], members: list[dict[str, Any]]) -> None:
        group = Group(raw)
        for member in members:
            kind, address = member.get("type"), str(member.get("email") or member.get("id"))
            if kind in ("USER", "GROUP") and member.get("id", raw["id"]) != raw["id"]:
                self._of.setdefault(member["id"], []).append(raw["id"])
            elif kind == "CUSTOMER":
                group.everybody = True
            elif kind == "EXTERNAL":
                group.outsiders.append(address)
            if member.get("role") in ("OWNER", "MANAGER"):
                group.roles.setdefault(member["role"], []).append(address)
        self.groups.append(group)


def _members(client: Client, group: str) -> list[dict[str, Any]] | ProviderError | None:
    """The direct members of a group; None when it was deleted since it was listed."""
    try:
        found = list(client.list(MEMBERS, GROUPS.scope, group=group))
        return found if all(map(MEMBERS.identity, found)) else BadAnswer(f"the members of group {group} have no {MEMBERS.key}")
    except NotFound as error:
        return _gone(client, group, error)
    except ScopeError as error:
        return error


def _gone(client: Client, group: str, why: ProviderError) -> ProviderError | None:
    try:
        return why if client.has_group(group) else None
    except ScopeError as error:
        return error


def _batches(items: Iterable[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    rest = iter(items)
    while some := list(itertools.islice(rest, size)):
        yield some
