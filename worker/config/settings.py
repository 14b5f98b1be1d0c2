"""Every setting of the service, declared once: name, type, default, bounds, whether it is a secret, and what it does.

A field is the environment variable in lower case. Any variable may come as ``NAME_FILE`` instead, with the path of a file that holds the
value; an empty value means "not set". All complaints come at once. The settings of each provider are declared by the provider itself and
read by `worker.config.sources`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from providers import registry
from providers.http import proxy
from providers.variables import NO_VARIABLE, setting, variables
from worker.config import api_keys, foreign, references, sources, telemetry, transport
from worker.config.contradictions import contradictions
from worker.config.environment import Reader, SettingsError
from worker.config.foreign import Packages
from worker.config.sources import SourceSettings
from worker.config.telemetry import TelemetrySettings

TESTS_AT_ONCE = 3
"""Connectivity tests that run at once, so that one that hangs does not hold up the others; a process of the API lets as many wait."""

PREFIXES = ("DISCOVERY_", "CONNECTOR_", "SYNC_", "HEALTH_CHECK_", "ELDER_", "LEASE_", "SECRET_REFERENCE_")
"""Names that begin so are the service's: one that no setting has is a mistake."""


class Settings(TelemetrySettings, frozen=True, kw_only=True):
    """The settings of the service. Times are in seconds, sizes in MB (2**20 bytes)."""

    discovery_poll_interval: Annotated[
        float,
        setting(
            "Seconds between two looks for due discovery jobs. A new job starts at once all the same: the database notifies the worker.",
            ge=1,
            low="queries for nothing",
            high="scheduled jobs start late, by up to this",
        ),
    ] = 300
    discovery_max_concurrent: Annotated[
        int,
        setting(
            "Discovery jobs that run at once. The container's memory may allow fewer: the log says so at the start.",
            ge=1,
            le=1000,
            low="jobs wait for each other",
            high="jobs share the processors and finish late; each job's memory cap is smaller",
        ),
    ] = 2
    discovery_job_timeout: Annotated[
        float,
        setting(
            "Seconds after which a discovery job is killed; it ends as `error` (`timeout`), and what it has found is kept.",
            ge=1,
            low="large accounts are never read to their end",
            high="a job that makes no headway holds its slot for long",
        ),
    ] = 3600
    discovery_idle_timeout: Annotated[
        float,
        setting(
            "Seconds without evidence of progress after which a job is killed; it ends as `error` (`idle`).",
            ge=1,
            low="a source that is slow to answer is taken for a hung one",
            high="a hung job holds its slot for so long",
        ),
    ] = 300
    discovery_kill_grace: Annotated[
        float,
        setting(
            "Seconds from SIGTERM to SIGABRT when a job is killed; SIGKILL follows 0.25 s later. At both it says where it was stuck. "
            "At 0 it is killed at once, and says nothing.",
            ge=0,
            le=300,
            low="the stacks of a hung job are missing from its history",
            high="a job that ignores SIGTERM holds its slot for longer",
        ),
    ] = 5
    discovery_job_memory_mb: (
        Annotated[
            int,
            setting(
                "Memory in MB that one job may use. Without: 512, or what the container's limit leaves for each slot. More than the "
                "container leaves for jobs stops the start.",
                ge=32,
                low="jobs end as `error` (`memory`); `elder-worker providers` says what each provider needs",
                high="fewer jobs run at once in a container with a limit",
            ),
        ]
        | None
    ) = None
    discovery_confine_files: Annotated[
        bool,
        setting("Landlock keeps jobs from files that are not theirs, where the kernel has it. `false`: jobs may read what the worker may."),
    ] = True
    discovery_allowed_paths: Annotated[
        tuple[str, ...],
        setting(
            "Folders, with commas, whose files a job's config may name. A file elsewhere is refused, and one that a setting of the worker "
            "names."
        ),
    ] = ("/var/run/secrets",)
    discovery_allowed_ports: Annotated[
        tuple[str, ...],
        setting(
            "TCP ports, with commas, that every job may connect to beside 443, DNS, the proxy's and those in its config and settings. A "
            "connection to another port ends with a sentence that names it. `*`: all ports, that of metadata services included."
        ),
    ] = ()
    connector_max_concurrent: Annotated[
        int,
        setting(
            "Connectors that sync at once.",
            ge=1,
            le=100,
            low="connectors wait for each other",
            high="syncs share the processors and the memory of the container",
        ),
    ] = 2
    connector_sync_timeout: Annotated[
        float,
        setting(
            "Seconds after which a sync is killed; what it has delivered is kept.",
            ge=1,
            low="large directories are never read to their end",
            high="a sync that makes no headway holds its slot for long",
        ),
    ] = 3600
    shutdown_grace: Annotated[
        float,
        setting(
            "Seconds that running jobs may go on after SIGTERM. It must be below the container's own grace (30 s in Kubernetes).",
            ge=0,
            le=3600,
            low="jobs are cut off at each restart and begin again",
            high="the container is killed before the worker has stored how its jobs ended",
        ),
    ] = 25
    lease_ttl: Annotated[
        float,
        setting(
            "Seconds after which a worker that does not renew its claim has lost the job. A claim is renewed three times in it.",
            ge=3,
            low="a short outage of the database ends the running jobs",
            high="the jobs of a worker that died wait for so long",
        ),
    ] = 30
    outage_grace: Annotated[
        float,
        setting(
            "Seconds that a running job goes on while the database does not answer. It waits where it cannot hand on what it has found; "
            "nothing is stored twice, as another worker that takes the job over makes later writes of this one void.",
            ge=0,
            le=86_400,
            low="an outage that is longer than `LEASE_TTL` ends the running jobs, and they begin again",
            high="jobs whose worker is cut off from the database for good go on for so long, and others take them over later",
        ),
    ] = 300
    mass_delete_guard: Annotated[
        float,
        setting(
            "Share of a scope's entities, or of its links of one type, that one run may delete. More is held back until an operator "
            "releases it. Up to 20 always pass; of an attribute that most entities have, one half may go. At 1, nothing is held back.",
            ge=0,
            le=1,
            low="ordinary clean-up waits for an operator",
            high="a source that wrongly says `nothing there` empties the inventory",
        ),
    ] = 0.1

    worker_queues: Annotated[
        tuple[str, ...],
        setting(
            "Queues that this worker serves, with commas: it runs the jobs whose `queue` is one of them. A network zone or an image with "
            "fewer SDKs gets a queue of its own. A queue that no worker serves keeps its jobs pending, with that reason shown.",
        ),
    ] = ("default",)

    sync_on_startup: Annotated[bool, setting("Connectors sync at the start. `false`: each waits for its interval first.")] = True
    sync_batch_size: Annotated[
        int,
        setting(
            "Entities in one request to the Elder API.",
            ge=1,
            le=10_000,
            low="many requests: slow",
            high="a request that fails is sent again whole, and takes long",
        ),
    ] = 500
    sync_max_retries: Annotated[
        int,
        setting(
            "Times that a failed request, and a failed sync, is tried again.",
            ge=0,
            le=100,
            low="a short disturbance fails the sync until its next interval",
            high="the error of an API that is down is shown late",
        ),
    ] = 3
    default_organization_id: (
        Annotated[int, setting("Organization of entities that have none of their own. Without: one is made for each account.", ge=1)] | None
    ) = None
    create_missing_organizations: Annotated[
        bool, setting("Connectors create the organizations that they find. `false` needs `DEFAULT_ORGANIZATION_ID`.")
    ] = True

    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], setting("The lowest level that is logged.")] = "INFO"
    log_format: Annotated[Literal["json", "text"], setting("`json`: one object a line. `text`: for people.")] = "json"

    elder_postgres_bin: Annotated[
        str, setting("Folder with the programs of PostgreSQL, for `elder-worker up`. Without: those of the pip package, else the system's.")
    ] = ""

    sources: Annotated[dict[str, SourceSettings], NO_VARIABLE] = {}  # noqa: RUF012 - msgspec copies it for each instance
    """The settings of each provider, by its name."""
    packages: Annotated[Packages, NO_VARIABLE] = Packages()
    """The third parties' providers that this process has had described."""
    warnings: Annotated[tuple[str, ...], NO_VARIABLE] = ()
    """Warnings about settings that work and may not be meant; shown at each start, in ``check`` and in /status."""

    def enabled(self, provider: str) -> bool | None:
        """The provider's switch (``AWS_ENABLED``); None when it is not set."""
        return source.enabled if (source := self.sources.get(provider)) else None

    def connectors(self) -> dict[str, SourceSettings]:
        """Every connector that there is, switched on or not."""
        return {name: source for name, source in self.sources.items() if source.description.connector is not None}

    def runnable_providers(self) -> tuple[str, ...]:
        """The providers whose discovery jobs this worker can run: installed here, and not switched off."""
        return tuple(name for name, source in self.sources.items() if source.runs_jobs)

    def pools(self) -> dict[str, int]:
        """Pool -> processes at once."""
        return {"discovery": self.discovery_max_concurrent, "connector": self.connector_max_concurrent, "test": TESTS_AT_ONCE}

    def secret_values(self) -> list[str]:
        """Every secret in the settings, for a redactor."""
        own = (getattr(self, one.field) for one in variables(Settings) if one.secret)
        found = [part for value in own for part in ([value] if isinstance(value, str) else value)]
        others = (secret for one in self.sources.values() for secret in one.secret_values())
        return [value for value in (*found, *self.otlp_secrets(), *self.referenced.values(), *others) if value]

    def without_secrets(self) -> Settings:
        """A copy for a process that needs no secrets."""
        bare = {name: source.without_secrets() for name, source in self.sources.items()}
        empty = {one.field: type(getattr(self, one.field))() for one in variables(Settings) if one.secret}
        return msgspec.structs.replace(self, sources=bare, referenced={}, **empty)

    def shown(self) -> dict[str, Any]:
        """Every setting that is not a secret, by its variable in lower case: for /status."""
        own = {one.field: getattr(self, one.field) for one in variables(Settings) if not one.secret}
        return own | {name: value for source in self.sources.values() for name, value in source.shown()}

    def __repr__(self) -> str:
        """The settings without secrets."""
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in self.shown().items())})"


