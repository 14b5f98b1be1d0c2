"""Projects, who may do what in them, service accounts, their keys, custom roles and enabled services."""

from __future__ import annotations

from providers.catalogue.kinds import LinkRule
from providers.gcp.declaration import PROJECTS, GcpKind
from providers.gcp.types.texts import runs_as

SERVICE_USAGE, BILLING = "serviceusage.googleapis.com", "cloudbilling.googleapis.com"

MANAGER = "cloudresourcemanager.googleapis.com"

# fmt: off
PROJECT = GcpKind(
    "gcp_project", "account", PROJECTS + "{projectId}", "cloudresourcemanager.projects.search", "projects[]", name="projectId", parent="",
    also=("cloudresourcemanager.projects.get",), address=f"{MANAGER}/v3/projects:search", omit=("updateTime",),
    links=(LinkRule("member_of", "parent", f"//{MANAGER}/{{value}}"),), permission="resourcemanager.projects.get",
)
ORGANIZATION = GcpKind(
    "gcp_organization", "account", f"//{MANAGER}/{{name}}", "cloudresourcemanager.organizations.search", "organizations[]",
    name="displayName", tags="", parent="", also=("cloudresourcemanager.organizations.get",), address=f"{MANAGER}/v3/organizations:search",
    permission="resourcemanager.organizations.get",
)
FOLDER = GcpKind(
    "gcp_folder", "organizational_unit", f"//{MANAGER}/{{name}}", "cloudresourcemanager.folders.list", "folders[]", name="displayName",
    tags="", parent=f"//{MANAGER}/{{parent}}", address=f"{MANAGER}/v3/folders", also=("cloudresourcemanager.folders.get",),
    links=(LinkRule("member_of", "parent", f"//{MANAGER}/{{value}}"),),
)
BILLING_ACCOUNT = GcpKind(
    "gcp_billing_account", "billing", f"//{BILLING}/{{name}}", "cloudbilling.organizations.billingAccounts.list", "billingAccounts[]",
    name="displayName", tags="", largest=100, address=f"{BILLING}/v1/{{resource}}/billingAccounts", permission="billing.accounts.list",
    above=("cloudbilling.organizations.billingAccounts.list",), parent=f"//{MANAGER}/{{resource}}",
    links=(LinkRule("member_of", "masterBillingAccount", f"//{BILLING}/{{value}}"),),
)

KINDS: tuple[GcpKind, ...] = (
    GcpKind(
        "gcp_service_account", "service_account", "//iam.googleapis.com/projects/-/serviceAccounts/{email}",
        "iam.projects.serviceAccounts.list", "accounts[]", name="email", tags="",
        address="iam.googleapis.com/v1/projects/{project}/serviceAccounts", largest=100,
    ),
    GcpKind(
        "gcp_service_account_key", "secret", "//iam.googleapis.com/{name}", "iam.projects.serviceAccounts.keys.list", "keys[]", tags="",
        address="iam.googleapis.com/v1/{parent.name}/keys", parameters={"keyTypes": "USER_MANAGED"}, size_parameter="",
        under="gcp_service_account", parent="{parent}", omit=("privateKeyData", "publicKeyData"),
        permission="iam.serviceAccountKeys.list",
    ),
    GcpKind(
        "gcp_workload_identity_pool", "identity", "//iam.googleapis.com/{name}", "iam.projects.locations.workloadIdentityPools.list",
        "workloadIdentityPools[]", name="displayName", tags="", largest=1000,
        address="iam.googleapis.com/v1/projects/{project}/locations/global/workloadIdentityPools",
        permission="iam.googleapis.com/workloadIdentityPools.list",
    ),
    GcpKind(
        "gcp_workload_identity_provider", "identity", "//iam.googleapis.com/{name}",
        "iam.projects.locations.workloadIdentityPools.providers.list", "workloadIdentityPoolProviders[]", name="displayName", tags="",
        address="iam.googleapis.com/v1/{parent.name}/providers", largest=100, under="gcp_workload_identity_pool", parent="{parent}",
        permission="iam.googleapis.com/workloadIdentityPoolProviders.list",
    ),
    GcpKind(
        "gcp_api_key", "secret", "//apikeys.googleapis.com/{name}", "apikeys.projects.locations.keys.list", "keys[]", name="displayName",
        tags="", address="apikeys.googleapis.com/v2/projects/{project}/locations/global/keys", largest=300, omit=("keyString",),
        links=(runs_as("serviceAccountEmail"),),
    ),
    GcpKind(
        "gcp_iam_role", "role", "//iam.googleapis.com/{name}", "iam.projects.roles.list", "roles[]", name="title", tags="",
        address="iam.googleapis.com/v1/projects/{project}/roles", parameters={"view": "FULL"}, largest=1000,
        unordered=("includedPermissions",),
    ),
    GcpKind(
        "gcp_service", "service", "//serviceusage.googleapis.com/projects/{project}/services/{config.name}", "serviceusage.services.list",
        "services[]", name="config.name", tags="", address=f"{SERVICE_USAGE}/v1/projects/{{project}}/services",
        parameters={"filter": "state:ENABLED"}, largest=200,
        omit=("config.apis", "config.authentication", "config.endpoints", "config.monitoring", "config.quota", "config.usage"),
    ),
    GcpKind(
        "gcp_project_billing", "billing", f"//{BILLING}/{{name}}", "cloudbilling.projects.getBillingInfo", "", name="projectId", tags="",
        address=f"{BILLING}/v1/projects/{{project}}/billingInfo", size_parameter="", permission="resourcemanager.projects.get",
        links=(LinkRule("billed_to", "billingAccountName", f"//{BILLING}/{{value}}"),),
    ),
)
