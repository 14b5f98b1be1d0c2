"""The resource types of Google Cloud, as declarations. A test checks every one of them against Google's discovery documents."""

from __future__ import annotations

import functools
from typing import Any

from providers.gcp.declaration import Kind, LinkRule
from providers.provider import ResourceType

SERVICE_ACCOUNT = "//iam.googleapis.com/projects/-/serviceAccounts/{value}"
"""Google's own way to name one whose project is not said: e-mail addresses are unique, and are what everything else refers to."""

IN_VPC, IN_SUBNET = LinkRule("in_vpc", "network"), LinkRule("in_subnet", "subnetwork")
ATTACHED_TO = LinkRule("attached_to", "users[]")
STAMPS = ("fingerprint", "labelFingerprint", "etag", "kind")
"""Change with every touch, and say nothing about the resource."""

# A table reads better than one argument a line.
# fmt: off
KINDS: tuple[Kind, ...] = (
    Kind(
        "gce_instance", "compute", "compute.instances.aggregatedList", "instances[]",
        links=(
            LinkRule("in_vpc", "networkInterfaces[].network"), LinkRule("in_subnet", "networkInterfaces[].subnetwork"),
            LinkRule("uses_disk", "disks[].source"), LinkRule("runs_as", "serviceAccounts[].email", SERVICE_ACCOUNT),
        ),
        omit=(
            *STAMPS, "tags.fingerprint", "metadata.fingerprint", "networkInterfaces[].fingerprint", "disks[].shieldedInstanceInitialState",
            "resourceStatus",
        ),
        names_only=("metadata.items",),
    ),
    Kind(
        "gce_disk", "storage", "compute.disks.aggregatedList", "disks[]",
        links=(ATTACHED_TO, LinkRule("made_of", "sourceSnapshot"), LinkRule("made_of", "sourceImage"), LinkRule("made_of", "sourceDisk")),
        omit=STAMPS,
    ),
    Kind(
        "gce_snapshot", "storage", "compute.snapshots.list", "items[]", links=(LinkRule("snapshot_of", "sourceDisk"),),
        omit=(*STAMPS, "storageBytes", "storageBytesStatus"),
    ),
    Kind("gce_image", "compute", "compute.images.list", "items[]", links=(LinkRule("made_of", "sourceDisk"),), omit=STAMPS),
    Kind(
        "gce_instance_group_manager", "compute", "compute.instanceGroupManagers.aggregatedList", "instanceGroupManagers[]", labels="",
        links=(LinkRule("uses", "instanceTemplate"),), omit=(*STAMPS, "currentActions", "status"),
    ),
    Kind(
        "gcp_network", "vpc", "compute.networks.list", "items[]", labels="",
        links=(LinkRule("peered_with", "peerings[].network"),), omit=STAMPS,
    ),
    Kind("gcp_subnetwork", "subnet", "compute.subnetworks.aggregatedList", "subnetworks[]", labels="", links=(IN_VPC,), omit=STAMPS),
    Kind(
        "gcp_firewall", "network", "compute.firewalls.list", "items[]", labels="",
        links=(
            IN_VPC, LinkRule("allows_from", "sourceServiceAccounts[]", SERVICE_ACCOUNT),
            LinkRule("applies_to", "targetServiceAccounts[]", SERVICE_ACCOUNT),
        ),
        omit=STAMPS,
    ),
    Kind("gcp_route", "network", "compute.routes.list", "items[]", labels="", links=(IN_VPC,), omit=STAMPS),
    Kind(
        "gcp_router", "network", "compute.routers.aggregatedList", "routers[]", labels="", links=(IN_VPC,),
        omit=(*STAMPS, "md5AuthenticationKeys[].key"),
    ),
    Kind(
        "gcp_address", "network", "compute.addresses.aggregatedList", "addresses[]", and_also=("compute.globalAddresses.list",),
        links=(ATTACHED_TO, IN_VPC, IN_SUBNET), omit=STAMPS,
    ),
    Kind(
        "gcp_forwarding_rule", "network", "compute.forwardingRules.aggregatedList", "forwardingRules[]",
        links=(IN_VPC, IN_SUBNET, LinkRule("routes_to", "target"), LinkRule("routes_to", "backendService")), omit=STAMPS,
    ),
    Kind(
        "gcp_backend_service", "network", "compute.backendServices.aggregatedList", "backendServices[]", labels="",
        links=(IN_VPC, LinkRule("routes_to", "backends[].group")),
        omit=(*STAMPS, "iap.oauth2ClientSecret", "securitySettings.awsV4Authentication.accessKey", "customRequestHeaders"),
    ),
    Kind(
        "gcs_bucket", "storage", "storage.buckets.list", "items[]", "//storage.googleapis.com/projects/_/buckets/{name}",
        location="location", omit=("etag", "kind", "metageneration", "updated", "selfLink"),
    ),
    Kind(
        "gcp_service_account", "service_account", "iam.projects.serviceAccounts.list", "accounts[]",
        "//iam.googleapis.com/projects/-/serviceAccounts/{email}", "email", labels="",
        address="iam.googleapis.com/v1/projects/{project}/serviceAccounts", largest=100, omit=("etag",),
    ),
    Kind(
        "gcp_service_account_key", "secret", "iam.projects.serviceAccounts.keys.list", "keys[]", "//iam.googleapis.com/{name}",
        labels="", address="iam.googleapis.com/v1/{name}/keys", parameters={"keyTypes": "USER_MANAGED"}, size_parameter="",
        under="gcp_service_account", parent="//iam.googleapis.com/projects/-/serviceAccounts/{above.email}",
        omit=("privateKeyData", "publicKeyData"), permission="iam.serviceAccountKeys.list",
    ),
    Kind(
        "gcp_iam_role", "role", "iam.projects.roles.list", "roles[]", "//iam.googleapis.com/{name}", "title", labels="",
        address="iam.googleapis.com/v1/projects/{project}/roles", parameters={"view": "FULL"}, largest=1000, omit=("etag",),
        permission="iam.roles.list",
    ),
    Kind(
        "gcp_service", "service", "serviceusage.services.list", "services[]",
        "//serviceusage.googleapis.com/projects/{project}/services/{config.name}", "config.name", labels="",
        address="serviceusage.googleapis.com/v1/projects/{project}/services", parameters={"filter": "state:ENABLED"}, largest=200,
        omit=("config.apis", "config.authentication", "config.endpoints", "config.monitoring", "config.quota", "config.usage"),
    ),
)
# fmt: on

PROJECT = ResourceType(
    "gcp_project",
    "account",
    ("cloudresourcemanager.projects.get", "cloudresourcemanager.projects.search"),
    ("resourcemanager.projects.get",),
)
BINDING = ResourceType(
    "gcp_iam_binding", "permission", ("cloudresourcemanager.projects.getIamPolicy",), ("resourcemanager.projects.getIamPolicy",)
)

ROLE_TITLE = "Elder Worker inventory"


@functools.cache
def kind(sub_type: str) -> Kind:
    """The declaration of a type."""
    return next(one for one in KINDS if one.sub_type == sub_type)


def resource_types() -> tuple[ResourceType, ...]:
    """For the docs."""
    return (PROJECT, BINDING, *(ResourceType(one.sub_type, one.entity_type, one.methods, one.permissions) for one in KINDS))


def policy() -> dict[str, Any]:
    """The least custom role that reads everything here: what ``gcloud iam roles create --file`` takes."""
    permissions = {permission for one in resource_types() for permission in one.permissions}
    return {
        "title": ROLE_TITLE,
        "description": "Reads what Elder Worker inventories, and nothing else.",
        "stage": "GA",
        "includedPermissions": sorted(permissions),
    }
