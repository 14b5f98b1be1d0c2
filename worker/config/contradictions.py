"""Settings that are right each by itself and wrong together, and values whose type says too little."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from worker.config import api_keys, login, proxies, telemetry


def contradictions(values: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each, from the values of the service's own settings by field."""
    if values.get("create_missing_organizations") is False and "default_organization_id" not in values:
        yield "CREATE_MISSING_ORGANIZATIONS=false needs DEFAULT_ORGANIZATION_ID: connectors would have nowhere to deliver"
    for one, other in (("cert", "key"), ("key", "cert")):
        if f"elder_api_tls_{one}" in values and f"elder_api_tls_{other}" not in values:
            yield f"ELDER_API_TLS_{one.upper()} is set but ELDER_API_TLS_{other.upper()} is not: TLS needs the certificate and its key"
    yield from api_keys.unusable(values)
    yield from login.contradictions(values)
    yield from telemetry.unusable(values)
    for field in ("elder_api_trusted_proxies", "elder_webhook_networks"):
        yield from proxies.unusable(values.get(field, ()), field.upper())
    if "elder_api_open_network" in values:
        yield from proxies.open_to_many(values["elder_api_open_network"])
    for port in values.get("discovery_allowed_ports", ()):
        if port != "*" and not (port.isdecimal() and 0 < int(port) < 65536):
            yield f"DISCOVERY_ALLOWED_PORTS: '{port}' is not a port: a number from 1 to 65535, or * for all"
    if "database_read_url" in values and "database_url" not in values:
        yield "DATABASE_READ_URL is set but DATABASE_URL is not: a replica alone cannot be written to"
    if "database_listen_url" in values and "database_url" not in values:
        yield "DATABASE_LISTEN_URL is set but DATABASE_URL is not: there are no jobs to be notified of"
