"""A job's config on its way in and out: checked by the provider's own schema, its secrets sealed, and never shown again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.context import Context
from api.errors import ApiError, NotFound, Unavailable
from providers import registry, schema
from providers.errors import ConfigError
from providers.provider import Provider
from providers.schema import REDACTED
from worker.secretbox import SecretBoxError, is_sealed
from worker.store import entities
from worker.store.connection import Connection

ORGANIZATION_KEY = "_organization_id"


def provider_of(name: str) -> Provider:
    """The provider of a job. Raises `ApiError`."""
    try:
        provider = registry.get(name)
    except ConfigError as error:
        raise ApiError(str(error)) from None
    if not provider.discovery:
        raise ApiError(f"'{name}' is a connector, configured by environment variables; it has no discovery jobs")
    return provider


def sealed(context: Context, provider: Provider, given: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """The config as it is stored: checked, secrets sealed, those sent back redacted taken from what is stored."""
    config = {key: stored.get(key, value) if value == REDACTED else value for key, value in given.items() if key != ORGANIZATION_KEY}
    if any(is_sealed(value) and stored.get(key) != value for key, value in config.items()):
        raise ApiError("the config is not valid", ["a sealed value can only come from this API's own store"])
    try:
        schema.parse(provider.config, context.box.open(config))
        return schema.map_secrets(provider.config, config, context.box.seal)
    except ConfigError as error:
        raise ApiError(f"the config is not valid for provider '{provider.name}'", error.complaints) from None
    except SecretBoxError as error:
        raise Unavailable(str(error)) from None


def shown_job(job: dict[str, Any]) -> dict[str, Any]:
    """A job as it may be seen."""
    try:
        config = schema.redact(registry.get(job["provider"]).config, job["config"])
    except ConfigError:  # a third party's provider that is not installed here: who knows what is a secret
        config = dict.fromkeys(job["config"], REDACTED)
    return {**job, "config": {**config, ORGANIZATION_KEY: job["organization_id"]}}


def found(job: dict[str, Any] | None, number: int, noun: str = "job") -> dict[str, Any]:
    """The row, if there is one. Raises `NotFound`."""
    if job is None:
        raise NotFound(f"there is no {noun} {number}")
    return job


def organization_exists(connection: Connection, number: int | None) -> None:
    """Raises `ApiError` when an organization is named that is not there."""
    if number is not None and entities.organization(connection, number) is None:
        raise ApiError(f"there is no organization {number}: see /api/v1/organizations, or leave organization_id out")
