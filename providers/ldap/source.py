"""Reads a directory: units first, then who is a member of what, then groups and users, each with its memberships."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from providers import expiry
from providers.catalogue import shape
from providers.catalogue.kinds import ResourceKind
from providers.catalogue.masking import Masking
from providers.concurrency import Once
from providers.errors import DataError, ProviderError, ScopeError
from providers.http.credential import Credential
from providers.ldap import catalogue, entries
from providers.ldap import dn as names
from providers.ldap.catalogue import GROUP, UNIT, USER, LdapKind
from providers.ldap.client import Client
from providers.ldap.config import LdapConfig
from providers.ldap.entries import Raw
from providers.ldap.memberships import Memberships, required_members
from providers.provider import Item, Read, Source
from providers.records import Identity, Incomplete, Link, Organization, Rejected, Resource, Scope

ROOT = "directory"
"""The id of the organization that stands for the directory itself."""

UNITS = "(objectClass=organizationalUnit)"


class LdapShape(shape.Shape):
    """Makes resources of entries."""

    def name(self, kind: ResourceKind, item: shape.Item, tags: Any, external_id: str) -> str:  # noqa: ARG002 - as every shape
        """The first value of the first of the kind's names that has one, else the DN."""
        found = (item.get(path) for path in kind.names)
        return str(next(filter(None, (one[0] if isinstance(one, list) else one for one in found)), item["dn"]))

    def plain(self, value: Any) -> Any:
        """The value; the several values of an attribute have no order of their own."""
        return sorted(value) if isinstance(value, list) else value


class DirectoryEntry:
    """One entry that can be stored: its DN in the normal form and as the server spells it, its id, its attributes."""

    __slots__ = ("dn", "external_id", "raw", "shown")

    def __init__(self, shown: str, raw: Raw, id_attribute: str | None) -> None:
        """Raises `DataError` or `DnError` for an entry that has no id or no name that can be read."""
        self.shown, self.raw = shown, raw
        self.dn = names.normal(shown)
        self.external_id = entries.identity(raw, id_attribute)


