"""Builds what a job process receives: its config with decrypted secrets, the operator's settings, and the paths it may read.

A job's config comes from API callers; the operator's settings come from the person who runs the worker. Between them
stands `worker.job.admission`: a provider that the operator has switched off is refused, and a file named in a job's config must
lie under ``DISCOVERY_ALLOWED_PATHS``. Endpoints come from the settings alone.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import Any

import msgspec

from providers import registry, schema
from providers.described import Described
from providers.errors import ConfigError, ProviderError
from providers.provider import Provider, describe
from providers.records import Scope
from providers.sink import BATCH
from providers.stores.access import StoreAccess
from supervisor.frames import MAX_FRAME
from worker.config.package_files import check_unchanged
from worker.config.references import References, ReferenceSettings
from worker.config.secretbox import SecretBox, SecretBoxError
from worker.config.sources import SourceSettings
from worker.job import admission
from worker.job.ports import METADATA
from worker.job.ports import ports as ports_of
from worker.run import wire

NO_REFERENCES = References(ReferenceSettings())
"""The references of a worker whose operator allows none: each is refused."""


class Launch(msgspec.Struct, frozen=True):
    """Ready to start: the body of the START frame (it holds secrets), the paths that the process may read, and the secrets alone."""

    start: bytes
    read_paths: tuple[str, ...]
    secrets: tuple[str, ...] = ()
    ports: tuple[int, ...] | None = None
    """The TCP ports that the process may connect to; None for all."""
    reads_stores: bool = False
    """True for a process that reads further secrets by itself, which are not among `secrets`."""

    def after(self, attempted: tuple[Scope, ...]) -> Launch:
        """The same launch for a job whose earlier runs attempted these scopes; unchanged when the START frame has no room for them."""
        start = msgspec.structs.replace(msgspec.json.decode(self.start, type=wire.JobStart), attempted=attempted)
        encoded = msgspec.json.encode(start)
        return msgspec.structs.replace(self, start=encoded) if len(encoded) <= MAX_FRAME else self


class Launcher:
    """Builds the START frame of each kind of run."""

    def __init__(
        self,
        sources: Mapping[str, SourceSettings],
        allowed_paths: tuple[str, ...],
        box: SecretBox,
        logs: tuple[str, str],
        allowed_ports: tuple[str, ...] = (),
        references: References = NO_REFERENCES,
    ) -> None:
        """`sources` are the operator's settings of each provider, `logs` level and format, `references` reads secrets that configs name."""
        self._sources, self._allowed, self._box, self._logs = sources, allowed_paths, box, logs
        self._allowed_ports, self._references = allowed_ports, references

    def job(self, run: str, provider_name: str, config: object, *, kind: str = "discovery", job_id: int | None = None) -> Launch:
        """The launch of a job or of its connectivity test. Raises `ProviderError`; the run is then refused with that sentence.

        `config` comes from the database, where rows may have been written without the API's checks.
        """
        try:
            return self._job(run, provider_name, config, kind, job_id)
        except ProviderError:
            raise
        except RecursionError:
            raise ConfigError("the job's config is nested too deeply to be read") from None
        except Exception as error:  # noqa: BLE001 - rows and providers are untrusted: an unexpected error ends this run, not the worker
            where = "".join(traceback.format_tb(error.__traceback__))  # not the error's message: it may quote a secret
            raise ProviderError(f"the job's config cannot be read ({type(error).__name__})", detail=where) from None

    def _job(self, run: str, provider_name: str, config: object, kind: str, job_id: int | None) -> Launch:
        provider = registry.get(provider_name)
        if not provider.discovery:
            raise ConfigError(f"'{provider_name}' cannot be the provider of a discovery job")
        admission.check_switched_on(self._source(provider).enabled, provider_name)
        if not isinstance(config, Mapping):
            raise ConfigError("the job's config is not a JSON object: set it again, by the API or as {...}")
        try:
            opened = self._box.open(schema.without_notes(config))
        except SecretBoxError as error:
            raise ConfigError(str(error)) from None
        opened = self._references.resolved(provider.config, opened)
        schema.check(provider.config, opened)
        own = self._references.own_files((*self._source(provider).operator_files, *provider.files))  # those every job of the provider reads
        files = admission.check_files(opened, self._allowed, own)
        named = ((f"`{path}` names a file", inner) for path in files for inner in provider.named_files(path))
        return self._launch(run, provider, opened, kind, job_id, files + admission.check_paths(named, self._allowed, own))

    def connector(self, run: str, name: str) -> Launch:
        """The launch of a connector, whose config is the operator's. Raises `ConfigError`."""
        return self._own(run, name, "connector")

    def probe(self, run: str, name: str) -> Launch:
        """The launch of a connectivity test of the operator's settings; one that is not a connector is tested with an empty config."""
        return self._own(run, name, "test")

    def _own(self, run: str, name: str, kind: str) -> Launch:
        provider = registry.get(name)
        source = self._source(provider)
        return self._launch(run, provider, source.connector, kind, None, source.connector_files)

    def _source(self, provider: Provider) -> SourceSettings:
        described = provider.description if isinstance(provider, Described) else describe(provider)
        return self._sources.get(provider.name) or SourceSettings(description=described)

    def _launch(
        self, run: str, provider: Provider, config: dict[str, Any], kind: str, job_id: int | None, paths: tuple[str, ...]
    ) -> Launch:
        if isinstance(provider, Described):
            check_unchanged(provider.description)
        source = self._source(provider)
        level, shape = self._logs
        further = tuple(provider.further_files(schema.parse(provider.operator, source.operator)))
        files = paths + source.operator_files + provider.files + further
        ports = self._ports(provider, (config, source.operator), files)
        stores = self._stores(provider, config, files)
        batch = config.get("batch_size")
        start = wire.JobStart(
            kind=kind,
            run=run,
            provider=provider.name,
            config=config,
            operator=source.operator,
            secrets=source.operator_secrets,
            batch=min(batch, wire.MAX_RECORDS) if isinstance(batch, int) and batch > 0 else BATCH,
            job_id=job_id,
            log_level=level,
            log_format=shape,
            ports=ports,
            stores=stores,
        )
        encoded = msgspec.json.encode(start)
        if len(encoded) > MAX_FRAME:
            raise ConfigError(f"the job's config has {len(encoded):,} bytes, and a job can be given {MAX_FRAME:,}")
        secrets = (*source.operator_secrets, *schema.secret_values(provider.config, config))
        if stores is not None:  # the process itself keeps to its own files and ports, once it has read the secrets
            return Launch(encoded, (*files, *stores.files), (*secrets, *stores.secrets), reads_stores=True)
        return Launch(encoded, files, secrets, ports)

    def _stores(self, provider: Provider, config: Mapping[str, Any], files: tuple[str, ...]) -> StoreAccess | None:
        """Access to the stores in which the config names secrets. Raises `ConfigError` for a third party's package."""
        found = self._references.access(config)
        if found and isinstance(provider, Described):
            raise ConfigError(
                f"a job of '{provider.name}', a third party's package, may name no secrets in stores: its process would hold the worker's "
                "sign-in to them; $file and $env may be named"
            )
        return msgspec.structs.replace(found, read_paths=files) if found else None

    def _ports(self, provider: Provider, values: tuple[Mapping[str, Any], ...], files: tuple[str, ...]) -> tuple[int, ...] | None:
        """The TCP ports that a run of the provider may connect to; None for all."""
        if provider.ports is None:
            return None
        further = (*provider.ports, METADATA) if provider.metadata_service else provider.ports
        return ports_of(values, files, further, self._allowed_ports)
