"""Every setting of the service, declared once: name, type, default, bounds, whether it is a secret, and what it does.

An attribute is the environment variable in lower case. Any variable may come as ``NAME_FILE`` instead, with the path of a file that holds
the value; an empty value means "not set". All complaints come at once. What sources and connectors need is in `worker.config.sources`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from providers.schema import secret_names
from worker.config.environment import Reader, SettingsError
from worker.config.sources import SourceSettings, operator_names

TESTS_AT_ONCE = 3
"""Connectivity tests, so that one that hangs does not hold up the others; a process of the API lets as many wait."""


def _meta(description: str, *, ge: float | None = None, le: float | None = None, secret: bool = False) -> Meta:
    return Meta(description=description, ge=ge, le=le, extra={"secret": True} if secret else None)


class Settings(SourceSettings, frozen=True, kw_only=True):
    """Of the service and of its sources. Times are in seconds, sizes in MB."""

    database_url: Annotated[
        str, _meta("PostgreSQL of the worker and the API. Without it no discovery jobs run; connectors do.", secret=True)
    ] = ""
    database_read_url: Annotated[str, _meta("A replica that is asked whether jobs are due; the primary confirms.", secret=True)] = ""
    elder_api_url: Annotated[str, _meta("Where the connectors deliver.")] = "http://api:5000"
    elder_api_key: Annotated[str, _meta("Bearer key of the API; the API asks for it unless it listens on loopback.", secret=True)] = ""
    elder_api_host: Annotated[str, _meta("Address that the API listens on.")] = "127.0.0.1"
    elder_api_port: Annotated[int, _meta("Port of the API.", ge=1, le=65535)] = 5000
    elder_secret_keys: Annotated[
        tuple[str, ...], _meta("Fernet keys for secrets at rest: the first encrypts, all decrypt.", secret=True)
    ] = ()
    health_check_host: Annotated[str, _meta("Address of /healthz, /readyz, /status and /metrics.")] = "0.0.0.0"  # noqa: S104 - as documented
    health_check_port: Annotated[int, _meta("Port of the same.", ge=1, le=65535)] = 8000

    discovery_poll_interval: Annotated[float, _meta("Between two looks for due jobs; a new job is notified and starts at once.", ge=1)] = (
        300
    )
    discovery_max_concurrent: Annotated[int, _meta("Discovery jobs that run at once.", ge=1, le=1000)] = 2
    discovery_job_timeout: Annotated[float, _meta("A job that runs longer is killed and ends as error/timeout.", ge=1)] = 3600
    discovery_idle_timeout: Annotated[float, _meta("A job without evidence of progress for so long is killed: error/idle.", ge=1)] = 300
    discovery_kill_grace: Annotated[float, _meta("From SIGTERM to SIGKILL.", ge=0, le=300)] = 5
    discovery_job_memory_mb: Annotated[int, _meta("Cap on a job's memory; derived from the container's limit, else 512.", ge=32)] | None = (
        None
    )
    discovery_confine_files: Annotated[
        bool, _meta("Landlock keeps jobs from files that are not theirs, where the kernel has it; off, if a source needs others.")
    ] = True
    discovery_allowed_paths: Annotated[tuple[str, ...], _meta("Folders whose files a job's config may name.")] = ("/var/run/secrets",)
    connector_max_concurrent: Annotated[int, _meta("Connectors that sync at once.", ge=1, le=100)] = 2
    connector_sync_timeout: Annotated[float, _meta("A sync that runs longer is killed.", ge=1)] = 3600
    shutdown_grace: Annotated[
        float, _meta("How long running jobs may go on after SIGTERM; below the container's own grace.", ge=0, le=3600)
    ] = 25
    lease_ttl: Annotated[float, _meta("A worker that does not renew its claim for so long has lost the job.", ge=3)] = 30
    mass_delete_guard: Annotated[float, _meta("Share of a scope that may be marked as gone at once; more is held back.", ge=0, le=1)] = 0.1

    sync_on_startup: Annotated[bool, _meta("Whether connectors sync at the start, and not only after their interval.")] = True
    sync_batch_size: Annotated[int, _meta("Entities in one request to the API.", ge=1, le=10_000)] = 500
    sync_max_retries: Annotated[int, _meta("How often a failed request, and a failed sync, is tried again.", ge=0, le=100)] = 3
    default_organization_id: Annotated[int, _meta("Organization of what has none of its own.", ge=1)] | None = None
    create_missing_organizations: Annotated[bool, _meta("Whether connectors make organizations; false needs DEFAULT_ORGANIZATION_ID.")] = (
        True
    )

    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], _meta("The least that is logged.")] = "INFO"
    log_format: Annotated[Literal["json", "text"], _meta("One JSON object a line, or text for people.")] = "json"

    given: dict[str, str] = {}  # noqa: RUF012 - msgspec copies it
    """The variables that concern sources, as they were given (``NAME_FILE`` resolved)."""

    def environment(self) -> dict[str, str]:
        """For `Provider.connector_config` and for operator values."""
        return dict(self.given)

    def pools(self) -> dict[str, int]:
        """Pool -> processes at once."""
        return {"discovery": self.discovery_max_concurrent, "connector": self.connector_max_concurrent, "test": TESTS_AT_ONCE}

    def secret_values(self) -> list[str]:
        """Every secret in here, for a redactor."""
        found: list[str] = []
        for name in secret_fields():
            value = getattr(self, name)
            found += [value] if isinstance(value, str) else value
        return [value for value in found if value]

    def without_secrets(self) -> Settings:
        """For a process that needs none."""
        return msgspec.structs.replace(self, given={}, **{name: type(getattr(self, name))() for name in secret_fields()})

    def __repr__(self) -> str:
        """Without secrets."""
        hidden = secret_fields() | {"given"}
        names = (field.name for field in msgspec.structs.fields(self) if field.name not in hidden)
        return f"Settings({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"


def load(environ: Mapping[str, str]) -> Settings:
    """The settings, from an environment. Raises `SettingsError` with every complaint."""
    reader = Reader(environ)
    values = reader.values(Settings, skip=frozenset({"given"}))
    reader.unknown_names({field.name.upper(): field.name for field in msgspec.structs.fields(Settings)})
    reader.complaints += _contradictions({**defaults(), **values})
    if reader.complaints:
        raise SettingsError(tuple(reader.complaints))
    return Settings(**values, given={name: value for name in operator_names() if (value := reader.text(name))})


def defaults() -> dict[str, object]:
    """Name -> default."""
    return {field.name: getattr(Settings(), field.name) for field in msgspec.structs.fields(Settings)}


def secret_fields() -> frozenset[str]:
    """Of `Settings`, those that hold secrets."""
    return secret_names(Settings)


def _contradictions(values: Mapping[str, object]) -> list[str]:
    found = []
    if values["create_missing_organizations"] is False and values["default_organization_id"] is None:
        found.append("CREATE_MISSING_ORGANIZATIONS=false needs DEFAULT_ORGANIZATION_ID: connectors would have nowhere to deliver")
    if values["database_read_url"] and not values["database_url"]:
        found.append("DATABASE_READ_URL is set but DATABASE_URL is not: a replica alone cannot be written to")
    for connector, needed in CONNECTOR_NEEDS.items():
        missing = [name.upper() for name in needed if values[f"{connector}_enabled"] and not values[name]]
        if missing:
            found.append(f"{connector.upper()}_ENABLED=true needs {' and '.join(missing)}")
    return found


CONNECTOR_NEEDS = {
    "ldap": ("ldap_server", "ldap_base_dn"),
    "okta": ("okta_domain", "okta_api_token"),
    "authentik": ("authentik_domain", "authentik_api_token"),
    "google_workspace": ("google_workspace_credentials_path", "google_workspace_admin_email"),
}
"""Connector -> what it cannot do without."""
