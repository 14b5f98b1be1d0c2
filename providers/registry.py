"""The providers there are: a table of names, imported one at a time, and whatever a third party adds by an entry point.

Nothing here imports an SDK, and no name that comes from outside is ever turned into an import: an unknown one is refused.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import sys
import traceback
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from providers import schema
from providers.errors import ConfigError
from providers.provider import Description, Provider, Source, describe

ENTRY_POINT_GROUP = "elder_worker.providers"

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


@cache
def _third_party() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP) if point.name not in BUILT_IN}


def names() -> tuple[str, ...]:
    """All provider names, the built-in ones first."""
    return (*BUILT_IN, *sorted(_third_party()))


def descriptions() -> Iterator[Description]:
    """The descriptions of all providers, but of packages that cannot be loaded: `get` says why for one that is asked for."""
    for name in names():
        with contextlib.suppress(ConfigError):
            yield description(name)


def description(name: str) -> Description:
    """The description of the provider of that name. Raises `ConfigError` when there is none, or when its package cannot be used."""
    provider = get(name)
    try:
        return describe(provider)
    except TypeError as error:
        raise ConfigError(f"provider '{name}' cannot be used: {error}") from None


@cache
def get(name: str) -> Provider:
    """The provider of that name. Raises `ConfigError` when there is none, or when its package cannot be loaded."""
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        provider: Provider = getattr(importlib.import_module(module), attribute)()
        return provider
    if name in _third_party():
        try:
            loaded: Provider = _third_party()[name].load()()
        except Exception as error:  # noqa: BLE001 - somebody else's code: whatever it does when it is imported, it takes nobody with it
            sentence = f"provider '{name}' cannot be loaded ({type(error).__name__}: {error}): mend or remove its package"
            raise ConfigError(sentence, detail=traceback.format_exc()) from None
        return loaded
    close = difflib.get_close_matches(name, names(), n=1)
    hint = f", did you mean '{close[0]}'?" if close else ""
    raise ConfigError(f"unsupported provider '{name}'{hint} Supported: {', '.join(names())}".replace("?  ", "? "))


def opened(provider: Provider, config: Mapping[str, Any], operator: Mapping[str, Any]) -> Source:
    """The provider's source, opened with a raw config and the operator's values by field.

    Raises `ConfigError`, also when the provider's SDK is not installed.
    """
    parsed = schema.parse(provider.config, config)
    settings = schema.parse(provider.operator, operator)
    try:
        return provider.open(parsed, settings)
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