def load(environ: Mapping[str, str], packages: Packages | None = None) -> Settings:
    """The settings, from an environment, with variables of third parties' `packages`. Raises `SettingsError` with every complaint."""
    own, built_in = variables(Settings), tuple(registry.descriptions())
    added, problems = foreign.admitted(packages or Packages(), own, built_in)
    registry.adopt(added)
    descriptions = (*built_in, *added)
    reader = Reader(environ, [one.name for one in (*own, *(one for each in descriptions for one in sources.variables(each)))])
    values = reader.values(own)
    values |= references.found(values, environ, (*own, *(one for each in descriptions for one in sources.variables(each))))
    found = {description.name: sources.read(reader, description) for description in descriptions}
    reader.unknown_names((*PREFIXES, *(one.prefix for one in descriptions if not one.shared_prefix)))
    reader.complaints += [
        *contradictions(values),
        *references.unusable(values, own),
        *transport.unusable(values),
        *sources.unusable(environ, problems),
        *proxy.unusable(environ),
    ]
    if reader.complaints:
        raise SettingsError(tuple(reader.complaints))
    warnings = (
        *reader.warnings,
        *api_keys.remarks(values),
        *telemetry.remarks(values, environ),
        *transport.remarks(values),
        *references.remarks(values),
        *problems.values(),
        *(one for source in found.values() for one in sources.warnings(source)),
    )
    return msgspec.structs.replace(msgspec.convert(values, Settings), sources=found, packages=Packages(added, problems), warnings=warnings)
