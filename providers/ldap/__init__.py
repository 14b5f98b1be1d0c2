"""LDAP directories: OpenLDAP, 389 Directory Server, Active Directory."""

from __future__ import annotations

from collections.abc import Iterable

from providers.address import is_loopback
from providers.catalogue.kinds import ResourceKind
from providers.ldap.catalogue import KINDS, RESOURCE_TYPES
from providers.ldap.config import LdapConfig
from providers.provider import Provider, ResourceType, Source
from providers.variables import NoSettings


class Ldap(Provider):
    """Reads the users, groups and units of one directory."""

    name = "ldap"
    title = "LDAP"
    config = LdapConfig
    discovery = False
    connector = LdapConfig
    sdk = ("ldap3",)
    memory_mb = 64
    ports = (389, 636, 3268, 3269)  # of servers that are named without one

    def open(self, config: LdapConfig, operator: NoSettings) -> Source:  # noqa: ARG002 - it has none
        """Makes no call yet: the source connects when it is read."""
        from providers.ldap.source import Directory  # noqa: PLC0415 - the SDK is loaded by a job only

        return Directory(config)

    def kinds(self) -> Iterable[ResourceKind]:
        """Returns all kinds of the catalogue."""
        return KINDS

    def resource_types(self) -> tuple[ResourceType, ...]:
        """All types of the catalogue."""
        return RESOURCE_TYPES

    def warnings(self, config: LdapConfig) -> tuple[str, ...]:
        """The server to which a password is sent unencrypted, as the operator says."""
        if config.use_ssl is not False or config.start_tls or not config.bind_password:
            return ()
        hosts = ", ".join(str(server) for server in config.servers if not is_loopback(server.host))
        return (f"LDAP_USE_SSL=false sends the password of '{config.bind_dn}' unencrypted to {hosts}",) if hosts else ()
