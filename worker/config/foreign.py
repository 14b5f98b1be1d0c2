"""Rules for the variables of third parties' providers: a provider reads its own, and nobody else's."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from providers import described
from providers.provider import Description
from providers.variables import Variable

OURS = ("DATABASE_", "ELDER_", "DISCOVERY_", "WORKER_", "HEALTH_", "LOG_", "LEASE_", "SYNC_", "CONNECTOR_", "PYTHON", "LD_")
"""Prefixes that no provider's name may lead to."""


class Packages(msgspec.Struct, frozen=True):
    """The third parties' providers that are installed: descriptions, and for each other name why it cannot be used."""

    descriptions: tuple[Description, ...] = ()
    problems: dict[str, str] = {}


def admitted(
    packages: Packages, own: Iterable[Variable], built_in: Iterable[Description]
) -> tuple[tuple[Description, ...], dict[str, str]]:
    """The descriptions of providers whose variables are their own, and for each other name why it cannot be used."""
    others = tuple(built_in)
    names = {variable.name for variable in (*own, *(one for other in others for one in other.variables))}
    prefixes = {*OURS, *(other.prefix for other in others)}
    found, problems = [], dict(packages.problems)
    for one in packages.descriptions:
        if reason := described.conflict(one, frozenset(names), tuple(prefixes)):
            problems[one.name] = f"provider '{one.name}' cannot be used ({reason}): mend or remove its package"
            continue
        found.append(one)
        names |= {variable.name for variable in one.variables}
        prefixes.add(one.prefix)
    return tuple(found), problems
