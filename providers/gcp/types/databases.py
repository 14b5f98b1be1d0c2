"""Databases and warehouses: Cloud SQL, Spanner, Bigtable, Memorystore, AlloyDB, Firestore, BigQuery, Filestore."""

from __future__ import annotations

from providers.catalogue.kinds import LinkRule
from providers.gcp.declaration import GcpKind
from providers.gcp.types.texts import NETWORK, encrypted_with, runs_as

SQL = "//cloudsql.googleapis.com/projects/{project}/instances/"
IN_AUTHORIZED = LinkRule("in_vpc", "authorizedNetwork", NETWORK)
IN_CONFIGURED = LinkRule("in_vpc", "networkConfig.network", NETWORK)

# fmt: off
KINDS: tuple[GcpKind, ...] = (
    GcpKind(
        "gcp_sql_instance", "database", SQL + "{name}", "sql.instances.list", "items[]", tags="settings.userLabels",
        address="sqladmin.googleapis.com/v1/projects/{project}/instances", size_parameter="maxResults", largest=1000,
        links=(
            LinkRule("in_vpc", "settings.ipConfiguration.privateNetwork", NETWORK), LinkRule("has_replica", "replicaNames[]",
            SQL + "{value}"),
            encrypted_with("diskEncryptionConfiguration.kmsKeyName"), runs_as("serviceAccountEmailAddress"),
        ),
        omit=("currentDiskSize", "availableMaintenanceVersions", "upgradableDatabaseVersions", "outOfDiskReport", "rootPassword",
              "scheduledMaintenance", "settings.settingsVersion"),
        unordered=("replicaNames",), permission="cloudsql.instances.list",
    ),
    GcpKind(
        "gcp_sql_database", "database", "{parent}/databases/{name}", "sql.databases.list", "items[]", tags="", size_parameter="",
        address="sqladmin.googleapis.com/v1/projects/{project}/instances/{parent.name}/databases", under="gcp_sql_instance",
        parent="{parent}", permission="cloudsql.databases.list",
    ),
    GcpKind(
        "gcp_sql_user", "user", "{parent}/users/{name}@{host?}", "sql.users.list", "items[]", tags="", size_parameter="",
        address="sqladmin.googleapis.com/v1/projects/{project}/instances/{parent.name}/users", under="gcp_sql_instance",
        parent="{parent}", omit=("password", "passwordPolicy.status"), unordered=("databaseRoles",), permission="cloudsql.users.list",
    ),
    GcpKind(
        "gcp_spanner_instance", "database", "//spanner.googleapis.com/{name}", "spanner.projects.instances.list", "instances[]",
        address="spanner.googleapis.com/v1/projects/{project}/instances",
    ),
    GcpKind(
        "gcp_spanner_database", "database", "//spanner.googleapis.com/{name}", "spanner.projects.instances.databases.list", "databases[]",
        tags="", address="spanner.googleapis.com/v1/{parent.name}/databases", under="gcp_spanner_instance", parent="{parent}",
        links=(encrypted_with("encryptionConfig.kmsKeyName"),),
        omit=("earliestVersionTime", "reconciling", "encryptionInfo", "quorumInfo"), permission="spanner.databases.list",
    ),
    GcpKind(
        "gcp_bigtable_instance", "database", "//bigtable.googleapis.com/{name}", "bigtableadmin.projects.instances.list", "instances[]",
        address="bigtableadmin.googleapis.com/v2/projects/{project}/instances", size_parameter="", permission="bigtable.instances.list",
    ),
    GcpKind(
        "gcp_bigtable_cluster", "database", "//bigtable.googleapis.com/{name}", "bigtableadmin.projects.instances.clusters.list",
        "clusters[]", tags="", address="bigtableadmin.googleapis.com/v2/{parent.name}/clusters", size_parameter="", location="location",
        under="gcp_bigtable_instance", parent="{parent}", links=(encrypted_with("encryptionConfig.kmsKeyName"),), omit=("serveNodes",),
        permission="bigtable.clusters.list",
    ),
    GcpKind(
        "gcp_redis_instance", "database", "//redis.googleapis.com/{name}", "redis.projects.locations.instances.list", "instances[]",
        assets=("redis.googleapis.com/Instance",),
        address="redis.googleapis.com/v1/projects/{project}/locations/-/instances", largest=1000,
        links=(IN_AUTHORIZED, encrypted_with("customerManagedKey")),
        omit=("availableMaintenanceVersions", "maintenanceSchedule", "persistenceConfig.rdbNextSnapshotTime"),
    ),
    GcpKind(
        "gcp_memcache_instance", "database", "//memcache.googleapis.com/{name}", "memcache.projects.locations.instances.list",
        "instances[]",
        assets=("memcache.googleapis.com/Instance",),
        address="memcache.googleapis.com/v1/projects/{project}/locations/-/instances", largest=1000, links=(IN_AUTHORIZED,),
        omit=("availableMaintenanceVersions", "maintenanceSchedule", "instanceMessages"),
    ),
    GcpKind(
        "gcp_alloydb_cluster", "database", "//alloydb.googleapis.com/{name}", "alloydb.projects.locations.clusters.list", "clusters[]",
        address="alloydb.googleapis.com/v1/projects/{project}/locations/-/clusters",
        links=(IN_CONFIGURED, encrypted_with("encryptionConfig.kmsKeyName")),
        omit=("maintenanceSchedule", "continuousBackupInfo", "reconciling", "initialUser", "encryptionInfo", "trialMetadata"),
    ),
    GcpKind(
        "gcp_alloydb_instance", "database", "//alloydb.googleapis.com/{name}", "alloydb.projects.locations.clusters.instances.list",
        "instances[]", address="alloydb.googleapis.com/v1/{parent.name}/instances", under="gcp_alloydb_cluster", parent="{parent}",
        omit=("reconciling", "observabilityInstanceInfo", "queryInsightsInfo"), permission="alloydb.instances.list",
    ),
    GcpKind(
        "gcp_firestore_database", "database", "//firestore.googleapis.com/{name}", "firestore.projects.databases.list", "databases[]",
        tags="",
        address="firestore.googleapis.com/v1/projects/{project}/databases", size_parameter="", location="locationId",
        links=(encrypted_with("cmekConfig.kmsKeyName"),), omit=("earliestVersionTime",), permission="datastore.databases.list",
    ),
    GcpKind(
        "gcp_bigquery_dataset", "database", "//bigquery.googleapis.com/projects/{datasetReference.projectId}/datasets/"
        "{datasetReference.datasetId}", "bigquery.datasets.list", "datasets[]", size_parameter="maxResults", largest=1000,
        address="bigquery.googleapis.com/bigquery/v2/projects/{project}/datasets", location="location", permission="bigquery.datasets.get",
        filtered=True,
    ),
    GcpKind(
        "gcp_bigquery_table", "database", "{parent}/tables/{tableReference.tableId}", "bigquery.tables.list", "tables[]",
        name="tableReference.tableId", size_parameter="maxResults", largest=1000, under="gcp_bigquery_dataset", parent="{parent}",
        address="bigquery.googleapis.com/bigquery/v2/projects/{project}/datasets/{parent.datasetReference.datasetId}/tables",
    ),
    GcpKind(
        "gcp_filestore_instance", "storage", "//file.googleapis.com/{name}", "file.projects.locations.instances.list", "instances[]",
        assets=("file.googleapis.com/Instance",),
        address="file.googleapis.com/v1/projects/{project}/locations/-/instances",
        links=(LinkRule("in_vpc", "networks[].network", NETWORK), encrypted_with("kmsKeyName")),
        omit=("replication.replicas[].lastActiveSyncTime",),
    ),
)
