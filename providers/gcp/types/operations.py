"""Messaging, schedules, secrets, keys, DNS, logging and monitoring."""

from __future__ import annotations

from providers.catalogue.kinds import LinkRule
from providers.gcp.declaration import GcpKind
from providers.gcp.types.texts import TOPIC, encrypted_with, locations, runs_as

SCHEDULER, TASKS, KMS = "cloudscheduler.googleapis.com/v1", "cloudtasks.googleapis.com/v2", "cloudkms.googleapis.com/v1"
LOGGING = "logging.googleapis.com"
REPLICATION = "replication.userManaged.replicas[].customerManagedEncryption.kmsKeyName"

# fmt: off
KINDS: tuple[GcpKind, ...] = (
    GcpKind(
        "gcp_pubsub_topic", "messaging", "//pubsub.googleapis.com/{name}", "pubsub.projects.topics.list", "topics[]",
        assets=("pubsub.googleapis.com/Topic",),
        address="pubsub.googleapis.com/v1/projects/{project}/topics", links=(encrypted_with("kmsKeyName"),),
    ),
    GcpKind(
        "gcp_pubsub_subscription", "messaging", "//pubsub.googleapis.com/{name}", "pubsub.projects.subscriptions.list", "subscriptions[]",
        assets=("pubsub.googleapis.com/Subscription",),
        address="pubsub.googleapis.com/v1/projects/{project}/subscriptions",
        links=(
            LinkRule("subscribes_to", "topic", TOPIC), LinkRule("dead_letters_to", "deadLetterPolicy.deadLetterTopic", TOPIC),
            runs_as("pushConfig.oidcToken.serviceAccountEmail"),
        ),
    ),
    locations("gcp_scheduler_location", SCHEDULER),
    GcpKind(
        "gcp_scheduler_job", "messaging", "//cloudscheduler.googleapis.com/{name}", "cloudscheduler.projects.locations.jobs.list", "jobs[]",
        tags="", assets=("cloudscheduler.googleapis.com/Job",),
        address=f"{SCHEDULER}/{{parent.name}}/jobs", under="gcp_scheduler_location",
        links=(LinkRule("publishes_to", "pubsubTarget.topicName", TOPIC), runs_as("httpTarget.oidcToken.serviceAccountEmail")),
        omit=("lastAttemptTime", "scheduleTime", "status", "userUpdateTime", "httpTarget.body", "pubsubTarget.data",
        "appEngineHttpTarget.body"),
        names_only=("httpTarget.headers", "appEngineHttpTarget.headers"),
    ),
    locations("gcp_tasks_location", TASKS),
    GcpKind(
        "gcp_task_queue", "messaging", "//cloudtasks.googleapis.com/{name}", "cloudtasks.projects.locations.queues.list", "queues[]",
        tags="", assets=("cloudtasks.googleapis.com/Queue",),
        address=f"{TASKS}/{{parent.name}}/queues", under="gcp_tasks_location", largest=9800,
        omit=("purgeTime", "httpTarget.headerOverrides"),
    ),
    GcpKind(
        "gcp_secret", "secret", "//secretmanager.googleapis.com/{name}", "secretmanager.projects.secrets.list", "secrets[]", largest=1000,
        address="secretmanager.googleapis.com/v1/projects/{project}/secrets", unmasked=("secretType",),
        links=(
            encrypted_with("customerManagedEncryption.kmsKeyName"),
            encrypted_with("replication.automatic.customerManagedEncryption.kmsKeyName"),
            encrypted_with(REPLICATION), LinkRule("notifies", "topics[].name", TOPIC),
        ),
        omit=("rotation.nextRotationTime",),
    ),
    locations("gcp_kms_location", KMS),
    GcpKind(
        "gcp_kms_key_ring", "secret", "//cloudkms.googleapis.com/{name}", "cloudkms.projects.locations.keyRings.list", "keyRings[]",
        tags="",
        assets=("cloudkms.googleapis.com/KeyRing",),
        address=f"{KMS}/{{parent.name}}/keyRings", under="gcp_kms_location",
    ),
    GcpKind(
        "gcp_kms_key", "secret", "//cloudkms.googleapis.com/{name}", "cloudkms.projects.locations.keyRings.cryptoKeys.list", "cryptoKeys[]",
        address=f"{KMS}/{{parent.name}}/cryptoKeys", under="gcp_kms_key_ring", parent="{parent}", omit=("nextRotationTime",),
        permission="cloudkms.cryptoKeys.list",
    ),
    GcpKind(
        "gcp_dns_zone", "dns", "//dns.googleapis.com/projects/{project}/managedZones/{name}", "dns.managedZones.list", "managedZones[]",
        address="dns.googleapis.com/dns/v1/projects/{project}/managedZones", size_parameter="maxResults",
        links=(LinkRule("in_vpc", "privateVisibilityConfig.networks[].networkUrl"),),
    ),
    GcpKind(
        "gcp_dns_record_set", "dns", "{parent}/rrsets/{name}/{type}", "dns.resourceRecordSets.list", "rrsets[]", name="name", tags="",
        address="dns.googleapis.com/dns/v1/projects/{project}/managedZones/{parent.name}/rrsets", size_parameter="maxResults",
        under="gcp_dns_zone", parent="{parent}", omit=("signatureRrdatas",), unordered=("rrdatas",),
    ),
    GcpKind(
        "gcp_log_sink", "monitoring", f"//{LOGGING}/projects/{{project}}/sinks/{{name}}", "logging.projects.sinks.list", "sinks[]", tags="",
        assets=("logging.googleapis.com/LogSink",),
        address=f"{LOGGING}/v2/projects/{{project}}/sinks", links=(LinkRule("exports_to", "destination", "//{value}"),),
    ),
    GcpKind(
        "gcp_log_metric", "monitoring", f"//{LOGGING}/projects/{{project}}/metrics/{{name}}", "logging.projects.metrics.list", "metrics[]",
        tags="", assets=("logging.googleapis.com/LogMetric",),
        address=f"{LOGGING}/v2/projects/{{project}}/metrics", permission="logging.logMetrics.list",
    ),
    GcpKind(
        "gcp_alert_policy", "monitoring", "//monitoring.googleapis.com/{name}", "monitoring.projects.alertPolicies.list", "alertPolicies[]",
        name="displayName", tags="userLabels", assets=("monitoring.googleapis.com/AlertPolicy",),
        address="monitoring.googleapis.com/v3/projects/{project}/alertPolicies",
        omit=("mutationRecord",),
    ),
)