class Directory(Source):
    """One directory, below one base DN."""

    concurrency = 1  # one connection, and users need what the groups have told

    def __init__(self, config: LdapConfig) -> None:
        self._config = config
        self._client = Client(config)
        self._shape = LdapShape(config.ignore_fields, Masking(config.mask_names))
        self._account = ""
        self._units_once: Once[dict[str, DirectoryEntry]] = Once(kept=(ProviderError,))
        self._rejected_units: list[Rejected] = []
        self._memberships_once: Once[Memberships] = Once(kept=(ProviderError,))
        self._homes: dict[str, str] = {}

    def check(self) -> Identity:
        """Binds, and looks at the base entry, whose own id is the directory's identity."""
        config = self._config
        base = self._client.base(config.base_dn, self._id_attributes("objectClass"))
        self._account = self._identity(base)
        connections = self._client.connections
        details = {"server": str(connections.server), "encryption": connections.encryption}
        if not self._client.pages(config.base_dn):
            details["paging"] = "none: all entries must come in one answer, below the directory's size limit for this account"
        return Identity(config.bind_dn or "anonymous", self._account, details | self._expiry())

    def _expiry(self) -> dict[str, str]:
        """The end of the CA certificates that the directory's certificate is checked with, where the config names them."""
        checked = self._config.verify_cert and self._client.connections.encryption != "none"
        trusted = self._config.ca_cert if checked else None
        return expiry.details(expiry.of_authorities(Path(trusted).read_bytes())) if trusted else {}

    def plan(self) -> Iterator[Read]:
        """Units, groups, users, in this order."""
        for kind, read in ((UNIT, self._read_units), (GROUP, self._read_groups), (USER, self._read_users)):
            yield Read((Scope("ldap", self._account, "", kind.sub_type),), read)
        for kind in catalogue.PLAIN:
            yield Read((Scope("ldap", self._account, "", kind.sub_type),), functools.partial(self._read_plain, kind))

    @property
    def credential(self) -> Credential:
        """The verdict over the bind DN."""
        return self._client.connections.credential

    def close(self) -> None:
        """Unbinds from the server."""
        self._client.close()

    def _identity(self, base: Raw) -> str:
        """The base entry's own id, which stays when the server gets another name; its DN where the entry shows none.

        The operator's `id_attribute` comes first: an entry that shows another id too is the same directory in every run.
        """
        for id_attribute in dict.fromkeys((self._config.id_attribute, None)):
            try:
                return entries.identity(base, id_attribute)
            except DataError:
                continue
        return names.normal(self._config.base_dn)

    def _id_attributes(self, *more: str) -> list[str]:
        return list(dict.fromkeys((*entries.IDENTITY, *filter(None, (self._config.id_attribute,)), *more)))

    def _found(self, kind: LdapKind, query: str, attributes: Sequence[str]) -> Iterator[DirectoryEntry | Rejected]:
        """Every entry that fits, or the reason why it cannot be stored.

        Ids by the operator's `id_attribute` are checked for duplicates; those of the directory's own attributes are unique.
        """
        id_attribute, seen = self._config.id_attribute, set[str]()
        for dn, raw in self._client.search(self._config.base_dn, query, self._id_attributes(*attributes)):
            try:
                found = DirectoryEntry(dn.decode(), raw, id_attribute)
                if id_attribute:
                    _check_new(found.external_id, id_attribute, seen)
            except (DataError, ValueError) as error:  # no id; a DN that is not UTF-8, or not a DN
                yield Rejected(kind.sub_type, dn.decode(errors="backslashreplace"), str(error))
            else:
                yield found

    # --- units

    def _units(self) -> dict[str, DirectoryEntry]:
        """The units by their DN in the normal form, the upper ones first."""
        return self._units_once.get(self._find_units)

    def _find_units(self) -> dict[str, DirectoryEntry]:
        units = dict[str, DirectoryEntry]()
        for found in self._found(UNIT, UNITS, catalogue.asked(UNIT)):
            if isinstance(found, Rejected):
                self._rejected_units.append(found)
            elif found.dn in units:  # a directory that matches names by rules of its own
                self._rejected_units.append(Rejected(UNIT.sub_type, found.shown, f"another unit has the same name, '{found.dn[:200]}'"))
            else:
                units[found.dn] = found
        return dict(sorted(units.items(), key=lambda unit: unit[0].count(",")))

    def _home(self, dn: str) -> str:
        """The id of the unit that an entry is in, or of the root."""
        units, up = self._units(), names.parent(dn)
        if up not in self._homes:
            self._homes[up] = next((units[one].external_id for one in (up, *names.ancestors(up)) if one in units), ROOT)
        return self._homes[up]

    def _organizations(self) -> Iterator[Organization]:
        yield Organization(ROOT, f"LDAP: {self._config.servers[0].host}")
        for dn, unit in self._units().items():
            yield Organization(unit.external_id, self._name(UNIT, unit), self._home(dn))

    def _read_units(self) -> Iterator[Item]:
        yield from self._organizations()
        for unit in self._units().values():
            yield self._resource(UNIT, unit)
        yield from self._rejected_units
        yield from self._client.referrals.reports(UNIT.sub_type)

    def _read_plain(self, kind: LdapKind) -> Iterator[Item]:
        yield from self._organizations()
        for found in self._found(kind, catalogue.query(kind), catalogue.asked(kind)):
            yield found if isinstance(found, Rejected) else self._resource(kind, found)
        yield from self._client.referrals.reports(kind.sub_type)

    # --- groups and users

    def _memberships(self) -> Memberships:
        return self._memberships_once.get(self._find_memberships)

    def _find_memberships(self) -> Memberships:
        memberships = Memberships(self._required_members())
        for found in self._found(GROUP, self._config.group_filter, catalogue.MEMBERSHIPS):
            if isinstance(found, Rejected):
                memberships.reject(found.name, found.reason)
            else:
                memberships.add(found.external_id, found.shown, found.raw)
        return memberships

    def _required_members(self) -> dict[str, frozenset[str]]:
        """The attributes that groups must have by the server's schema; none where the schema cannot be read."""
        try:
            [schema] = self._client.base("", ["subschemaSubentry"])["subschemaSubentry"]
            return required_members(self._client.base(schema.decode(), ["objectClasses"]).get("objectClasses", ()))
        except (ProviderError, KeyError, ValueError):
            return {}

    def _known_memberships(self) -> tuple[Memberships, ScopeError | None]:
        """The memberships; when the groups cannot be read, no memberships, and the error."""
        try:
            return self._memberships(), None
        except ScopeError as error:
            return Memberships({}), error

    def _read_groups(self) -> Iterator[Item]:
        yield from self._organizations()
        known = self._memberships()  # before the search: a directory may keep the place in one paged search only
        partial = known.partial or bool(self._client.referrals.unread)
        for found in self._found(GROUP, self._config.group_filter, catalogue.asked(GROUP)):
            yield found if isinstance(found, Rejected) else self._resource(GROUP, found, known.of_group(found.dn), partial=partial)
        yield from known.reports(GROUP.sub_type)
        yield from self._client.referrals.reports(GROUP.sub_type)

    def _read_users(self) -> Iterator[Item]:
        yield from self._organizations()
        known, failure = self._known_memberships()
        partial = known.partial or failure is not None or bool(self._client.referrals.unread)
        for found in self._found(USER, self._config.user_filter, catalogue.asked(USER)):
            if isinstance(found, Rejected):
                yield found
            else:
                yield self._resource(USER, found, known.of_user(found.dn, found.raw), partial=partial)
        if failure:
            yield Incomplete.because(USER.sub_type, failure, "memberships")
        yield from known.reports(USER.sub_type)
        yield from self._client.referrals.reports(USER.sub_type)

    def _item(self, kind: LdapKind, found: DirectoryEntry) -> dict[str, Any]:
        item = entries.item(found.raw, found.shown, catalogue.stored(kind))
        return {**item, **entries.state(found.raw)} if kind is USER else item

    def _name(self, kind: LdapKind, found: DirectoryEntry) -> str:
        return self._shape.name(kind, self._item(kind, found), {}, found.external_id)

    def _resource(self, kind: LdapKind, found: DirectoryEntry, links: Sequence[Link] = (), *, partial: bool = False) -> Resource:
        home = self._home(found.dn)
        context = {"id": found.external_id, **({"unit": home} if home != ROOT else {})}
        return self._shape.resource(kind, self._item(kind, found), context, organization=home, links=links, links_partial=partial)


def _check_new(external_id: str, attribute: str, seen: set[str]) -> None:
    """Raises `DataError` for an id that another entry of the search has."""
    if external_id in seen:
        raise DataError(f"another entry has the same {attribute}, '{external_id[:200]}'")
    seen.add(external_id)
