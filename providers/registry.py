"""The providers there are: a table of names, imported one at a time, and whatever a third party adds by an entry point.

Nothing here imports an SDK, and no name that comes from outside is ever turned into an import: an unknown one is refused. A third party's
package is imported by `load` alone, in a job's process; everybody else knows its provider by a description that was adopted.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from providers import schema, third_party
from providers.described import Described
from providers.errors import ConfigError
from providers.provider import Description, Provider, Source, describe
from providers.third_party import Installed

BUILT_IN = {
    "aws": "providers.aws:Aws",
    "gcp": "providers.gcp:Gcp",
    "google_workspace": "providers.google_workspace:GoogleWorkspace",
    "ldap": "providers.ldap:Ldap",
    "okta": "providers.okta:Okta",
    "authentik": "providers.authentik:Authentik",
    "azure": "providers.azure:Azure",
    "kubernetes": "providers.kubernetes:Kubernetes",
    "entra": "providers.entra:Entra",
}
"""Name -> where the class is, in the order in which people see them: as in the quick start."""


_described: dict[str, Described] = {}
_refused: dict[str, str] = {}


@cache
def installed() -> Installed:
    """The third parties' providers that are installed here, read from metadata, without importing them."""
    return third_party.installed(BUILT_IN)


def adopt(found: Iterable[Description]) -> None:
    """Makes third parties' providers known to this process by their descriptions; a built-in provider's name stays its own."""
    for one in found:
        if one.package and one.name not in BUILT_IN and (one.name not in _described or _described[one.name].description != one):
            _described[one.name] = Described(one)
            get.cache_clear()


def refuse(problems: Mapping[str, str]) -> None:
    """Makes known to this process why third parties' providers cannot be used: a sentence by name."""
    _refused.update(problems)


def adopted() -> tuple[Description, ...]:
    """The descriptions of third parties' providers that this process knows, by name."""
    return tuple(_described[name].description for name in sorted(_described))


def names() -> tuple[str, ...]:
    """All provider names, the built-in ones first."""
    return (*BUILT_IN, *sorted({*installed().points, *_described}))


def descriptions() -> Iterator[Description]:
    """The descriptions of all built-in providers."""
    for name in BUILT_IN:
        with contextlib.suppress(ConfigError):
            yield description(name)


def description(name: str) -> Description:
    """The description of the provider of that name. Raises `ConfigError` when there is none, or when its package cannot be used."""
    provider = get(name)
    if isinstance(provider, Described):
        return provider.description
    try:
        return describe(provider)
    except TypeError as error:
        raise ConfigError(f"provider '{name}' cannot be used: {error}") from None


@cache
def get(name: str) -> Provider:
    """The provider of that name; of a third party's, what is known of it. Raises `ConfigError` when there is none."""
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        provider: Provider = getattr(importlib.import_module(module), attribute)()
        return provider
    if name in _described:
        return _described[name]
    if problem := _refused.get(name) or installed().problems.get(name):
        raise ConfigError(problem)
    if name in installed().points:
        raise ConfigError(f"provider '{name}' is a third party's package that no worker has described yet: start a worker that has it")
    close = difflib.get_close_matches(name, names(), n=1)
    hint = f", did you mean '{close[0]}'?" if close else ""
    raise ConfigError(f"unsupported provider '{name}'{hint} Supported: {', '.join(names())}".replace("?  ", "? "))


def load(name: str) -> Provider:
    """The provider of that name, imported. For job processes: a third party's package runs from here on.

    Raises `ConfigError` when there is none, or when its package cannot be loaded.
    """
    if name in BUILT_IN or name not in installed().points:
        return get(name)
    try:
        loaded: Provider = installed().points[name].load()()
    except Exception as error:  # noqa: BLE001 - somebody else's code: whatever it does when it is imported, it takes nobody with it
        sentence = f"provider '{name}' cannot be loaded ({type(error).__name__}: {error}): mend or remove its package"
        raise ConfigError(sentence, detail=traceback.format_exc()) from None
    return loaded


def opened(provider: Provider, config: Mapping[str, Any], operator: Mapping[str, Any]) -> Source:
    """The provider's source, opened with a raw config and the operator's values by field.

    Raises `ConfigError`, also when the provider's SDK is not installed.
    """
    parsed = schema.parse(provider.config, config)
    settings = schema.parse(provider.operator, operator)
    try:
        return provider.opened(parsed, settings)
    except ImportError as error:
        sentence = f"provider '{provider.name}' needs a package that is not installed ({error.name}): {remedy(provider)}"
        raise ConfigError(sentence, detail=traceback.format_exc()) from None


def remedy(provider: Provider) -> str:
    """The command that installs the provider's SDK for this interpreter or this checkout."""
    return install_command(provider.name) if provider.name in BUILT_IN else "install it beside the provider's package"


def install_command(extra: str) -> str:
    """The command that adds an extra's packages to this interpreter's environment, to be typed in any folder."""
    root = Path(__file__).parents[1]
    what = f"-e '{root}[{extra}]'" if (root / "setup.cfg").exists() else f"'elder-worker[{extra}]'"
    return f"{sys.executable} -m pip install {what}"
