"""GKE, Cloud Run, Cloud Functions, App Engine and the repositories that they run from."""

from __future__ import annotations

from providers.catalogue.kinds import LinkRule
from providers.gcp.declaration import GcpKind
from providers.gcp.types.texts import NAMED, NETWORK, SECRET, TOPIC, encrypted_with, locations, runs_as

RUN_COUNTERS = (
    "generation", "observedGeneration", "reconciling", "conditions[].lastTransitionTime", "terminalCondition.lastTransitionTime",
)  # fmt: skip
RUN, REPOSITORIES = "run.googleapis.com", "artifactregistry.googleapis.com/v1"

# fmt: off
KINDS: tuple[GcpKind, ...] = (
    GcpKind(
        "gke_cluster", "compute", "//container.googleapis.com/projects/{project}/locations/{location}/clusters/{name}",
        "container.projects.locations.clusters.list", "clusters[]", tags="resourceLabels", size_parameter="", location="location",
        address="container.googleapis.com/v1/projects/{project}/locations/-/clusters",
        links=(
            LinkRule("in_vpc", "networkConfig.network", NETWORK), LinkRule("in_subnet", "networkConfig.subnetwork", NAMED),
            encrypted_with("databaseEncryption.keyName"),
        ),
        omit=("maintenancePolicy.disruptionBudget.lastDisruptionTime",
              "maintenancePolicy.disruptionBudget.lastMinorVersionDisruptionTime", "nodePools", "nodeConfig", "instanceGroupUrls",
              "currentNodeCount", "conditions", "masterAuth.clientKey",
        "masterAuth.password"),
    ),
    GcpKind(
        "gke_node_pool", "compute", "{parent}/nodePools/{name}", "container.projects.locations.clusters.list", "nodePools[]", tags="",
        under="gke_cluster", parent="{parent}", links=(runs_as("config.serviceAccount"), LinkRule("uses", "instanceGroupUrls[]")),
        omit=("conditions", "updateInfo", "kubeletCertInfo"), names_only=("config.metadata",), unordered=("instanceGroupUrls",),
    ),
    locations("gcp_run_location", f"{RUN}/v1"),
    GcpKind(
        "gcp_run_service", "serverless", f"//{RUN}/{{name}}", "run.projects.locations.services.list", "services[]",
        address=f"{RUN}/v2/{{parent.name}}/services", under="gcp_run_location",
        links=(
            runs_as("template.serviceAccount"), encrypted_with("template.encryptionKey"),
            LinkRule("in_vpc", "template.vpcAccess.networkInterfaces[].network", NETWORK),
            LinkRule("uses_secret", "template.containers[].env[].valueSource.secretKeyRef.secret", SECRET),
        ),
        omit=RUN_COUNTERS, unmasked=("template.volumes[].secret.secret",),
        names_only=(
            "template.containers[].env", "template.sandboxes.templates[].env", "buildConfig.environmentVariables",
            "template.containers[].buildConfig.buildpacksBuild.environmentVariables",
        ),
    ),
    GcpKind(
        "gcp_run_job", "serverless", f"//{RUN}/{{name}}", "run.projects.locations.jobs.list", "jobs[]",
        address=f"{RUN}/v2/{{parent.name}}/jobs", under="gcp_run_location",
        links=(
            runs_as("template.template.serviceAccount"), encrypted_with("template.template.encryptionKey"),
            LinkRule("uses_secret", "template.template.containers[].env[].valueSource.secretKeyRef.secret", SECRET),
        ),
        omit=(*RUN_COUNTERS, "executionCount", "latestCreatedExecution", "runExecutionToken", "startExecutionToken"),
        unmasked=("template.template.volumes[].secret.secret",),
        names_only=(
            "template.template.containers[].env", "template.template.sandboxes.templates[].env",
            "template.template.containers[].buildConfig.buildpacksBuild.environmentVariables",
        ),
    ),
    GcpKind(
        "gcp_function", "serverless", "//cloudfunctions.googleapis.com/{name}", "cloudfunctions.projects.locations.functions.list",
        "functions[]", address="cloudfunctions.googleapis.com/v2/projects/{project}/locations/-/functions", largest=1000,
        links=(
            runs_as("serviceConfig.serviceAccountEmail"), encrypted_with("kmsKeyName"), LinkRule("runs_on", "serviceConfig.service",
            f"//{RUN}/{{value}}"),
            LinkRule("triggered_by", "eventTrigger.pubsubTopic", TOPIC),
            LinkRule("uses_secret", "serviceConfig.secretEnvironmentVariables[].secret", SECRET),
        ),
        omit=("upgradeInfo",), unmasked=("serviceConfig.secretEnvironmentVariables[].secret", "serviceConfig.secretVolumes[].secret"),
        names_only=("serviceConfig.environmentVariables", "buildConfig.environmentVariables"),
    ),
    GcpKind(
        "gcp_app_engine_service", "serverless", "//appengine.googleapis.com/{name}", "appengine.apps.services.list", "services[]",
        address="appengine.googleapis.com/v1/apps/{project}/services", omit=("generatedCustomerMetadata",),
    ),
    locations("gcp_artifact_location", REPOSITORIES),
    GcpKind(
        "gcp_artifact_repository", "storage", "//artifactregistry.googleapis.com/{name}",
        "artifactregistry.projects.locations.repositories.list", "repositories[]", assets=("artifactregistry.googleapis.com/Repository",),
        address=f"{REPOSITORIES}/{{parent.name}}/repositories",
        largest=1000, under="gcp_artifact_location", links=(encrypted_with("kmsKeyName"),), omit=("sizeBytes",
        "vulnerabilityScanningConfig.lastEnableTime"),
    ),
)
