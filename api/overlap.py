"""Other jobs that read the same source: a warning, as two jobs may mean to, and mostly do not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from api.context import Context
from api.job_config import shown_job, stored_config
from providers import registry, schema
from providers.errors import ConfigError
from providers.references import is_shown
from providers.schema import SourceConfig
from worker.config.secretbox import SecretBoxError
from worker.store import jobs
from worker.store.connection import Connection

_SHARED = frozenset(SourceConfig.__struct_encode_fields__)


def warned_job(context: Context, connection: Connection, job: dict[str, Any]) -> dict[str, Any]:
    """A job as it may be seen, with the warnings about it."""
    return {**shown_job(job), "warnings": warnings(context, connection, job)}


def warnings(context: Context, connection: Connection, job: Mapping[str, Any], found: str | None = None) -> list[str]:
    """A sentence for each other job that reads the source of a stored job, or of a provider and a config that are not stored yet.

    The source is the one `found` by a test, or pinned by a complete run. Before that, two configs are of one source when all their
    texts and secrets are equal, and with no secret at all, the queue whose workers' credentials they use.
    """
    return [_sentence(one, known) for one, known in _others(context, connection, job, found)]


def _sentence(other: Mapping[str, Any], known: str | None) -> str:
    return f"{known or 'what it reads'} is already read by job {other['id']} '{other['name']}'"


def _others(
    context: Context, connection: Connection, job: Mapping[str, Any], found: str | None
) -> Iterator[tuple[Mapping[str, Any], str | None]]:
    try:
        provider = registry.get(job["provider"])
    except ConfigError:  # a third party's provider that is not installed here: who knows what is a secret
        return
    config, secrets = stored_config(job), schema.secret_names(provider.config)
    known = (found or job.get("identity")) if provider.pins_identity else None
    texts = {key: value for key, value in config.items() if is_shown(value) or (isinstance(value, str) and key not in secrets)}
    sealed = not secrets.isdisjoint(config)
    for other in jobs.alike(connection, job, known, texts, sorted(secrets), sealed=sealed):
        if not _apart(config, stored_config(other)) and ((known and other["identity"]) or _equal(context, job, other)):
            yield other, known


def _apart(config: Mapping[str, Any], others: Mapping[str, Any]) -> bool:
    """True when a list in both configs (regions, namespaces ...) has no item in common: each job reads a part of its own."""
    keys = (key for key in (config.keys() & others.keys()) - _SHARED if not key.startswith("exclude_"))
    return any(_disjoint(config[key], others[key]) for key in keys)


def _disjoint(one: Any, other: Any) -> bool:
    return isinstance(one, list) and isinstance(other, list) and bool(one and other) and not any(item in other for item in one)


def _equal(context: Context, job: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """True for two configs whose texts and secrets are equal; their lists, numbers and switches may differ."""
    try:
        one, two = (context.box.open(dict(stored_config(row))) for row in (job, other))
    except SecretBoxError:
        return False
    return _words(one) == _words(two) and job.get("queue", other["queue"]) == other["queue"]


def _words(config: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if isinstance(value, str | dict)}
