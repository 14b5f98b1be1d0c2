"""Reads a Google Workspace customer.

Users say by path in which unit they are, and groups, not users, know who is a member: so users wait for both. Without the units, users
are not read; without the members of a group, users are, and keep the memberships that are known of them.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

from providers.concurrency import Once
from providers.errors import CredentialsError, Outcome, ProviderError, ScopeError
from providers.google.operator import GoogleOperator
from providers.google_workspace.catalogue import DELETED_USERS, DOMAINS, GROUPS, ORG_UNITS, ROLE_ASSIGNMENTS, ROLES, USERS, Kind
from providers.google_workspace.client import NAME, Client
from providers.google_workspace.config import GoogleWorkspaceConfig
from providers.google_workspace.members import Memberships
from providers.provider import Item, Read, Source
from providers.records import Identity, Incomplete, Link, Organization, Resource, Scope

Raw = Mapping[str, Any]


class Directory(Source):
    """One customer, seen by one administrator."""

    def __init__(self, config: GoogleWorkspaceConfig, operator: GoogleOperator) -> None:
        self._config = config
        self._client = Client(config, operator)
        self._unit_table = Once[dict[str, dict[str, Any]]]()
        self._memberships = Once[Memberships | ProviderError]()

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
        yield self._read(ROLES, self._read_plain)
        yield self._read(ROLE_ASSIGNMENTS, self._read_assignments)
        yield self._read(DOMAINS, self._read_plain)

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _read(self, kind: Kind, fetch: Any) -> Read:
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

    def _list(self, kind: Kind) -> Iterator[dict[str, Any]]:
        return self._client.list(kind.listing, kind.scope, customer=self._config.customer_id)

    # --- units

    def _units(self) -> dict[str, dict[str, Any]]:
        """Path -> unit, the upper ones first. Read once; an error is not kept, so that each read tells its own."""
        return self._unit_table.get(self._fetch_units)

    def _fetch_units(self) -> dict[str, dict[str, Any]]:
        found = sorted(self._list(ORG_UNITS), key=lambda unit: (str(unit.get("orgUnitPath")).count("/"), str(unit.get("orgUnitPath"))))
        return {str(unit.get("orgUnitPath")): unit for unit in found}

    def _home(self, path: str) -> str:
        """The organization of what is in the unit with this path: the unit, or the nearest known one above, or the customer."""
        units = self._units()
        while path.strip("/"):
            if path in units:
                return str(units[path]["orgUnitId"])
            path = path.rpartition("/")[0]
        return self._customer

    @functools.cached_property
    def _unit_ids(self) -> frozenset[str]:
        return frozenset(str(unit["orgUnitId"]) for unit in self._units().values())

    def _above(self, unit: Raw) -> str:
        """The organization that a unit is in."""
        parent = str(unit.get("parentOrgUnitId", ""))
        return parent if parent in self._unit_ids else self._home(str(unit.get("parentOrgUnitPath", "")))

    def _root(self) -> Organization:
        return Organization(self._customer, NAME)

    def _organizations(self) -> Iterator[Organization]:
        yield self._root()
        for path, unit in self._units().items():
            yield Organization(str(unit["orgUnitId"]), str(unit.get("name") or path), self._above(unit))

    def _read_units(self, kind: Kind) -> Iterator[Item]:
        yield from self._organizations()
        for unit in self._units().values():
            home = self._above(unit)
            yield self._resource(kind, unit, home=home, parent=home)

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

    def _read_groups(self, kind: Kind) -> Iterator[Item]:
        known = self._known_memberships()
        if isinstance(known, ProviderError):
            raise known
        yield self._root()
        for group in known.groups:
            links = _member_of(known, group.raw["id"])
            yield self._resource(kind, group.raw, attributes=group.attributes(), links=links, partial=bool(known.failed))
        if known.failed:
            name, error = known.failed[0]
            count = f"{len(known.failed)} of {len(known.failed) + len(known.groups)} groups have members that could not be read"
            outcome = error.outcome if isinstance(error, ScopeError) else Outcome.ERROR
            yield Incomplete(kind.sub_type, outcome, f"{count}, {name} among them: {error}", getattr(error, "permission", ""))

    def _read_users(self, kind: Kind) -> Iterator[Item]:
        yield from self._organizations()
        known = self._known_memberships()
        seen: set[str] = set()
        strays: list[str] = []
        for user in self._list(kind):
            seen.add(user["id"])
            path = str(user.get("orgUnitPath") or "/")
            if path == "/" or path in self._units():
                yield self._user(kind, user, known)
            else:  # to put them elsewhere would move them, and the list of units may be what is wrong
                strays.append(path)
        # Afterwards, so that who is deleted meanwhile is in one of the lists, or in both.
        for user in self._client.list(DELETED_USERS, kind.scope, customer=self._config.customer_id):
            if user["id"] not in seen:
                yield self._user(kind, {**user, "deleted": True}, known)
        if strays:
            count = f"{len(strays)} of {len(seen)} people, in units that {NAME} does not list ({min(strays)} is one), are left as they were"
            yield Incomplete(kind.sub_type, Outcome.ERROR, count)

    def _user(self, kind: Kind, raw: Raw, known: Memberships | ProviderError) -> Resource:
        home = self._home(str(raw.get("orgUnitPath", "")))
        partial = isinstance(known, ProviderError) or bool(known.failed)
        links = () if isinstance(known, ProviderError) else _member_of(known, raw["id"])
        attributes = {name: value for name, value in raw.items() if name != "deleted"} | {"status": _status(raw)}
        return self._resource(kind, raw, home=home, parent=home, attributes=attributes, links=links, partial=partial)

    # --- roles and the rest

    def _read_assignments(self, kind: Kind) -> Iterator[Item]:
        yield self._root()
        for raw in self._list(kind):
            links = [Link("has_role", ROLES.external_id.format(key=raw["roleId"]))] if raw.get("roleId") else []
            links += [Link("granted_to", str(raw["assignedTo"]))] if raw.get("assignedTo") else []
            if unit := str(raw.get("orgUnitId") or ""):
                links.append(Link("limited_to", unit if unit.startswith("id:") else f"id:{unit}"))
            yield self._resource(kind, raw, links=tuple(links))

    def _read_plain(self, kind: Kind) -> Iterator[Item]:
        yield self._root()
        for raw in self._list(kind):
            yield self._resource(kind, raw)

    def _resource(
        self,
        kind: Kind,
        raw: Raw,
        *,
        home: str = "",
        parent: str = "",
        attributes: dict[str, Any] | None = None,
        links: tuple[Link, ...] = (),
        partial: bool = False,
    ) -> Resource:
        key = str(raw[kind.listing.key])
        return Resource(
            kind.external_id.format(key=key),
            kind.entity_type,
            kind.sub_type,
            str(raw.get(kind.name) or key),
            _ordered(kind, raw if attributes is None else attributes),
            {},
            links,
            home or self._customer,
            parent if parent != self._customer else "",
            links_partial=partial,
        )


def _member_of(known: Memberships, member: str) -> tuple[Link, ...]:
    return tuple(Link("member_of", group) for group in known.of(member))


def _ordered(kind: Kind, attributes: Raw) -> dict[str, Any]:
    """Lists that are sets in one order: the API promises none."""
    return {name: sorted(value, key=str) if name in kind.unordered else value for name, value in attributes.items()}


def _status(user: Raw) -> str:
    """One word for what a person can still do."""
    states = (("deleted", user.get("deleted")), ("archived", user.get("archived")), ("suspended", user.get("suspended")))
    return next((name for name, holds in states if holds), "active")
