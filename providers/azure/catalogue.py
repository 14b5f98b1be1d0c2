"""The Azure resource types, as declarations.

Most come from one Azure Resource Graph query a subscription. Resource Graph leaves out silently what the caller may not read, so a type is
believed only when the caller's permissions on the subscription cover its `read` action (see `providers.azure.permissions`).
"""

from __future__ import annotations

import msgspec

from providers.provider import ResourceType


class LinkRule(msgspec.Struct, frozen=True):
    """`type` of the link, and the path to the ARM id(s) it points to; ``[]`` walks a list."""

    type: str
    path: str


class GraphType(msgspec.Struct, frozen=True):
    """A type that Resource Graph lists. `children` names a list inside it whose items are resources of their own."""

    sub_type: str
    entity_type: str
    arm_type: str
    links: tuple[LinkRule, ...] = ()
    children: tuple[ChildType, ...] = ()

    @property
    def permission(self) -> str:
        """The action that lists it."""
        return f"{self.arm_type}/read"


class ChildType(msgspec.Struct, frozen=True):
    """Resources inside a list of their parent: `path` leads to the list."""

    sub_type: str
    entity_type: str
    arm_type: str
    path: str
    links: tuple[LinkRule, ...] = ()


GRAPH_TYPES = (
    GraphType("azure_disk", "storage", "Microsoft.Compute/disks", (LinkRule("attached_to", "managedBy"),)),
    GraphType(
        "azure_vnet",
        "vpc",
        "Microsoft.Network/virtualNetworks",
        (LinkRule("peered_with", "properties.virtualNetworkPeerings[].properties.remoteVirtualNetwork.id"),),
        (
            ChildType(
                "azure_subnet",
                "subnet",
                "Microsoft.Network/virtualNetworks/subnets",
                "properties.subnets[]",
                (LinkRule("has_security_group", "properties.networkSecurityGroup.id"),),
            ),
        ),
    ),
    GraphType("azure_network_security_group", "network", "Microsoft.Network/networkSecurityGroups"),
    GraphType(
        "azure_network_interface",
        "network",
        "Microsoft.Network/networkInterfaces",
        (
            LinkRule("attached_to", "properties.virtualMachine.id"),
            LinkRule("in_subnet", "properties.ipConfigurations[].properties.subnet.id"),
            LinkRule("has_address", "properties.ipConfigurations[].properties.publicIPAddress.id"),
            LinkRule("has_security_group", "properties.networkSecurityGroup.id"),
        ),
    ),
    GraphType(
        "azure_public_ip_address",
        "network",
        "Microsoft.Network/publicIPAddresses",
        (LinkRule("attached_to", "properties.ipConfiguration.id"),),
    ),
)

VM_LINKS = (
    LinkRule("has_interface", "properties.networkProfile.networkInterfaces[].id"),
    LinkRule("uses_disk", "properties.storageProfile.osDisk.managedDisk.id"),
    LinkRule("uses_disk", "properties.storageProfile.dataDisks[].managedDisk.id"),
)

RESOURCE_TYPES = (
    ResourceType("azure_subscription", "account", ("GET /subscriptions",), ("Microsoft.Resources/subscriptions/read",)),
    ResourceType(
        "azure_resource_group",
        "resource_group",
        ("GET /subscriptions/{id}/resourcegroups",),
        ("Microsoft.Resources/subscriptions/resourceGroups/read",),
    ),
    ResourceType("azure_vm", "compute", ("compute: virtual_machines.list_all",), ("Microsoft.Compute/virtualMachines/read",)),
    ResourceType("azure_storage_account", "storage", ("storage: storage_accounts.list",), ("Microsoft.Storage/storageAccounts/read",)),
    ResourceType(
        "azure_storage_container",
        "storage",
        ("storage: blob_containers.list",),
        ("Microsoft.Storage/storageAccounts/blobServices/containers/read",),
    ),
    ResourceType(
        "azure_role_assignment",
        "permission",
        ("GET /subscriptions/{id}/providers/Microsoft.Authorization/roleAssignments",),
        ("Microsoft.Authorization/roleAssignments/read",),
    ),
    *(ResourceType(t.sub_type, t.entity_type, ("POST Microsoft.ResourceGraph/resources",), (t.permission,)) for t in GRAPH_TYPES),
    *(
        ResourceType(c.sub_type, c.entity_type, ("POST Microsoft.ResourceGraph/resources",), (t.permission,))
        for t in GRAPH_TYPES
        for c in t.children
    ),
)
