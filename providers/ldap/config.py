"""The config of the LDAP connector, from the worker's environment."""

from __future__ import annotations

import msgspec

from providers.schema import Secret

GROUPS = "(|(objectClass=group)(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup))"


class LdapConfig(msgspec.Struct, frozen=True):
    """Which directory, as whom, and which of its entries are users and groups."""

    server: str
    base_dn: str
    port: int | None = None
    use_ssl: bool = False
    start_tls: bool = False
    verify_cert: bool = True
    ca_cert: str | None = None
    """File with the certificates of the CA, instead of the system's."""
    bind_dn: str | None = None
    """Empty: anonymous."""
    bind_password: Secret | None = None
    user_filter: str = "(objectClass=person)"
    group_filter: str = GROUPS
    page_size: int = 500

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
        if not 1 <= self.page_size <= 1000:
            raise ValueError("`page_size` must be from 1 to 1000, which is the most that Active Directory gives")
