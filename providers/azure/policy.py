"""The custom role that suffices to read what the catalogue declares, as ``az role definition create`` takes it."""

from __future__ import annotations

from typing import Any

from providers.azure import catalogue

SCOPE = "/subscriptions/00000000-0000-0000-0000-000000000000"
"""Stands for the subscriptions or the management group that the role is for; whoever creates it writes them here."""


def role_definition() -> dict[str, Any]:
    """The role's definition: each permission by name, and nothing that writes or reads data.

    The tenant needs no permission, and management groups a role that is assigned on them: neither is a subscription's to give.
    """
    actions = {action for kind in catalogue.KINDS if not kind.tenant_wide or kind is catalogue.SUBSCRIPTION for action in kind.actions}
    return {
        "Name": "Elder Worker inventory",
        "IsCustom": True,
        "Description": "Reads the resources that Elder Worker keeps in its inventory, and nothing else.",
        "Actions": sorted({*actions, catalogue.PERMISSIONS_READ}),
        "NotActions": [],
        "DataActions": [],
        "NotDataActions": [],
        "AssignableScopes": [SCOPE],
    }
