"""Secrets that a job's config names in stores: read in the job's process before its provider, and before any log line.

The writer and the supervisor never hold them. Until they are read, the process may also read the store's files and reach every port;
then it keeps to those of its job, for good: Landlock's rules only ever get narrower.
"""

from __future__ import annotations

import gc
import logging
from pathlib import Path
from typing import Any

import msgspec

from providers import registry, schema
from providers.errors import ConfigError
from providers.stores.access import StoreAccess
from providers.stores.reading import SecretReader
from supervisor import landlock
from worker.job import ports
from worker.logs.redact import Redactor
from worker.run import wire


def with_secrets(job: wire.JobStart, redactor: Redactor) -> wire.JobStart:
    """The job with its secrets in place of their references. Raises `ProviderError`.

    To be called while the process has one thread, which alone is confined, and before the provider's package is loaded.
    """
    if job.stores is None:
        return job
    if job.provider not in registry.BUILT_IN:
        raise ConfigError("secrets in stores are for built-in providers: the process of a package holds no sign-in to a store")
    config = _read(job, job.stores, redactor)
    allowed = None if job.ports is None else tuple(sorted({*job.ports, *ports.named(config)}))
    stores, folder = job.stores, str(Path.cwd())
    landlock.confine(stores.read_paths, (folder,), files=stores.confine_files, ports=allowed)
    return msgspec.structs.replace(job, config=config, ports=allowed, stores=None)


def _read(job: wire.JobStart, access: StoreAccess, redactor: Redactor) -> dict[str, Any]:
    """The config with its secrets. No library logs meanwhile: its lines would hold answers before anybody knows what is secret in them."""
    config_type = registry.get(job.provider).config
    redactor.add(access.secrets)
    reader = SecretReader(access)
    logging.disable(logging.CRITICAL)
    try:
        config = schema.resolved(config_type, job.config, reader.read)
        redactor.add(schema.secret_values(config_type, config))
        return config
    finally:
        logging.disable(logging.NOTSET)
        reader.close()
        gc.collect()
