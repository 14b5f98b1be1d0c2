"""The config of the LDAP connector; every key is an environment variable of the worker: ``bind_dn`` is ``LDAP_BIND_DN``."""

from __future__ import annotations

import re
from typing import Annotated

from providers.ldap import dn as names
from providers.ldap.servers import Server, servers
from providers.schema import Secret, SourceConfig
from providers.variables import setting

_SEMICOLON = re.compile(r"(?<!\\);")
"""Separator of two DNs; one with a backslash before it belongs to a name."""

GROUPS = "(|(objectClass=group)(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup))"


class LdapConfig(SourceConfig, frozen=True):
    """The directory, the account that reads it, and the filters of users and groups."""

    server: Annotated[
        str,
        setting(
            "Host name of the directory server, as its certificate has it: `dc1.example.com`. Several, with commas between them, are "
            "tried in their order; each may have a port or a scheme: `dc1.example.com:3268,ldaps://dc2.example.com`."
        ),
    ]
    base_dn: Annotated[str, setting("Entry below which users, groups and organizational units are searched: `dc=example,dc=com`.")]
    port: Annotated[int, setting("Port of the server. Without a value: 636 with `LDAP_USE_SSL=true`, else 389.", ge=1, le=65535)] | None = (
        None
    )
    use_ssl: (
        Annotated[
            bool,
            setting(
                "`true`: LDAPS, encrypted from the first byte. `false`: the password goes unencrypted, with a warning, unless "
                "`LDAP_START_TLS=true`. Without a value: LDAPS on ports 636 and 3269, else StartTLS, and without it no password leaves "
                "this machine."
            ),
        ]
        | None
    ) = None
    start_tls: Annotated[bool, setting("`true`: StartTLS encrypts the plain connection before the bind, or the bind fails.")] | None = None
    verify_cert: Annotated[
        bool, setting("`false` accepts any certificate: whoever is in between can read the password. For tests only.")
    ] = True
    ca_cert: (
        Annotated[
            str,
            setting("File with the CA certificates for the server's certificate. Without: the system's.", file=True),
        ]
        | None
    ) = None
    bind_dn: Annotated[str, setting("Account to bind as: a DN, or `user@domain` for Active Directory. Without: anonymous.")] | None = None
    bind_password: Annotated[Secret, setting("Password of the account in `LDAP_BIND_DN`.")] | None = None
    user_filter: Annotated[
        str, setting("LDAP filter for users. Too wide a filter takes computers for people; too narrow a filter loses people.")
    ] = "(objectClass=person)"
    group_filter: Annotated[str, setting("LDAP filter for groups.")] = GROUPS
    page_size: Annotated[
        int,
        setting(
            "Entries asked for in one answer.",
            low="more round trips: slower on a distant server",
            high="Active Directory gives at most 1000 (MaxPageSize), and other servers may have a lower limit",
        ),
    ] = 500
    id_attribute: (
        Annotated[
            str,
            setting(
                "Attribute that holds the lasting id of each unit, group and user, instead of `entryUUID`, `objectGUID` or `nsUniqueId`. "
                "An entry without it is left out. Another attribute later makes every entry a new one."
            ),
        ]
        | None
    ) = None

    expected_references: (
        Annotated[
            str,
            setting(
                "DNs below the base that other servers hold and that are no part of this inventory, with `;` between them, such as other "
                "domains of a forest: `dc=emea,dc=example,dc=com`. Without, a directory that refers to one makes the sync partial, as what "
                "is there is not known; what was read there before is deleted once it is named here, under the guard. Active Directory's "
                "configuration and DNS zones need not be named."
            ),
        ]
        | None
    ) = None

    @property
    def expected_parts(self) -> tuple[str, ...]:
        """The DNs of `expected_references`."""
        return tuple(part.strip() for part in _SEMICOLON.split(self.expected_references or "") if part.strip())

    @property
    def servers(self) -> tuple[Server, ...]:
        """The servers of the directory, in the order in which they are tried."""
        return servers(self.server, self.port, False if self.start_tls else self.use_ssl)

    def __post_init__(self) -> None:
        """Cross-field rules; a complaint is a `ValueError`."""
        if self.use_ssl and self.start_tls:
            raise ValueError("`use_ssl` and `start_tls` exclude each other: LDAPS is encrypted from the start")
        if self.bind_dn and not self.bind_password:
            raise ValueError("`bind_dn` needs `bind_password`: a bind without a password succeeds as nobody")
        for name in ("user_filter", "group_filter"):
            text = getattr(self, name)
            if not text.startswith("(") or text.count("(") != text.count(")"):
                raise ValueError(f"`{name}` is not an LDAP filter: its parentheses do not match")
        if self.id_attribute and not re.fullmatch(r"[A-Za-z][A-Za-z0-9;-]*", self.id_attribute):
            raise ValueError("`id_attribute` is not the name of an attribute")
        for part in self.expected_parts:
            try:
                names.normal(part)
            except names.DnError as error:
                raise ValueError(f"`expected_references`: {error}") from None
        try:
            _ = self.servers
        except ValueError as error:
            raise ValueError(f"`server`: {error}") from None
        if not 1 <= self.page_size <= 1000:
            raise ValueError("`page_size` must be from 1 to 1000, which is the most that Active Directory gives")
