"""Reads a Google Workspace customer.

Users say by path in which unit they are, and groups, not users, know who is a member: so users wait for both. Without the units, users
are not read; without the members of a group, users are, and keep the memberships that are known of them.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

from providers.catalogue.masking import Masking
from providers.concurrency import Once
from providers.counted import are, counted
from providers.errors import CredentialsError, Outcome, ProviderError
from providers.google.operator import GoogleOperator
from providers.google_workspace.catalogue import (
    DELETED_USERS,
    GROUPS,
    ORG_UNITS,
    PLAIN,
    USERS,
    DirectoryKind,
    Listing,
)
from providers.google_workspace.client import NAME, Client
from providers.google_workspace.config import GoogleWorkspaceConfig
from providers.google_workspace.members import Memberships
from providers.google_workspace.rights import Rights
from providers.google_workspace.shape import DirectoryShape
from providers.http.credential import Credential
from providers.provider import Item, Read, Source
from providers.records import Identity, Incomplete, Link, Organization, Resource, Scope

Raw = Mapping[str, Any]


class Directory(Source):
    """One customer, seen by one administrator."""

    def __init__(self, config: GoogleWorkspaceConfig, operator: GoogleOperator) -> None:
        self._config = config
        self._client = Client(config, operator)
        self._shape = DirectoryShape(config.ignore_fields, Masking(config.mask_names))
        self._unit_table = Once[dict[str, dict[str, Any]]]()
        self._memberships = Once[Memberships | ProviderError]()
        self._nameless_units: list[Any] = []
        self._rights = Once[Rights]()

    def check(self) -> Identity:
        """Acts as the administrator, and looks at them."""
        found = self._administrator
        rights = "super administrator" if found.get("isAdmin") else "administrator" if found.get("isDelegatedAdmin") else "no administrator"
        return Identity(str(found["primaryEmail"]), self._customer, {"rights": rights})

    def plan(self) -> Iterator[Read]:
        """One read for each type; groups come with their members."""
        yield self._read(ORG_UNITS, self._read_units)
        yield self._read(GROUPS, self._read_groups)
        yield self._read(USERS, self._read_users)
        for kind in PLAIN:
            yield self._read(kind, self._read_plain)

    @property
    def credential(self) -> Credential:
        """The verdict over the key with which everything is read."""
        return self._client.credential

    def close(self) -> None:
        """Closes all open connections."""
        self._client.close()

    def _read(self, kind: DirectoryKind, fetch: Any) -> Read:
        scope = Scope("google_workspace", self._customer, "", kind.sub_type)
        return Read((scope,), functools.partial(fetch, kind))

    @functools.cached_property
    def _administrator(self) -> dict[str, Any]:
        found = self._client.administrator()
        if not found.get("primaryEmail") or not found.get("customerId"):
            raise CredentialsError(f"{NAME} does not say to which customer {self._config.admin_email} belongs: name an administrator of it")
        return found

    @property
    def _customer(self) -> str:
        """The customer's own id, whatever name it was asked for by."""
        asked = self._config.customer_id
        return str(self._administrator["customerId"]) if asked == "my_customer" else asked

    def _list(self, kind: DirectoryKind, left_out: list[Any], listing: Listing | None = None) -> Iterator[dict[str, Any]]:
        """The items that have an identity; the others are added to `left_out`."""
        listing = listing or kind.listing
        for item in self._client.list(listing, kind.scope, customer=self._config.customer_id):
            if listing.identity(item):
                yield item
            else:
                left_out.append(item)

    # --- units

    def _units(self) -> dict[str, dict[str, Any]]:
        """The units by their paths, the upper ones first. They are read once; after an error each read asks again and tells its own."""
        return self._unit_table.get(self._fetch_units)

    def _fetch_units(self) -> dict[str, dict[str, Any]]:
        self._nameless_units.clear()
        paths: dict[str, dict[str, Any]] = {}
        for unit in self._list(ORG_UNITS, self._nameless_units):
            path = str(unit.get("orgUnitPath") or "")
            if path and path not in paths:
                paths[path] = unit
            else:  # whom it contains cannot be told
                self._nameless_units.append(unit)
        return dict(sorted(paths.items(), key=lambda pair: (pair[0].count("/"), pair[0])))

    def _home(self, path: str) -> str:
        """The organization for the unit with this path: the unit, or the nearest known one that contains it, or the customer."""
        units = self._units()
        while path.strip("/"):
            if path in units:
                return str(units[path]["orgUnitId"])
            path = path.rpartition("/")[0]
        return self._customer

    @functools.cached_property
    def _unit_ids(self) -> frozenset[str]:
        return frozenset(str(unit["orgUnitId"]) for unit in self._units().values())

    def _parent(self, unit: Raw) -> str:
        """The organization that a unit is in."""
        parent = str(unit.get("parentOrgUnitId", ""))
        return parent if parent in self._unit_ids else self._home(str(unit.get("parentOrgUnitPath", "")))

    def _root(self) -> Organization:
        return Organization(self._customer, NAME)

    def _organizations(self) -> Iterator[Organization]:
        yield self._root()
        for path, unit in self._units().items():
            yield Organization(str(unit["orgUnitId"]), str(unit.get("name") or path), self._parent(unit))

    def _read_units(self, kind: DirectoryKind) -> Iterator[Item]:
        yield from self._organizations()
        for unit in self._units().values():
            yield self._resource(kind, unit, home=self._parent(unit))
        yield from _left_out(kind, self._nameless_units)
        yield from self._doubts(kind)

    def _doubts(self, kind: DirectoryKind) -> tuple[Incomplete, ...]:
        customer = self._config.customer_id
        return self._rights.get(lambda: Rights.of(self._client, customer, self._administrator)).doubts(kind)

    # --- groups and users

    def _known_memberships(self) -> Memberships | ProviderError:
        """All memberships, or the error that kept them from being read. The first caller reads them."""
        return self._memberships.get(self._fetch_memberships)

    def _fetch_memberships(self) -> Memberships | ProviderError:
        found = Memberships()
        try:
            found.read(self._client, self._config.customer_id)
        except ProviderError as error:
            return error
        return found

    def _read_groups(self, kind: DirectoryKind) -> Iterator[Item]:
        known = self._known_memberships()
        if isinstance(known, ProviderError):
            raise known
        yield self._root()
        for group in known.groups:
            links = _member_of(known, group.raw["id"])
            yield self._resource(kind, group.attributes(), links=links, partial=bool(known.failed))
        yield from _left_out(kind, known.nameless)
        if known.failed:
            yield _of_some_groups(kind, known)

    def _read_users(self, kind: DirectoryKind) -> Iterator[Item]:
        yield from self._organizations()
        known = self._known_memberships()
        seen: set[str] = set()
        strays: list[str] = []
        left_out: list[Any] = []
        for user in self._list(kind, left_out):
            seen.add(user["id"])
            path = str(user.get("orgUnitPath") or "/")
            if path == "/" or path in self._units():
                yield self._user(kind, user, known)
            else:  # to put them elsewhere would move them, and the list of units may be what is wrong
                strays.append(path)
        # Afterwards, so that who is deleted meanwhile is in one of the lists, or in both.
        for user in self._list(kind, left_out, DELETED_USERS):
            if user["id"] not in seen:
                yield self._user(kind, {**user, "deleted": True}, known)
        if strays:
            count = f"{len(strays)} of {len(seen)} people, in units that {NAME} does not list ({min(strays)} is one), are left as they were"
            yield Incomplete(kind.sub_type, Outcome.ERROR, count)
        yield from _left_out(kind, left_out)
        yield from self._doubts(kind)

    def _user(self, kind: DirectoryKind, raw: Raw, known: Memberships | ProviderError) -> Resource:
        home = self._home(str(raw.get("orgUnitPath", "")))
        partial = isinstance(known, ProviderError) or bool(known.failed)
        links = () if isinstance(known, ProviderError) else _member_of(known, raw["id"])
        item = {name: value for name, value in raw.items() if name != "deleted"} | {"status": _status(raw)}
        return self._resource(kind, item, home=home, links=links, partial=partial)

    # --- roles and the rest

    def _read_plain(self, kind: DirectoryKind) -> Iterator[Item]:
        yield self._root()
        left_out: list[Any] = []
        for raw in self._list(kind, left_out):
            yield self._resource(kind, raw)
        yield from _left_out(kind, left_out)

    def _resource(self, kind: DirectoryKind, item: Raw, *, home: str = "", links: tuple[Link, ...] = (), partial: bool = False) -> Resource:
        """The resource of an item in the organization `home`; the customer itself is nobody's parent."""
        context = {"home": home if home != self._customer else ""}
        return self._shape.resource(kind, item, context, organization=home or self._customer, links=links, links_partial=partial)


