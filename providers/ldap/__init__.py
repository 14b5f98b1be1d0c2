"""LDAP directories: OpenLDAP, 389 Directory Server, Active Directory."""

from __future__ import annotations

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

    def open(self, config: LdapConfig, operator: NoSettings) -> Source:  # noqa: ARG002 - it has none
        """Makes no call yet: the source connects when it is read."""
        from providers.ldap.source import Directory  # noqa: PLC0415 - the SDK is loaded by a job only

        return Directory(config)

    def resource_types(self) -> tuple[ResourceType, ...]:
        """Users, groups, organizational units."""
        kinds = (("ldap_ou", "organizational_unit"), ("ldap_user", "user"), ("ldap_group", "group"))
        return tuple(ResourceType(sub_type, entity_type, ("search",), ("read",)) for sub_type, entity_type in kinds)
