"""The Azure resource types, as declarations in `providers.azure.types`: see `providers.azure.kinds` for the ways in which a type is listed.

Resource Graph and Resource Manager leave out silently what the caller may not read, so a type is believed only when the caller's
permissions on the subscription cover the type's `read` action (see `providers.azure.rights`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from providers.azure.kinds import AzureKind
from providers.azure.types.compute import COMPUTE
from providers.azure.types.data import DATA
from providers.azure.types.governance import GOVERNANCE, MANAGEMENT_GROUP, SUBSCRIPTION, TENANT
from providers.azure.types.network import NETWORK
from providers.provider import ResourceType

__all__ = ["KINDS", "MANAGEMENT_GROUP", "OTHER", "PERMISSIONS_READ", "SUBSCRIPTION", "TENANT"]

PERMISSIONS_READ = "Microsoft.Authorization/permissions/read"
"""Shows what the caller may read, without which no list of a subscription is believed."""

KINDS = (*GOVERNANCE, *COMPUTE, *NETWORK, *DATA)

OTHER = next(kind for kind in KINDS if kind.rest)
"""All types that have no declaration; its permission is that of Resource Manager's list of all resources."""

OPTIONAL = frozenset(kind.sub_type for kind in KINDS if kind.optional)
"""Types that are read only where a job names them."""


def read_apart() -> Iterator[AzureKind]:
    """The types that Resource Manager lists for one subscription after the other, without the subscriptions themselves."""
    return (kind for kind in KINDS if (kind.path or kind.operation) and not kind.under and not kind.tenant_wide)


def operations(client: str) -> list[tuple[str, str]]:
    """The operations of a typed client that are used, as group and method: ``virtual_machines``, ``list_all``."""
    used = (name for kind in KINDS for name in (kind.operation, *(join.operation for join in kind.joined)) if name)
    return sorted({(group, method) for one, group, method in (name.split(".") for name in used) if one == client})


def in_table(table: str) -> tuple[AzureKind, ...]:
    """The types that a table of Resource Graph holds."""
    return tuple(kind for kind in KINDS if kind.table == table)


def tables() -> tuple[str, ...]:
    """The tables of Resource Graph that are read."""
    return tuple(dict.fromkeys(kind.table for kind in KINDS if kind.table))


def beneath(kind: AzureKind) -> tuple[AzureKind, ...]:
    """The types that are read with each resource of this type."""
    return tuple(below for below in KINDS if below.under == kind.sub_type and not below.optional)


def inherited() -> tuple[AzureKind, ...]:
    """The types that a subscription inherits from the management groups above it."""
    return tuple(kind for kind in KINDS if kind.at_scope)


def optional_beneath() -> tuple[AzureKind, ...]:
    """The types that are read for each resource above them, where a job asks for them."""
    return tuple(kind for kind in KINDS if kind.optional)


def above(kind: AzureKind) -> AzureKind:
    """The type beneath which another one is read."""
    return next(one for one in KINDS if one.sub_type == kind.under)


def together(kind: AzureKind) -> tuple[AzureKind, ...]:
    """The type, and those that are read with it."""
    return (kind, *beneath(kind))


class Table:
    """The types of one table, by the types of its rows."""

    def __init__(self, name: str) -> None:
        self.name, self.kinds = name, in_table(name)
        self.rest = next((kind for kind in self.kinds if kind.rest), None)
        self._elsewhere = frozenset(arm_type.lower() for kind in KINDS if kind.table != name for arm_type in kind.arm_types)
        self._by_type: dict[str, list[AzureKind]] = {}
        for kind in self.kinds:
            for arm_type in () if kind.rest else kind.arm_types:
                self._by_type.setdefault(arm_type.lower(), []).append(kind)

    @property
    def arm_types(self) -> tuple[str, ...]:
        """The declared types of its rows, in lower case."""
        return tuple(self._by_type)

    def kind_of(self, row: Mapping[str, Any]) -> AzureKind | None:
        """The kind of a row, or of an item of Resource Manager's list; None for types that are read another way.

        Kinds that share a type are told apart by their variants.
        """
        arm_type = str(row.get("type")).lower()
        kinds = self._by_type.get(arm_type, ())
        words = str(row.get("kind") or "").lower().split(",")
        plain = next((kind for kind in kinds if not kind.variant), None if arm_type in self._elsewhere else self.rest)
        return next((kind for kind in kinds if kind.variant and kind.variant in words), plain)


def resource_types() -> tuple[ResourceType, ...]:
    """Returns the resource types as users see them."""
    return tuple(ResourceType(kind.sub_type, kind.entity_type, (_call(kind),), _permissions(kind)) for kind in KINDS)


def _call(kind: AzureKind) -> str:
    return above(kind).call if kind.inside else kind.call


def _permissions(kind: AzureKind) -> tuple[str, ...]:
    return kind.actions if kind.tenant_wide else (*kind.actions, PERMISSIONS_READ)