_OR_PATH = ", or no path of their own"


def _left_out(kind: DirectoryKind, items: list[Any]) -> Iterator[Incomplete]:
    """The report of items that have no identity; none where there are none."""
    if items:
        shown = next((str(item["name"]) for item in items if isinstance(item, dict) and item.get("name")), "")
        named = f", one with the name {shown}" if shown else ""
        lacking = kind.listing.key + (_OR_PATH if kind is ORG_UNITS else "")
        they = "it has" if len(items) == 1 else "they have"
        text = f"{counted(len(items), 'item')} of '{kind.listing.what}' {are(len(items), past=True)} left out: {they} no {lacking}{named}"
        yield Incomplete(kind.sub_type, Outcome.ERROR, text)


def _of_some_groups(kind: DirectoryKind, known: Memberships) -> Incomplete:
    """The report of groups whose members could not be read: a note where it is some of them, an incomplete scope where it is all."""
    name, error = max(known.failed, key=lambda one: one[1].outcome.gravity)
    read = any(group.unreadable is None for group in known.groups)
    outcome = Outcome.COMPLETE if read else error.outcome
    count = f"{len(known.failed)} of {len(known.groups)} groups have members that could not be read, {name} among them"
    text = f"{count}; what is known of them stays: {error}"
    return Incomplete(kind.sub_type, outcome, text, getattr(error, "permission", ""))


def _member_of(known: Memberships, member: str) -> tuple[Link, ...]:
    return tuple(Link("member_of", group) for group in known.of(member))


def _status(user: Raw) -> str:
    """The state of a person in one word."""
    states = (("deleted", user.get("deleted")), ("archived", user.get("archived")), ("suspended", user.get("suspended")))
    return next((name for name, holds in states if holds), "active")
