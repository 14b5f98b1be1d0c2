"""Types for machines, disks, images, clusters, containers and apps."""

from __future__ import annotations

from providers.azure.kinds import ID, RESOURCES, AzureKind, Joined
from providers.catalogue.kinds import LinkRule

# A table reads better than one argument a line.
# fmt: off
COMPUTE = (
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
    AzureKind("azure_vm_scale_set", "compute", ID, "Microsoft.Compute/virtualMachineScaleSets", RESOURCES, "2023-09-01"),
    AzureKind(
        "azure_disk", "storage", ID, "Microsoft.Compute/disks", RESOURCES, "2023-04-02", links=(LinkRule("attached_to", "managedBy"),),
        back=("managedBy", "managedByExtended"),
    ),
    AzureKind(
        "azure_snapshot", "storage", ID, "Microsoft.Compute/snapshots", RESOURCES, "2023-04-02",
        links=(LinkRule("copy_of", "properties.creationData.sourceResourceId"),),
    ),
    AzureKind("azure_image", "compute", ID, "Microsoft.Compute/images", RESOURCES, "2023-09-01"),
    AzureKind("azure_image_gallery", "compute", ID, "Microsoft.Compute/galleries", RESOURCES, "2023-07-03"),
    AzureKind(
        "azure_availability_set", "compute", ID, "Microsoft.Compute/availabilitySets", RESOURCES, "2023-09-01",
        back=("properties.virtualMachines",),
    ),
    AzureKind("azure_arc_server", "compute", ID, "Microsoft.HybridCompute/machines", RESOURCES, "2024-07-10"),

    AzureKind(
        "azure_aks_cluster", "compute", ID, "Microsoft.ContainerService/managedClusters", RESOURCES, "2024-02-01",
        links=(LinkRule("encrypted_with", "properties.diskEncryptionSetID"),), back=("properties.agentPoolProfiles",),
    ),
    AzureKind(
        "azure_aks_node_pool", "compute", "{parent}/agentPools/{name}", "Microsoft.ContainerService/managedClusters/agentPools",
        under="azure_aks_cluster", inside="properties.agentPoolProfiles[]", permission="Microsoft.ContainerService/managedClusters/read",
        parent="{parent}", links=(LinkRule("in_subnet", "vnetSubnetID"), LinkRule("in_subnet", "podSubnetID")),
    ),
    AzureKind("azure_container_registry", "storage", ID, "Microsoft.ContainerRegistry/registries", RESOURCES, "2023-07-01"),
    AzureKind(
        "azure_container_group", "compute", ID, "Microsoft.ContainerInstance/containerGroups", RESOURCES, "2023-05-01",
        names_only=("properties.containers[].properties.environmentVariables",),
    ),
    AzureKind(
        "azure_container_app", "serverless", ID, "Microsoft.App/containerApps", RESOURCES, "2024-03-01",
        names_only=("properties.template.containers[].env",), links=(LinkRule("runs_in", "properties.managedEnvironmentId"),),
    ),
    AzureKind("azure_container_app_environment", "serverless", ID, "Microsoft.App/managedEnvironments", RESOURCES, "2024-03-01"),
    AzureKind(
        "azure_web_app", "serverless", ID, "Microsoft.Web/sites", RESOURCES, "2023-12-01",
        links=(LinkRule("runs_on", "properties.serverFarmId"), LinkRule("in_subnet", "properties.virtualNetworkSubnetId")),
    ),
    AzureKind(
        "azure_function_app", "serverless", ID, "Microsoft.Web/sites", RESOURCES, "2023-12-01", variant="functionapp",
        links=(LinkRule("runs_on", "properties.serverFarmId"), LinkRule("in_subnet", "properties.virtualNetworkSubnetId")),
    ),
    AzureKind(
        "azure_app_service_plan", "compute", ID, "Microsoft.Web/serverfarms", RESOURCES, "2023-12-01",
        omit=("properties.numberOfSites", "properties.numberOfWorkers"),
    ),
    AzureKind("azure_logic_app", "serverless", ID, "Microsoft.Logic/workflows", RESOURCES, "2019-05-01"),
)
