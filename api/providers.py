"""Providers over HTTP: what can be read, and which third parties' packages cannot be used, with the reason."""

from __future__ import annotations

from collections.abc import Iterator

from api.context import Context
from api.endpoint import Endpoint, NoBody, NoQuery
from api.model import ApiModel
from providers import registry
from providers.provider import Description, Provider
from worker.store import descriptions


class ProviderItem(ApiModel, frozen=True, kw_only=True):
    """A provider: built in, or a third party's package as a worker has described it."""

    name: str
    title: str
    built_in: bool
    enabled: bool
    """False when this API's environment has switched the provider off."""
    discovery: bool
    """True when it may be the provider of a discovery job."""
    connector: bool
    resource_types: int
    """Number of types that it names; 0 when it reads whatever types its source has."""
    problem: str
    """Why the worker that started last with its package cannot use it; empty when it can."""


class Providers(ApiModel, frozen=True, kw_only=True):
    """All providers, the built-in ones first."""

    providers: list[ProviderItem]


def listed(context: Context, query: NoQuery, body: NoBody) -> Providers:
    """Lists the providers, those of third parties as the workers have stored them."""
    with context.pool.reading() as connection:
        registry.adopt(descriptions.newest(connection))
        problems = descriptions.problems(connection)
    return Providers(providers=list(_items(context, problems)))


def _items(context: Context, problems: dict[str, str]) -> Iterator[ProviderItem]:
    for name in registry.BUILT_IN:
        yield _item(context, registry.get(name), registry.description(name), "")
    adopted = {one.name: one for one in registry.adopted()}
    for name in sorted({*adopted, *problems} - {*registry.BUILT_IN}):
        if name in adopted:
            yield _item(context, registry.get(name), adopted[name], problems.get(name, ""))
        else:
            yield _unknown(name, problems[name])


def _item(context: Context, provider: Provider, description: Description, problem: str) -> ProviderItem:
    return ProviderItem(
        name=provider.name,
        title=provider.title,
        built_in=provider.name in registry.BUILT_IN,
        enabled=context.settings.enabled(provider.name) is not False,
        discovery=description.discovery,
        connector=description.connector is not None,
        resource_types=len(provider.resource_types()),
        problem=problem,
    )


def _unknown(name: str, problem: str) -> ProviderItem:
    """A package of which nothing is known but why it cannot be used."""
    return ProviderItem(
        name=name, title=name, built_in=False, enabled=False, discovery=False, connector=False, resource_types=0, problem=problem
    )


ENDPOINTS = (Endpoint("GET", "/providers", "Providers, and packages that cannot be used", listed, role="read", answer=Providers),)
