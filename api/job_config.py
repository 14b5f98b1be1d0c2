"""A job's config on its way in and out: checked by the provider's own schema, its secrets sealed, and never shown again."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from api.context import Context
from api.errors import ApiError, Unavailable
from providers import registry, schema
from providers.errors import ConfigError
from providers.provider import Provider
from providers.references import is_shown
from providers.schema import REDACTED
from worker.config.secretbox import SecretBoxError, is_sealed
from worker.job import admission

CHANGED = "***CHANGED***"
"""Stands in the audit log for a secret that was given anew."""

ORGANIZATION_KEY = "_organization_id"
"""Shown in every config, because people look for it there; it is the job's `organization_id`."""


def provider_of(context: Context, name: str) -> Provider:
    """The provider of a job; of a third party's, what a worker has stored about it. Raises `ApiError`."""
    if name not in registry.BUILT_IN:
        context.learn(name)
    try:
        provider = registry.get(name)
        admission.check_switched_on(context.settings.enabled(name), name)
    except ConfigError as error:
        raise ApiError(str(error)) from None
    if not provider.discovery:
        raise ApiError(f"'{name}' is a connector, configured by environment variables; it has no discovery jobs")
    return provider


def sealed(context: Context, provider: Provider, config: Mapping[str, Any]) -> dict[str, Any]:
    """The config as it is stored: checked, its secrets sealed. Raises `ApiError`."""
    try:
        opened = context.box.open(dict(config))
        schema.check(provider.config, opened)
        admission.check_files(opened, context.settings.discovery_allowed_paths)
        return schema.map_secrets(provider.config, config, lambda value: value if is_shown(value) else context.box.seal(value))
    except ConfigError as error:
        raise ApiError(f"the config is not valid for provider '{provider.name}'", error.complaints) from None
    except SecretBoxError as error:
        raise Unavailable(str(error)) from None


def merged(provider: Provider, given: Mapping[str, Any], stored: Mapping[str, Any], organization: int | None) -> dict[str, Any]:
    """Merges a given config into the stored one: null removes a key, a secret sent back as it was shown stays. Raises `ApiError`.

    A stored secret goes only where it was given for: with another server, tenant and the like it has to be given again.
    """
    complaints = list(_complaints(given, stored, organization))
    changes = {key: value for key, value in given.items() if key != ORGANIZATION_KEY and value != REDACTED}
    config = {key: value for key, value in {**schema.without_notes(stored), **changes}.items() if value is not None}
    kept = {key for key in stored if key not in changes}
    for secret, key in schema.moved_secrets(provider.config, stored, config, kept):
        complaints.append(f"`{secret}` was given for the `{key}` that is stored: give it again with the new `{key}`, or null to remove it")
    if complaints:
        raise ApiError("the config is not valid", complaints)
    return config


def _complaints(given: Mapping[str, Any], stored: Mapping[str, Any], organization: int | None) -> Iterator[str]:
    for key, value in given.items():
        if value == REDACTED and key not in stored:
            yield f"`{key}`: {REDACTED} stands for a secret that is stored, and none is"
        if is_sealed(value):
            yield f"`{key}`: give the secret itself, it is sealed here"
    if given.get(ORGANIZATION_KEY, organization) != organization:
        yield f"`{ORGANIZATION_KEY}` only shows the job's organization; set `organization_id` beside `config`"


def stored_config(job: Mapping[str, Any]) -> dict[str, Any]:
    """A job's config from its row. Who writes rows by hand may have put there what is not an object: it has no keys; its runs say why."""
    config = job.get("config")
    return config if isinstance(config, dict) else {}


def shown_job(job: dict[str, Any], anew: Collection[str] = ()) -> dict[str, Any]:
    """A job as it may be seen. `anew` are the config keys that were just given; a secret among them is marked as changed."""
    stored = stored_config(job)
    try:
        config = schema.redact(registry.get(job["provider"]).config, stored)
    except ConfigError:  # a third party's provider that is not installed here: who knows what is a secret
        config = dict.fromkeys(stored, REDACTED)
    config = {key: CHANGED if value == REDACTED and key in anew else value for key, value in config.items()}
    return {**job, "config": {**config, ORGANIZATION_KEY: job["organization_id"]}}
