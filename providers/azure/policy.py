"""The custom role that suffices to read what the catalogue declares, as ``az role definition create`` takes it."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

from providers.azure import catalogue

SCOPE = "/subscriptions/00000000-0000-0000-0000-000000000000"
"""Stands for the subscriptions or the management group that the role is for; whoever creates it writes them here."""


def role_definition() -> dict[str, Any]:
    """The definition of the role that reads everything.

    The tenant needs no permission, and management groups a role that is assigned on them: neither is a subscription's to give.
    """
    return definition("Elder Worker inventory", actions())


@functools.cache
def actions() -> frozenset[str]:
    """The actions of that role."""
    kinds = (kind for kind in catalogue.KINDS if not kind.tenant_wide or kind is catalogue.SUBSCRIPTION)
    return frozenset({catalogue.PERMISSIONS_READ}.union(*(kind.actions for kind in kinds)))


def definition(name: str, actions: Iterable[str]) -> dict[str, Any]:
    """A role's definition: each permission by name, and nothing that writes or reads data."""
    return {
        "Name": name,
        "IsCustom": True,
        "Description": "Reads the resources that Elder Worker keeps in its inventory, and nothing else.",
        "Actions": sorted(actions),
        "NotActions": [],
        "DataActions": [],
        "NotDataActions": [],
        "AssignableScopes": [SCOPE],
    }
