"""Reads a directory: units first, then who is a member of what, then groups and users, each with its memberships.

Memberships are kept as hashes of DNs, so that a directory of 100,000 users needs no more memory than its page.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator

from providers.errors import ScopeError
from providers.ldap import entries
from providers.ldap.client import Client
from providers.ldap.config import GROUPS, LdapConfig
from providers.ldap.entries import Raw
from providers.provider import Item, Read, Source
from providers.records import Identity, Link, Organization, Resource, Scope

ROOT = "directory"
UNITS = "(objectClass=organizationalUnit)"


class Directory(Source):
    """One directory, below one base DN."""

    concurrency = 1  # one connection, and users need what the groups have told

    def __init__(self, config: LdapConfig) -> None:
        self._config = config
        self._client = Client(config)

    def check(self) -> Identity:
        """Binds, and looks at the base."""
        config = self._config
        for _ in self._client.search(config.base_dn, "(objectClass=*)", ["objectClass"], "BASE"):
            pass
        return Identity(config.bind_dn or "anonymous", self._account, {"server": config.server})

    def plan(self) -> Iterator[Read]:
        """Units, groups, users, in this order."""
        config = self._config
        yield Read((self._scope("ldap_ou"),), self._read_units)
        yield Read((self._scope("ldap_group", config.group_filter, GROUPS),), self._read_groups)
        yield Read((self._scope("ldap_user", config.user_filter, LdapConfig("", "").user_filter),), self._read_users)

    def close(self) -> None:
        """Unbinds."""
        self._client.close()

    @property
    def _account(self) -> str:
        return f"{self._config.server}/{entries.normal(self._config.base_dn)}"

    def _scope(self, resource_type: str, query: str = "", usual: str = "") -> Scope:
        """Another filter sees other entries: it makes another scope."""
        return Scope("ldap", self._account, "", resource_type, query if query != usual else "")

    def _search(self, query: str, names: list[str]) -> Iterator[tuple[str, str, Raw]]:
        """(normal DN, id, attributes) of every entry that fits."""
        for dn, raw in self._client.search(self._config.base_dn, query, [*entries.IDENTITY, *names]):
            number = entries.identity(raw)
            if not number:
                raise ScopeError(
                    "the directory gives no entryUUID, objectGUID or nsUniqueId: the bind DN needs the right to read one of them"
                )
            yield entries.normal(dn), number, raw

    # --- units

    @functools.cached_property
    def _units(self) -> dict[str, tuple[str, Raw]]:
        """Normal DN -> (id, attributes); the upper ones first."""
        found = {dn: (number, raw) for dn, number, raw in self._search(UNITS, entries.UNIT)}
        return dict(sorted(found.items(), key=lambda item: item[0].count(",")))

    def _home(self, dn: str) -> str:
        """The id of the unit that an entry is in, or of the root."""
        up = entries.above(dn)
        while up:
            if up in self._units:
                return self._units[up][0]
            up = entries.above(up)
        return ROOT

    def _organizations(self) -> Iterator[Organization]:
        yield Organization(ROOT, f"LDAP: {self._config.server}")
        for dn, (number, raw) in self._units.items():
            yield Organization(number, _name(raw, "ou", dn), self._home(dn))

    def _read_units(self) -> Iterator[Item]:
        yield from self._organizations()
        for dn, (number, raw) in self._units.items():
            yield self._resource(dn, number, "organizational_unit", "ldap_ou", _name(raw, "ou", dn), entries.attributes(raw, entries.UNIT))

    # --- groups and users

    @functools.cached_property
    def _memberships(self) -> dict[int, list[str]]:
        """Hash of a member -> ids of the groups that name it, direct memberships only."""
        found: dict[int, list[str]] = {}
        for _, number, raw in self._search(self._config.group_filter, entries.MEMBERS):
            for name in ("member", "uniqueMember"):
                for value in raw.get(name) or ():
                    found.setdefault(_hash("dn", entries.normal(entries.text(value))), []).append(number)
            for value in raw.get("memberUid") or ():
                found.setdefault(_hash("uid", entries.text(value)), []).append(number)
            for value in raw.get("objectSid") or ():
                found.setdefault(_hash("sid", value.hex()), []).append(number)
        return found

    def _read_groups(self) -> Iterator[Item]:
        yield from self._organizations()
        known = self._memberships  # before the search: a directory may keep the place in one paged search only
        for dn, number, raw in self._search(self._config.group_filter, entries.GROUP):
            links = _links(known, _hash("dn", dn))
            yield self._resource(dn, number, "group", "ldap_group", _name(raw, "cn", dn), entries.attributes(raw, entries.GROUP), links)

    def _read_users(self) -> Iterator[Item]:
        yield from self._organizations()
        known = self._memberships
        for dn, number, raw in self._search(self._config.user_filter, [*entries.USER, *entries.STATE, *entries.PRIMARY_GROUP]):
            keys = [_hash("dn", dn), *(_hash("uid", entries.text(value)) for value in raw.get("uid") or ())]
            if primary := entries.primary_group(raw):
                keys.append(_hash("sid", primary.hex()))
            found = {**entries.attributes(raw, entries.USER), **entries.state(raw)}
            name = _name(raw, "displayName", "") or _name(raw, "cn", "") or _name(raw, "uid", dn)
            yield self._resource(dn, number, "user", "ldap_user", name, found, _links(known, *keys))

    def _resource(
        self, dn: str, number: str, entity_type: str, sub_type: str, name: str, attributes: dict[str, object], links: tuple[Link, ...] = ()
    ) -> Resource:
        home = self._home(dn)
        parent = home if home != ROOT else ""
        return Resource(number, entity_type, sub_type, name, {"dn": dn, **attributes}, {}, links, home, parent)


def _links(memberships: dict[int, list[str]], *keys: int) -> tuple[Link, ...]:
    groups = {group for key in keys for group in memberships.get(key, ())}
    return tuple(Link("member_of", group) for group in sorted(groups))


def _name(raw: Raw, attribute: str, otherwise: str) -> str:
    values = raw.get(attribute)
    return entries.text(values[0]) if values else otherwise


def _hash(kind: str, value: str) -> int:
    return int.from_bytes(hashlib.blake2b(f"{kind}:{value}".encode(), digest_size=8).digest(), "little")
