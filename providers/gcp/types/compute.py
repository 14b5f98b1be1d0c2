"""Compute Engine: machines, disks, snapshots, images and groups."""

from __future__ import annotations

from providers.catalogue.kinds import LinkRule
from providers.gcp.declaration import GcpKind
from providers.gcp.types.texts import ATTACHED_TO, LINK, encrypted_with, runs_as

V1 = "compute.googleapis.com/compute/v1/projects/{project}"
PARTIAL = {"returnPartialSuccess": "true"}

# A table reads better than one argument a line.
# fmt: off
KINDS: tuple[GcpKind, ...] = (
    GcpKind(
        "gce_instance", "compute", LINK, "compute.instances.aggregatedList", "instances[]",
        links=(
            LinkRule("in_vpc", "networkInterfaces[].network"), LinkRule("in_subnet", "networkInterfaces[].subnetwork"),
            LinkRule("uses_disk", "disks[].source"), runs_as("serviceAccounts[].email"),
        ),
        omit=(
            "disks[].shieldedInstanceInitialState", "resourceStatus", "lastStartTimestamp", "lastStopTimestamp", "lastSuspendedTimestamp",
        ),
        names_only=("metadata.items",), unordered=("tags.items",),
    ),
    GcpKind(
        "gce_disk", "storage", LINK, "compute.disks.aggregatedList", "disks[]",
        links=(ATTACHED_TO, LinkRule("made_of", "sourceSnapshot"), LinkRule("made_of", "sourceImage"), LinkRule("made_of", "sourceDisk"),
            encrypted_with("diskEncryptionKey.kmsKeyName")),
        omit=("lastAttachTimestamp", "lastDetachTimestamp", "resourceStatus"), unordered=("users",),
    ),
    GcpKind(
        "gce_snapshot", "storage", LINK, "compute.snapshots.list", "items[]", links=(LinkRule("snapshot_of", "sourceDisk"),),
        omit=("storageBytes", "storageBytesStatus", "downloadBytes"),
    ),
    GcpKind("gce_image", "compute", LINK, "compute.images.list", "items[]", links=(LinkRule("made_of", "sourceDisk"),)),
    GcpKind(
        "gce_instance_group_manager", "compute", LINK, "compute.instanceGroupManagers.aggregatedList", "instanceGroupManagers[]", tags="",
        links=(LinkRule("uses", "instanceTemplate"),), omit=("currentActions", "status"),
    ),
    GcpKind(
        "gce_instance_template", "compute", LINK, "compute.instanceTemplates.aggregatedList", "instanceTemplates[]",
        tags="properties.labels",
        address=f"{V1}/aggregated/instanceTemplates", parameters=PARTIAL, size_parameter="maxResults",
        names_only=("properties.metadata.items",),
        links=(LinkRule("in_vpc", "properties.networkInterfaces[].network"), LinkRule("made_of", "sourceInstance"),
               runs_as("properties.serviceAccounts[].email")),
    ),
    GcpKind(
        "gce_autoscaler", "compute", LINK, "compute.autoscalers.aggregatedList", "autoscalers[]", tags="", links=(LinkRule("scales",
        "target"),),
        address=f"{V1}/aggregated/autoscalers", parameters=PARTIAL, size_parameter="maxResults",
        omit=("recommendedSize", "scalingScheduleStatus", "statusDetails"),
    ),
)
