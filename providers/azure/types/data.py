"""Types for storage, databases, vaults, messages, data and machine learning, and everything else that has a row in Resource Graph."""

from __future__ import annotations

from providers.azure.kinds import ID, RESOURCES, AzureKind
from providers.catalogue.kinds import LinkRule

# A table reads better than one argument a line.
# fmt: off
DATA = (
    AzureKind(
        "azure_storage_account", "storage", ID, "Microsoft.Storage/storageAccounts", operation="storage.storage_accounts.list",
        version="2023-01-01",
    ),
    AzureKind(
        "azure_storage_container", "storage", ID, "Microsoft.Storage/storageAccounts/blobServices/containers",
        operation="storage.blob_containers.list", under="azure_storage_account", tags="", parent="{parent}",
    ),
    AzureKind(
        "azure_file_share", "storage", ID, "Microsoft.Storage/storageAccounts/fileServices/shares",
        operation="storage.file_shares.list", under="azure_storage_account", tags="", parent="{parent}",
    ),
    AzureKind("azure_sql_server", "database", ID, "Microsoft.Sql/servers", RESOURCES, "2021-11-01"),
    AzureKind(
        "azure_sql_database", "database", ID, "Microsoft.Sql/servers/databases", RESOURCES, "2021-11-01",
        links=(LinkRule("in_pool", "properties.elasticPoolId"),), omit=("properties.earliestRestoreDate", "properties.resumedDate"),
    ),
    AzureKind("azure_sql_elastic_pool", "database", ID, "Microsoft.Sql/servers/elasticPools", RESOURCES, "2021-11-01"),
    AzureKind(
        "azure_sql_managed_instance", "database", ID, "Microsoft.Sql/managedInstances", RESOURCES, "2021-11-01",
        links=(LinkRule("in_subnet", "properties.subnetId"),),
    ),
    AzureKind(
        "azure_postgresql_server", "database", ID, "Microsoft.DBforPostgreSQL/flexibleServers", RESOURCES, "2022-12-01",
        links=(LinkRule("in_subnet", "properties.network.delegatedSubnetResourceId"),),
    ),
    AzureKind(
        "azure_mysql_server", "database", ID, "Microsoft.DBforMySQL/flexibleServers", RESOURCES, "2021-05-01",
        links=(LinkRule("in_subnet", "properties.network.delegatedSubnetResourceId"),),
    ),
    AzureKind("azure_cosmosdb_account", "database", ID, "Microsoft.DocumentDB/databaseAccounts", RESOURCES, "2023-11-15"),
    AzureKind(
        "azure_redis_cache", "database", ID, "Microsoft.Cache/redis", RESOURCES, "2023-08-01",
        links=(LinkRule("in_subnet", "properties.subnetId"),),
    ),
    AzureKind("azure_key_vault", "secret", ID, "Microsoft.KeyVault/vaults", RESOURCES, "2023-07-01"),
    AzureKind(
        "azure_key_vault_secret", "secret", ID, "Microsoft.KeyVault/vaults/secrets", path="{parent}/secrets", version="2023-07-01",
        under="azure_key_vault", parent="{parent}", omit=("properties.value",), optional=True,
    ),
    AzureKind(
        "azure_key_vault_key", "secret", ID, "Microsoft.KeyVault/vaults/keys", path="{parent}/keys", version="2023-07-01",
        under="azure_key_vault", parent="{parent}", optional=True,
    ),
    AzureKind("azure_managed_identity", "service_account", ID, "Microsoft.ManagedIdentity/userAssignedIdentities", RESOURCES, "2023-01-31",
              links=(LinkRule("is_principal", "properties.principalId"),)),

    AzureKind("azure_event_hub_namespace", "messaging", ID, "Microsoft.EventHub/namespaces", RESOURCES, "2021-11-01"),
    AzureKind("azure_service_bus_namespace", "messaging", ID, "Microsoft.ServiceBus/namespaces", RESOURCES, "2021-11-01"),
    AzureKind("azure_event_grid_topic", "messaging", ID, "Microsoft.EventGrid/topics", RESOURCES, "2022-06-15"),
    AzureKind("azure_api_management", "network", ID, "Microsoft.ApiManagement/service", RESOURCES, "2022-08-01"),
    AzureKind("azure_data_factory", "database", ID, "Microsoft.DataFactory/factories", RESOURCES, "2018-06-01"),
    AzureKind("azure_synapse_workspace", "database", ID, "Microsoft.Synapse/workspaces", RESOURCES, "2021-06-01"),
    AzureKind(
        "azure_databricks_workspace", "database", ID, "Microsoft.Databricks/workspaces", RESOURCES, "2023-02-01",
        links=(LinkRule("manages", "properties.managedResourceGroupId"),),
    ),
    AzureKind("azure_machine_learning_workspace", "compute", ID, "Microsoft.MachineLearningServices/workspaces", RESOURCES, "2023-10-01"),
    AzureKind("azure_cognitive_account", "compute", ID, "Microsoft.CognitiveServices/accounts", RESOURCES, "2023-05-01"),
    AzureKind("azure_log_analytics_workspace", "monitoring", ID, "Microsoft.OperationalInsights/workspaces", RESOURCES, "2022-10-01"),
    AzureKind("azure_recovery_vault", "storage", ID, "Microsoft.RecoveryServices/vaults", RESOURCES, "2023-06-01"),
    AzureKind("azure_automation_account", "serverless", ID, "Microsoft.Automation/automationAccounts", RESOURCES, "2023-11-01"),

    AzureKind(
        "azure_resource", "resource", ID, "Microsoft.Resources/subscriptions/resources", RESOURCES, "2021-04-01", rest=True,
    ),
)
