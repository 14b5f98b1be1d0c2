"""LDAP directories: OpenLDAP, 389 Directory Server, Active Directory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.ldap.config import LdapConfig
from providers.provider import Provider, ResourceType, Source

_TEXTS = {
    "server": "LDAP_SERVER",
    "base_dn": "LDAP_BASE_DN",
    "bind_dn": "LDAP_BIND_DN",
    "bind_password": "LDAP_BIND_PASSWORD",
    "ca_cert": "LDAP_CA_CERT",
    "user_filter": "LDAP_USER_FILTER",
    "group_filter": "LDAP_GROUP_FILTER",
}
_SWITCHES = {"use_ssl": "LDAP_USE_SSL", "start_tls": "LDAP_START_TLS", "verify_cert": "LDAP_VERIFY_CERT"}


class Ldap(Provider):
    """Reads one directory."""

    name = "ldap"
    title = "LDAP"
    config = LdapConfig
    discovery = False
    connector = True

    def open(self, config: LdapConfig, operator: Mapping[str, str]) -> Source:  # noqa: ARG002 - it has no operator variables
        """Connects lazily."""
        from providers.ldap.source import Directory  # noqa: PLC0415 - the SDK is loaded by a job only

        return Directory(config)

    def connector_config(self, environment: Mapping[str, str]) -> dict[str, Any]:
        """From the LDAP_* variables."""
        config: dict[str, Any] = {key: environment[name] for key, name in _TEXTS.items() if environment.get(name)}
        for key, name in _SWITCHES.items():
            if environment.get(name):
                config[key] = environment[name].strip().lower() in ("true", "1", "yes", "on")
        if environment.get("LDAP_PORT"):
            config["port"] = int(environment["LDAP_PORT"])
        return config

    def resource_types(self) -> tuple[ResourceType, ...]:
        """Users, groups, organizational units."""
        kinds = (("ldap_ou", "organizational_unit"), ("ldap_user", "user"), ("ldap_group", "group"))
        return tuple(ResourceType(sub_type, entity_type, ("search",), ("read",)) for sub_type, entity_type in kinds)
