"""``elder-worker providers [NAME]``: what can be read, with which config, settings and permissions."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping

from providers import keys, registry, schema
from providers.errors import ConfigError
from providers.provider import Provider
from worker.cli.main import CommandError
from worker.config import sources
from worker.config.foreign import Packages
from worker.config.packages import installed
from worker.config.settings import load


def main(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Prints all providers, or one in full."""
    packages = installed() if options.name not in registry.BUILT_IN else Packages()
    registry.adopt(packages.descriptions)
    if options.name is None:
        for name in registry.names():
            print(f"{name:<20} {packages.problems.get(name) or _line(name)}")
        return 0
    if options.name in packages.problems:
        raise ConfigError(packages.problems[options.name])
    provider = registry.get(options.name)
    if options.policy:
        print(_policy_for(provider, options, environ) if options.config else _policy(provider))
    else:
        _describe(provider)
    return 0


def _line(name: str) -> str:
    provider = registry.get(name)
    return f"{provider.title:<22} {len(provider.resource_types()):>3} types  {_uses(provider)}{_missing(provider)}"


def _uses(provider: Provider) -> str:
    return ", ".join(use for use, has in (("discovery jobs", provider.discovery), ("connector", provider.connector)) if has)


def _missing(provider: Provider) -> str:
    """The remedy for a provider whose SDK is not installed; empty for the others."""
    return "" if registry.description(provider.name).installed else f"; not installed: {registry.remedy(provider)}"


def _policy_for(provider: Provider, options: argparse.Namespace, environ: Mapping[str, str]) -> str:
    """The policy for one config, of a provider that can tell."""
    policy_for = getattr(provider, "policy_for", None)
    if policy_for is None:
        raise CommandError(f"the policy of provider '{provider.name}' does not depend on a config: leave --config out")
    operator = schema.parse(provider.operator, load(environ).sources[provider.name].operator)
    return json.dumps(policy_for(keys.entered(options.config, provider.config), operator), indent=2)


def _policy(provider: Provider) -> str:
    policy = getattr(provider, "policy", None)
    if policy is not None:
        return json.dumps(policy(), indent=2)
    permissions = sorted({permission for kind in provider.resource_types() for permission in kind.permissions})
    if not permissions:
        raise CommandError(f"provider '{provider.name}' names no permissions")
    return "\n".join(permissions)


def _describe(provider: Provider) -> None:
    print(f"{provider.title} ({provider.name}): {_uses(provider)}{_missing(provider)}")
    print(f"a job needs {provider.memory_mb} MB of memory for an ordinary account\n\nconfig keys")
    for key in keys.keys(provider.config):
        marks = [mark for mark, has in (("required", key.required), ("secret", key.secret)) if has]
        print(f"  {key.name:<22} {', '.join(marks):<18} {key.description}".rstrip())
    print("\nenvironment variables (see elder-worker settings)")
    for one in sources.variables(registry.description(provider.name)):
        marks = [mark for mark, has in (("required", one.required), ("secret", one.secret)) if has]
        print(f"  {one.name:<42} {', '.join(marks)}".rstrip())
    print("\nresource types")
    for kind in provider.resource_types():
        print(f"  {kind.sub_type:<32} {kind.entity_type:<16} {', '.join(kind.permissions)}")
