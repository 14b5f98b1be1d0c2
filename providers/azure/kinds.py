"""How an Azure resource type is listed."""

from __future__ import annotations

import msgspec

from providers.catalogue.kinds import ResourceKind

RESOURCES = "Resources"
"""The table of Azure Resource Graph that holds most resource types."""


class Joined(msgspec.Struct, frozen=True):
    """An attribute that a second list has: the first value at `path` that begins with `prefix`, of the item with the same id."""

    attribute: str
    operation: str
    options: tuple[tuple[str, str], ...]
    path: str
    prefix: str = ""


class _Usual(ResourceKind, frozen=True, kw_only=True):
    """The keywords of most ARM objects: a name, tags, and a resource group above them, whose id the reader fills in."""

    name: str | tuple[str, ...] = "name"
    tags: str = "tags"
    parent: str = "{group}"


class AzureKind(_Usual, frozen=True):
    """A resource type, listed in one of five ways.

    ===========  ======================================================================================================
    `table`      by Azure Resource Graph; `version` is the API version that reads one resource by its id
    `path`       by a path of Resource Manager, in which ``{subscription}`` is filled, and its API `version`
    `operation`  by a typed client: ``compute.virtual_machines.list_all`` of azure-mgmt-compute
    `under`      with `operation`: once for each resource of the type `under`, whose id gives the arguments
    `inside`     in a list of each resource of the type `under`, at that path
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

    @property
    def action(self) -> str:
        """The permission that reads the type."""
        return self.permission or f"{self.arm_type}/read"

    @property
    def call(self) -> str:
        """The call that lists the type, for people."""
        if self.table:
            return f"POST Microsoft.ResourceGraph/resources ({self.table})"
        return f"GET {self.path}" if self.path else self.operation.replace(".", ": ", 1)
