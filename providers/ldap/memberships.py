"""Direct memberships in groups, by any of the ways in which directories say who is in a group.

Members are kept as hashes, so that a directory of 100,000 users needs little more memory than one of its pages.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping

from providers.errors import Outcome
from providers.ldap import dn as names
from providers.ldap.catalogue import MEMBERS
from providers.ldap.entries import Raw, primary_group, text
from providers.records import UNREADABLE, Incomplete, Link

_CLASS = re.compile(r"NAME\s+(?:\(([^)]*)\)|('[^']*'))")
_REQUIRED = re.compile(r"MUST\s+(?:\(([^)]*)\)|(\S+))")


class Memberships:
    """Groups by their members. `required` is what a group must have by its object class (see `required_members`)."""

    def __init__(self, required: Mapping[str, frozenset[str]]) -> None:
        self._required = required
        self._groups: dict[int, list[str]] = {}
        self._hidden: list[tuple[str, str]] = []
        self._rejected: list[str] = []

    @property
    def partial(self) -> bool:
        """True when there are memberships that could not be read."""
        return bool(self._hidden or self._rejected)

    def add(self, group: str, dn: str, raw: Raw) -> None:
        """One group by its id, with the members that its entry names."""
        for name in MEMBERS:
            for value in raw.get(name) or ():
                self._add_dn(group, dn, value)
        for kind, attribute in (("uid", "memberUid"), ("gid", "gidNumber")):
            for value in raw.get(attribute) or ():
                self._add(kind, text(value), group)
        for value in raw.get("objectSid") or ():
            self._add("sid", value.hex(), group)
        for value in raw.get(UNREADABLE) or ():
            self.reject(dn, f"the directory does not go on with its {text(value)} after the first values")
        classes = [text(value).lower() for value in raw.get("objectClass") or ()]
        self._hidden += [(dn, name) for one in classes for name in self._required.get(one, ()) if not raw.get(name)]

    def reject(self, dn: str, reason: object) -> None:
        """A group some of whose members cannot be told."""
        self._rejected.append(f"'{dn[:200]}' ({reason})")

    def of_user(self, dn: str, raw: Raw) -> tuple[Link, ...]:
        """The groups of a user: by DN (in the normal form), by user name, and as the primary group by number or SID."""
        keys = [("dn", dn)]
        keys += [(kind, text(value)) for kind, name in (("uid", "uid"), ("gid", "gidNumber")) for value in raw.get(name) or ()]
        if primary := primary_group(raw):
            keys.append(("sid", primary.hex()))
        return self._links(keys)

    def of_group(self, dn: str) -> tuple[Link, ...]:
        """The groups that a group is in, by its DN in the normal form."""
        return self._links([("dn", dn)])

    def reports(self, resource_type: str) -> Iterator[Incomplete]:
        """The reasons why memberships of that type's resources are missing."""
        if self._hidden:
            dn, name = self._hidden[0]
            sentence = (
                f"memberships are not complete: {len(self._hidden)} group(s) show no '{name}', which their object class requires, "
                f"'{dn[:200]}' for one: the bind DN needs the right to read '{name}'"
            )
            yield Incomplete(resource_type, Outcome.DENIED, sentence, name)
        if self._rejected:
            sentence = f"memberships are not complete: {len(self._rejected)} cannot be read, the first in the group {self._rejected[0]}"
            yield Incomplete(resource_type, Outcome.ERROR, sentence)

    def _add_dn(self, group: str, dn: str, value: bytes) -> None:
        try:
            self._add("dn", names.normal(value.decode()), group)
        except ValueError as error:  # no UTF-8, or no DN
            self.reject(dn, error)

    def _add(self, kind: str, value: str, group: str) -> None:
        self._groups.setdefault(_hash(kind, value), []).append(group)

    def _links(self, keys: Iterable[tuple[str, str]]) -> tuple[Link, ...]:
        groups = {group for kind, value in keys for group in self._groups.get(_hash(kind, value), ())}
        return tuple(Link("member_of", group) for group in sorted(groups))


def required_members(object_classes: Iterable[bytes]) -> dict[str, frozenset[str]]:
    """Object class in lower case -> the attributes of members that an entry of it must have, by a server's schema (RFC 4512)."""
    found: dict[str, frozenset[str]] = {}
    for definition in map(text, object_classes):
        required = frozenset(_descriptors(_REQUIRED, definition)) & {*MEMBERS}
        found |= {name.lower(): required for name in _descriptors(_CLASS, definition) if required}
    return found


def _descriptors(pattern: re.Pattern[str], definition: str) -> list[str]:
    match = pattern.search(definition)
    return re.findall(r"[\w.-]+", match[1] or match[2]) if match else []


def _hash(kind: str, value: str) -> int:
    return int.from_bytes(hashlib.blake2b(f"{kind}:{value}".encode(errors="surrogatepass"), digest_size=8).digest(), "little")
