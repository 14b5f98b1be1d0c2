"""Reads a directory: units first, then who is a member of what, then groups and users, each with its memberships."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from providers.catalogue import shape
from providers.catalogue.kinds import ResourceKind
from providers.catalogue.rejected import Rejected
from providers.concurrency import Once
from providers.errors import DataError, ProviderError, ScopeError
from providers.ldap import catalogue, entries
from providers.ldap import dn as names
from providers.ldap.catalogue import GROUP, KINDS, UNIT, USER, LdapKind
from providers.ldap.client import Client
from providers.ldap.config import LdapConfig
from providers.ldap.entries import Raw
from providers.ldap.memberships import Memberships, required_members
from providers.provider import Item, Read, Source
from providers.records import Identity, Incomplete, Link, Organization, Scope

ROOT = "directory"
"""The id of the organization that stands for the directory itself."""

UNITS = "(objectClass=organizationalUnit)"

_STORED = {kind: catalogue.stored(kind) for kind in KINDS}


class LdapShape(shape.Shape):
    """Makes resources of entries."""

    def name(self, kind: ResourceKind, item: shape.Item, tags: Any, external_id: str) -> str:  # noqa: ARG002 - as every shape
        """The first value of the first of the kind's names that has one, else the DN."""
        found = (item.get(path) for path in kind.names)
        return str(next(filter(None, (one[0] if isinstance(one, list) else one for one in found)), item["dn"]))

    def plain(self, value: Any) -> Any:
        """The value; the several values of an attribute have no order of their own."""
        return sorted(value) if isinstance(value, list) else value


class Found:
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
        self._shape = LdapShape()
        self._account = ""
        self._units_once: Once[dict[str, Found]] = Once(kept=(ProviderError,))
        self._memberships_once: Once[Memberships] = Once(kept=(ProviderError,))
        self._homes: dict[str, str] = {}
        self._rejected = {kind: Rejected(kind.sub_type) for kind in KINDS}

    def check(self) -> Identity:
        """Binds, and looks at the base entry, whose own id is the directory's identity."""
        config = self._config
        base = self._client.base(config.base_dn, self._id_attributes("objectClass"))
        self._account = self._identity(base)
        connections = self._client.connections
        details = {"server": str(connections.server), "encryption": connections.encryption}
        if not self._client.pages(config.base_dn):
            details["paging"] = "none: all entries must come in one answer, below the directory's size limit for this account"
        return Identity(config.bind_dn or "anonymous", self._account, details)

    def plan(self) -> Iterator[Read]:
        """Units, groups, users, in this order."""
        for kind, read in ((UNIT, self._read_units), (GROUP, self._read_groups), (USER, self._read_users)):
            yield Read((Scope("ldap", self._account, "", kind.sub_type),), read)

    def close(self) -> None:
        """Unbinds."""
        self._client.close()

    def _identity(self, base: Raw) -> str:
        """The base entry's own id, whatever the server is called; its DN where the entry shows none."""
        for own in {self._config.id_attribute, None}:
            try:
                return entries.identity(base, own)
            except DataError:
                continue
        return names.normal(self._config.base_dn)

    def _id_attributes(self, *more: str) -> list[str]:
        return list(dict.fromkeys((*entries.IDENTITY, *filter(None, (self._config.id_attribute,)), *more)))

    def _found(self, query: str, attributes: Sequence[str], rejected: Rejected) -> Iterator[Found]:
        """Every entry that fits and can be stored; the others are counted."""
        seen = set[str]()
        for dn, raw in self._client.search(self._config.base_dn, query, self._id_attributes(*attributes)):
            shown = dn.decode(errors="backslashreplace")
            try:
                found = Found(dn.decode(), raw, self._config.id_attribute)
            except (DataError, ValueError) as error:  # a DN that is no UTF-8 or no DN
                rejected.add(error, shown)
                continue
            if self._config.id_attribute and found.external_id in seen:  # the directory's own ids are unique
                rejected.add(f"another entry has the same {self._config.id_attribute}, '{found.external_id}'", shown)
                continue
            if self._config.id_attribute:
                seen.add(found.external_id)
            yield found

    # --- units

    def _units(self) -> dict[str, Found]:
        """The units by their DN in the normal form, the upper ones first."""
        return self._units_once.get(self._find_units)

    def _find_units(self) -> dict[str, Found]:
        found = self._found(UNITS, catalogue.asked(UNIT), self._rejected[UNIT])
        return {unit.dn: unit for unit in sorted(found, key=lambda unit: unit.dn.count(","))}

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
        yield from self._rejected[UNIT].reports()

    # --- groups and users

    def _memberships(self) -> Memberships:
        return self._memberships_once.get(self._find_memberships)

    def _find_memberships(self) -> Memberships:
        found, rejected = Memberships(self._required_members()), Rejected(GROUP.sub_type)
        for group in self._found(self._config.group_filter, catalogue.MEMBERSHIPS, rejected):
            found.add(group.external_id, group.shown, group.raw)
        for report in rejected.reports():
            found.reject(report.message, "groups")
        return found

    def _required_members(self) -> dict[str, frozenset[str]]:
        """What groups must have by the server's schema; nothing where the schema cannot be read."""
        try:
            [schema] = self._client.base("", ["subschemaSubentry"])["subschemaSubentry"]
            return required_members(self._client.base(schema.decode(), ["objectClasses"]).get("objectClasses", ()))
        except (ProviderError, KeyError, ValueError):
            return {}

    def _known_memberships(self) -> tuple[Memberships, ScopeError | None]:
        """The memberships; without a group filter that can be read, none, and why."""
        try:
            return self._memberships(), None
        except ScopeError as error:
            return Memberships({}), error

    def _read_groups(self) -> Iterator[Item]:
        yield from self._organizations()
        known = self._memberships()  # before the search: a directory may keep the place in one paged search only
        for group in self._found(self._config.group_filter, catalogue.asked(GROUP), self._rejected[GROUP]):
            yield self._resource(GROUP, group, known.of_group(group.dn), partial=known.partial)
        yield from self._rejected[GROUP].reports()
        yield from known.reports(GROUP.sub_type)

    def _read_users(self) -> Iterator[Item]:
        yield from self._organizations()
        known, failure = self._known_memberships()
        for user in self._found(self._config.user_filter, catalogue.asked(USER), self._rejected[USER]):
            links = known.of_user(user.dn, user.raw)
            yield self._resource(USER, user, links, partial=known.partial or failure is not None)
        if failure:
            yield Incomplete.because(USER.sub_type, failure, "memberships")
        yield from self._rejected[USER].reports()
        yield from known.reports(USER.sub_type)

    def _item(self, kind: LdapKind, found: Found) -> dict[str, Any]:
        item = entries.item(found.raw, found.shown, _STORED[kind])
        return {**item, **entries.state(found.raw)} if kind is USER else item

    def _name(self, kind: LdapKind, found: Found) -> str:
        return self._shape.name(kind, self._item(kind, found), {}, found.external_id)

    def _resource(self, kind: LdapKind, found: Found, links: Sequence[Link] = (), *, partial: bool = False) -> Item:
        home = self._home(found.dn)
        context = {"id": found.external_id, **({"unit": home} if home != ROOT else {})}
        return self._shape.resource(kind, self._item(kind, found), context, organization=home, links=links, links_partial=partial)
