"""What a job process is given: its config with the secrets opened, the operator's values, and what it may read of the file system.

A job's config comes from whoever may call the API; the operator's settings come from whoever runs the worker. The doors between them are
here: a provider that the operator has switched off is refused, endpoints come from the settings alone, and a file named in a job's
config must lie under ``DISCOVERY_ALLOWED_PATHS``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from providers import registry, schema
from providers.errors import ConfigError
from providers.provider import Provider
from providers.runner import BATCH
from worker import wire
from worker.secretbox import SecretBox, SecretBoxError

PATH_ENDINGS = ("_path", "_file")
"""A config key that ends so names a file."""

FILE_VARIABLES = ("_FILE", "_PATH", "_BUNDLE", "KUBECONFIG")
"""An operator variable that ends so names a file."""


class Launch(msgspec.Struct, frozen=True):
    """Ready to start: the body of the START frame (it holds secrets) and the paths that the process may read."""

    start: bytes
    read_paths: tuple[str, ...]


class Launcher:
    """Prepares START frames."""

    def __init__(
        self,
        operator: Mapping[str, str],
        enabled: Mapping[str, bool | None],
        allowed_paths: tuple[str, ...],
        box: SecretBox,
        logs: tuple[str, str],
    ) -> None:
        """`operator` is the worker's environment, `enabled` provider -> AWS_ENABLED and the like, `logs` level and format."""
        self._operator, self._enabled, self._box, self._logs = operator, enabled, box, logs
        self._allowed = tuple(Path(path).resolve() for path in allowed_paths)

    def job(self, run: str, provider_name: str, config: Mapping[str, Any], *, kind: str = "discovery", job_id: int | None = None) -> Launch:
        """A discovery job's or a connectivity test's. Raises `ConfigError`: such a run is refused with that sentence."""
        provider = registry.get(provider_name)
        if not provider.discovery:
            raise ConfigError(f"'{provider_name}' cannot be the provider of a discovery job")
        if self._enabled.get(provider_name) is False:
            raise ConfigError(f"{provider_name.upper()}_ENABLED=false: this worker runs no jobs of provider '{provider_name}'")
        try:
            opened = self._box.open(dict(config))
        except SecretBoxError as error:
            raise ConfigError(str(error)) from None
        schema.parse(provider.config, opened)
        paths = tuple(self._allowed_path(key, path) for key, path in _paths(opened))
        return self._launch(run, provider, opened, kind, job_id, paths)

    def connector(self, run: str, name: str) -> Launch:
        """A connector's. Its config is the operator's own. Raises `ConfigError`."""
        provider = registry.get(name)
        config = provider.connector_config(self._operator)
        return self._launch(run, provider, config, "connector", None, tuple(path for _, path in _paths(config)))

    def _launch(
        self, run: str, provider: Provider, config: dict[str, Any], kind: str, job_id: int | None, paths: tuple[str, ...]
    ) -> Launch:
        operator = {name: value for name in provider.operator_variables if (value := self._operator.get(name))}
        files = tuple(value for name, value in operator.items() if name.endswith(FILE_VARIABLES))
        level, shape = self._logs
        batch = config.get("batch_size")
        start = wire.JobStart(
            kind=kind,
            run=run,
            provider=provider.name,
            config=config,
            operator=operator,
            batch=batch if isinstance(batch, int) and batch > 0 else BATCH,
            job_id=job_id,
            log_level=level,
            log_format=shape,
        )
        return Launch(msgspec.json.encode(start), paths + files)

    def _allowed_path(self, key: str, path: str) -> str:
        resolved = Path(path).resolve()
        if any(resolved.is_relative_to(allowed) for allowed in self._allowed):
            return path
        allowed = os.pathsep.join(str(allowed) for allowed in self._allowed) or "empty"
        raise ConfigError(f"`{key}`: {path} is not under a folder that jobs may read (DISCOVERY_ALLOWED_PATHS is {allowed})")


def _paths(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The config's keys that name files, at its top level, where schemas have them."""
    for key, value in config.items():
        if key.endswith(PATH_ENDINGS) and isinstance(value, str) and value:
            yield key, value
