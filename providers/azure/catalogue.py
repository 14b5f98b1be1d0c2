"""The Azure resource types, as declarations: see `providers.azure.kinds` for the ways in which a type is listed.

Resource Graph leaves out silently what the caller may not read, so a type that it lists is believed only when the caller's permissions on
the subscription cover the type's `read` action (see `providers.azure.permissions`).
"""

from __future__ import annotations

from collections.abc import Iterator

from providers.azure.kinds import RESOURCES, AzureKind, Joined
from providers.catalogue.kinds import LinkRule
from providers.provider import ResourceType

ID = "{id}"
PERMISSIONS_READ = "Microsoft.Authorization/permissions/read"
"""Shows what the caller may read, without which nothing that Resource Graph lists is believed."""

SUBSCRIPTION = AzureKind(
    "azure_subscription", "account", ID, "Microsoft.Resources/subscriptions", path="/subscriptions", version="2022-12-01",
    name="displayName", parent="",
)  # fmt: skip

KINDS = (
    SUBSCRIPTION,
    AzureKind(
        "azure_resource_group", "resource_group", ID, "Microsoft.Resources/subscriptions/resourceGroups", version="2021-04-01",
        path="/subscriptions/{subscription}/resourcegroups", parent="/subscriptions/{subscription}",
    ),
    AzureKind(
        "azure_role_assignment", "permission", "{properties.scope}/providers/Microsoft.Authorization/roleAssignments/{name}",
        "Microsoft.Authorization/roleAssignments", version="2022-04-01",
        path="/subscriptions/{subscription}/providers/Microsoft.Authorization/roleAssignments",
        name="properties.roleDefinitionId", tags="", parent="", omit=("id",),  # the id may name the subscription that was asked
        links=(
            LinkRule("grants_role", "properties.roleDefinitionId"),
            LinkRule("on_scope", "properties.scope"),
            LinkRule("granted_to", "properties.principalId"),
        ),
    ),
    AzureKind(
        "azure_vm", "compute", ID, "Microsoft.Compute/virtualMachines", operation="compute.virtual_machines.list_all",
        joined=(
            Joined(
                "powerState", "compute.virtual_machines.list_all", (("status_only", "true"),),
                "properties.instanceView.statuses[].code", "PowerState/",
            ),
        ),
        links=(
            LinkRule("has_interface", "properties.networkProfile.networkInterfaces[].id"),
            LinkRule("uses_disk", "properties.storageProfile.osDisk.managedDisk.id"),
            LinkRule("uses_disk", "properties.storageProfile.dataDisks[].managedDisk.id"),
        ),
    ),
    AzureKind(
        "azure_storage_account", "storage", ID, "Microsoft.Storage/storageAccounts", operation="storage.storage_accounts.list",
    ),
    AzureKind(
        "azure_storage_container", "storage", ID, "Microsoft.Storage/storageAccounts/blobServices/containers",
        operation="storage.blob_containers.list", under="azure_storage_account",
        tags="", parent="{parent}",
    ),
    AzureKind(
        "azure_disk", "storage", ID, "Microsoft.Compute/disks", RESOURCES, "2023-04-02", links=(LinkRule("attached_to", "managedBy"),)
    ),
    AzureKind(
        "azure_vnet", "vpc", ID, "Microsoft.Network/virtualNetworks", RESOURCES, "2023-09-01",
        links=(LinkRule("peered_with", "properties.virtualNetworkPeerings[].properties.remoteVirtualNetwork.id"),),
    ),
    AzureKind(
        "azure_subnet", "subnet", ID, "Microsoft.Network/virtualNetworks/subnets",
        under="azure_vnet", inside="properties.subnets[]", permission="Microsoft.Network/virtualNetworks/read",
        tags="", parent="{parent}", links=(LinkRule("has_security_group", "properties.networkSecurityGroup.id"),),
    ),
    AzureKind("azure_network_security_group", "network", ID, "Microsoft.Network/networkSecurityGroups", RESOURCES, "2023-09-01"),
    AzureKind(
        "azure_network_interface", "network", ID, "Microsoft.Network/networkInterfaces", RESOURCES, "2023-09-01",
        links=(
            LinkRule("attached_to", "properties.virtualMachine.id"),
            LinkRule("in_subnet", "properties.ipConfigurations[].properties.subnet.id"),
            LinkRule("has_address", "properties.ipConfigurations[].properties.publicIPAddress.id"),
            LinkRule("has_security_group", "properties.networkSecurityGroup.id"),
        ),
    ),
    AzureKind(
        "azure_public_ip_address", "network", ID, "Microsoft.Network/publicIPAddresses", RESOURCES, "2023-09-01",
        links=(LinkRule("attached_to", "properties.ipConfiguration.id"),),
    ),
)  # fmt: skip


def read_apart() -> Iterator[AzureKind]:
    """The types that Resource Manager lists for one subscription after the other, without the subscriptions themselves."""
    return (kind for kind in KINDS if (kind.path or kind.operation) and not kind.under and kind is not SUBSCRIPTION)


def in_table(table: str) -> tuple[AzureKind, ...]:
    """The types that a table of Resource Graph holds."""
    return tuple(kind for kind in KINDS if kind.table == table)


def tables() -> tuple[str, ...]:
    """The tables of Resource Graph that are read."""
    return tuple(dict.fromkeys(kind.table for kind in KINDS if kind.table))


def beneath(kind: AzureKind) -> tuple[AzureKind, ...]:
    """The types that are read with each resource of this type."""
    return tuple(below for below in KINDS if below.under == kind.sub_type)


def together(kind: AzureKind) -> tuple[AzureKind, ...]:
    """The type, and those that are read with it."""
    return (kind, *beneath(kind))


def resource_types() -> tuple[ResourceType, ...]:
    """Returns the resource types as users see them."""
    return tuple(ResourceType(kind.sub_type, kind.entity_type, (_call(kind),), _permissions(kind)) for kind in KINDS)


def _call(kind: AzureKind) -> str:
    return next(above.call for above in KINDS if above.sub_type == kind.under) if kind.inside else kind.call


def _permissions(kind: AzureKind) -> tuple[str, ...]:
    by_graph = kind.table or kind.inside
    return (kind.action, PERMISSIONS_READ) if by_graph else (kind.action,)
