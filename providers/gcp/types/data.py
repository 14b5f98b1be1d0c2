"""Data processing, machine learning and security findings: Dataflow, Dataproc, Composer, Vertex AI, Security Command Center."""

from __future__ import annotations

from providers.catalogue.kinds import LinkRule
from providers.gcp.declaration import GcpKind
from providers.gcp.types.compute import V1
from providers.gcp.types.texts import NETWORK, encrypted_with, locations, runs_as

VERTEX = "aiplatform.googleapis.com"
DATAFLOW, DATAPROC, COMPOSER, SECURITY = (f"{api}.googleapis.com" for api in ("dataflow", "dataproc", "composer", "securitycenter"))


def _regions(sub_type: str, service: str) -> GcpKind:
    """The regions of Compute Engine, for an API that lists one region at a time and does not say which it has."""
    return GcpKind(
        *(sub_type, "location", f"//{service}/projects/{{project}}/regions/{{name}}", "compute.regions.list", "items[]"),
        address=f"{V1}/regions",
        size_parameter="maxResults",
        tags="",
        hidden=True,
    )


# fmt: off
KINDS: tuple[GcpKind, ...] = (
    GcpKind(
        "gcp_dataflow_job", "compute", f"//{DATAFLOW}/projects/{{project}}/locations/{{location}}/jobs/{{id}}",
        "dataflow.projects.jobs.aggregated", "jobs[]", address=f"{DATAFLOW}/v1b3/projects/{{project}}/jobs:aggregated",
        parameters={"filter": "ACTIVE"}, location="location", permission="dataflow.jobs.list",
        links=(runs_as("environment.serviceAccountEmail"), encrypted_with("environment.serviceKmsKeyName")),
        kept=("id", "name", "type", "location", "currentState", "createTime", "environment.serviceAccountEmail",
              "environment.serviceKmsKeyName", "environment.shuffleMode", "environment.dataset", "jobMetadata.sdkVersion"),
    ),
    _regions("gcp_dataproc_region", DATAPROC),
    GcpKind(
        "gcp_dataproc_cluster", "compute", "{parent}/clusters/{clusterName}", "dataproc.projects.regions.clusters.list", "clusters[]",
        name="clusterName", address=f"{DATAPROC}/v1/projects/{{project}}/regions/{{parent.name}}/clusters", largest=1000,
        under="gcp_dataproc_region", location="config.gceClusterConfig.zoneUri",
        links=(
            LinkRule("in_vpc", "config.gceClusterConfig.networkUri", NETWORK),
            LinkRule("in_subnet", "config.gceClusterConfig.subnetworkUri"), runs_as("config.gceClusterConfig.serviceAccount"),
            LinkRule("uses", "config.configBucket", "//storage.googleapis.com/projects/_/buckets/{value}"),
            encrypted_with("config.encryptionConfig.gcePdKmsKeyName"),
        ),
        omit=("metrics", "statusHistory", "status.stateStartTime"),
        names_only=("config.gceClusterConfig.metadata", "config.softwareConfig.properties"),
    ),
    _regions("gcp_composer_region", COMPOSER),
    GcpKind(
        "gcp_composer_environment", "compute", f"//{COMPOSER}/{{name}}", "composer.projects.locations.environments.list",
        "environments[]", assets=("composer.googleapis.com/Environment",),
        address=f"{COMPOSER}/v1/projects/{{project}}/locations/{{parent.name}}/environments",
        under="gcp_composer_region",
        links=(
            LinkRule("in_vpc", "config.nodeConfig.network", NETWORK), runs_as("config.nodeConfig.serviceAccount"),
            LinkRule("runs_on", "config.gkeCluster", "//container.googleapis.com/{value}"),
            LinkRule("uses", "storageConfig.bucket", "//storage.googleapis.com/projects/_/buckets/{value}"),
            encrypted_with("config.encryptionConfig.kmsKeyName"),
        ),
        omit=("config.softwareConfig.imageVersionRollbackTargets",),
        names_only=("config.softwareConfig.envVariables", "config.softwareConfig.airflowConfigOverrides"),
    ),
    locations("gcp_vertex_location", f"{VERTEX}/v1"),
    GcpKind(
        "gcp_vertex_endpoint", "serverless", f"//{VERTEX}/{{name}}", "aiplatform.projects.locations.endpoints.list", "endpoints[]",
        name="displayName", address=f"{VERTEX}/v1/{{parent.name}}/endpoints", under="gcp_vertex_location", regional=True, largest=100,
        links=(
            LinkRule("in_vpc", "network", NETWORK), LinkRule("serves", "deployedModels[].model", f"//{VERTEX}/{{value}}"),
            runs_as("deployedModels[].serviceAccount"), encrypted_with("encryptionSpec.kmsKeyName"),
        ),
        omit=("deployedModels[].status",), names_only=("deployedModels[].systemLabels",),
    ),
    GcpKind(
        "gcp_vertex_model", "serverless", f"//{VERTEX}/{{name}}", "aiplatform.projects.locations.models.list", "models[]",
        name="displayName", address=f"{VERTEX}/v1/{{parent.name}}/models", under="gcp_vertex_location", regional=True, largest=100,
        links=(encrypted_with("encryptionSpec.kmsKeyName"),), omit=("versionUpdateTime",), names_only=("containerSpec.env",),
    ),
    GcpKind(
        "gcp_scc_finding", "security", f"//{SECURITY}/{{finding.name}}", "securitycenter.projects.sources.findings.list",
        "listFindingsResults[]", name="finding.category", tags="", largest=1000,
        address=f"{SECURITY}/v1/projects/{{project}}/sources/-/findings", parameters={"filter": 'state="ACTIVE"'},
        links=(LinkRule("affects", "finding.resourceName"),), permission="securitycenter.findings.list",
        kept=("finding.category", "finding.severity", "finding.findingClass", "finding.createTime", "finding.description",
              "finding.externalUri", "finding.resourceName", "finding.mute"),
    ),
)
