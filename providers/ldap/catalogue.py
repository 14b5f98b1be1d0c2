"""Declarations of what is read of a directory: the object classes of each type, its fields, and the attributes that are only looked at.

Every attribute is checked by a test against the schemas of real servers (OpenLDAP, Samba's Active Directory, 389 Directory Server). What
is not named here is never asked for: passwords and keys in any form, photos, certificates, and what changes with every sign-in.
"""

from __future__ import annotations

from providers.catalogue.kinds import ResourceKind
from providers.ldap.entries import STATE
from providers.provider import ResourceType


class LdapKind(ResourceKind, frozen=True):
    """A type of entry: the object classes whose entries are of it, and attributes that are read and not stored."""

    classes: tuple[str, ...]
    read: tuple[str, ...] = ()


COMPUTED = ("dn", "enabled", "locked", "passwordExpired", "accountExpires")
"""Fields that are made of the entry, and are none of its attributes as they come."""

MEMBERS = ("member", "uniqueMember")
"""Attributes of a group that hold the DNs of its members."""

UNIT = LdapKind(
    "ldap_ou",
    "organizational_unit",
    "{id}",
    ("organizationalUnit",),
    name="ou",
    kept=("dn", "ou", "description", "objectClass"),
    parent="{unit}",
    unmasked=("dn",),
)

GROUP = LdapKind(
    "ldap_group",
    "group",
    "{id}",
    ("group", "groupOfNames", "groupOfUniqueNames", "posixGroup"),
    name="cn",
    kept=("dn", "cn", "sAMAccountName", "displayName", "description", "mail", "gidNumber", "groupType", "objectClass", "adminCount"),
    parent="{unit}",
    unmasked=("dn",),
)

MEMBERSHIPS = (*MEMBERS, "memberUid", "objectSid", "gidNumber", "objectClass")
"""Attributes of a group that are read for memberships."""

USER = LdapKind(
    "ldap_user",
    "user",
    "{id}",
    ("person", "organizationalPerson", "inetOrgPerson", "user", "posixAccount"),
    ("uid", "gidNumber", "primaryGroupID", "objectSid", *STATE),
    name=("displayName", "cn", "uid"),
    kept=(
        "dn", "uid", "sAMAccountName", "userPrincipalName", "cn", "displayName", "givenName", "sn", "mail", "title", "department",
        "employeeNumber", "employeeType", "telephoneNumber", "manager", "description", "objectClass", "whenCreated", "createTimestamp",
        "adminCount", "enabled", "locked", "passwordExpired", "accountExpires",
    ),
    parent="{unit}",
    unmasked=("dn", "manager", "passwordExpired"),
)  # fmt: skip

PLAIN: tuple[LdapKind, ...] = (
)  # fmt: skip
"""Types of which each entry with one of the classes is a resource, without memberships."""

KINDS = (UNIT, GROUP, USER, *PLAIN)

RESOURCE_TYPES = tuple(ResourceType(kind.sub_type, kind.entity_type, ("search",), ("read",)) for kind in KINDS)


def stored(kind: LdapKind) -> tuple[str, ...]:
    """The attributes that are stored as they come."""
    return tuple(name for name in kind.kept or () if name not in COMPUTED)


def query(kind: LdapKind) -> str:
    """The search filter for the entries of a type."""
    return f"(|{''.join(f'(objectClass={name})' for name in kind.classes)})"


def asked(kind: LdapKind) -> tuple[str, ...]:
    """The attributes that are asked for, apart from the entry's id."""
    return tuple(dict.fromkeys((*stored(kind), *kind.read)))
