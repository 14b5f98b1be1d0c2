"""How an Azure resource type is listed."""

from __future__ import annotations

import msgspec

from providers.catalogue.kinds import ResourceKind

RESOURCES = "Resources"
"""The table of Azure Resource Graph that holds most resource types."""

ID = "{id}"

SECRET_WORDS = ("servicekey", "authorizationkey", "activationkey", "primarykey", "secondarykey", "instrumentationkey", "hostkeys")
"""Further words of Azure that say secret in a key."""


class Joined(msgspec.Struct, frozen=True):
    """An attribute that a second list has: the first value at `path` that begins with `prefix`, of the item with the same id."""

    attribute: str
    operation: str
    options: tuple[tuple[str, str], ...]
    path: str
    prefix: str = ""


class _Usual(ResourceKind, frozen=True, kw_only=True):
    """The keywords of most ARM objects: a name, tags, and what contains the object: the resource above it, else its resource group."""

    name: str | tuple[str, ...] = "name"
    tags: str = "tags"
    parent: str = "{container}"
    back: tuple[str, ...] = ()
    """Fields in which Azure repeats the links of others: a reference there would double a link that the other side has already."""
    optional: bool = False
    """Read only by jobs that name the type in `optional_types`: it costs a call for each resource above it."""


class AzureKind(_Usual, frozen=True):
    """A resource type, listed in one of six ways.

    ===========  ======================================================================================================
    `table`      by Azure Resource Graph; `version` is the API version that reads one resource by its id
    `path`       by a path of Resource Manager and its API `version`: of each subscription with the hole ``{subscription}``,
                 of each resource of the type `under` with the hole ``{parent}``, else once for the tenant
    `operation`  by a typed client: ``compute.virtual_machines.list_all`` of azure-mgmt-compute
    `under`      with `operation`: once for each resource of the type `under`, whose id gives the arguments, and whose `version` is the
                 API version that reads it by that id: a list that is not found is asked about there
    `inside`     in a list of each resource of the type `under`, at that path
    `rest`       in a `table`: every row whose type is no other kind's
    ===========  ======================================================================================================

    `permission` is the action of `arm_type` that reads it, unless it is declared.
    """

    arm_type: str
    table: str = ""
    version: str = ""
    path: str = ""
    operation: str = ""
    options: tuple[tuple[str, str], ...] = ()
    """Parameters of the operation, by their Python names."""
    under: str = ""
    inside: str = ""
    joined: tuple[Joined, ...] = ()
    expanded: str = ""
    """The parts (``$expand``) with which each listed item is read by its id, where the list lacks them."""
    variant: str = ""
    """A word of the object's ``kind`` that tells this type from others of its `arm_type`: ``functionapp``."""
    further: tuple[str, ...] = ()
    """Further types of the table that are the same to us, as the last words of their names: ``AAAA`` beside ``A``."""
    rest: bool = False
    common: tuple[str, str] = ("", "")
    """A path and its value in objects that every subscription has from the tenant: they belong to the tenant."""

    at_scope: str = ""
    """The filter for what is set on a scope or above it and not below; of types that management groups have and subscriptions inherit."""

    @property
    def arm_types(self) -> tuple[str, ...]:
        """All of its types."""
        return (self.arm_type, *(f"{self.arm_type.rpartition('/')[0]}/{word}" for word in self.further))

    @property
    def actions(self) -> tuple[str, ...]:
        """The permissions that read the type."""
        return (self.permission,) if self.permission else tuple(f"{one}/read" for one in self.arm_types)

    @property
    def action(self) -> str:
        """The first of them."""
        return self.actions[0]

    @property
    def tenant_wide(self) -> bool:
        """True for a type that is listed once for the tenant."""
        return bool(self.path) and not self.under and "{subscription}" not in self.path

    @property
    def call(self) -> str:
        """The call that lists the type, for people."""
        if self.table:
            return f"POST Microsoft.ResourceGraph/resources ({self.table})"
        return f"GET {self.path}" if self.path else self.operation.replace(".", ": ", 1)
