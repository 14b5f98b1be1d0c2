"""Types for the tenant, management groups, subscriptions, resource groups, and who may do what in them."""

from __future__ import annotations

from providers.azure.kinds import ID, AzureKind
from providers.catalogue.kinds import LinkRule

ROLES = "/providers/Microsoft.Authorization/roleDefinitions/"

# A table reads better than one argument a line.
# fmt: off
TENANT = AzureKind(
    "azure_tenant", "account", "/tenants/{tenantId}", "Microsoft.Resources/tenants", path="/tenants", version="2022-12-01",
    name=("displayName", "defaultDomain"), tags="", parent="", unordered=("domains",),
)
MANAGEMENT_GROUP = AzureKind(
    "azure_management_group", "organizational_unit", ID, "Microsoft.Management/managementGroups", version="2020-05-01",
    path="/providers/Microsoft.Management/managementGroups", expanded="children", name="properties.displayName", tags="",
    parent="{properties.details.parent.id?}", omit=("properties.details.updatedBy", "properties.details.version", "properties.children"),
    links=(LinkRule("contains", "properties.children[]", "{id}"),),
)
SUBSCRIPTION = AzureKind(
    "azure_subscription", "account", ID, "Microsoft.Resources/subscriptions", path="/subscriptions", version="2022-12-01",
    name="displayName", parent="",
)
GOVERNANCE = (
    TENANT,
    MANAGEMENT_GROUP,
    SUBSCRIPTION,
    AzureKind(
        "azure_resource_group", "resource_group", ID, "Microsoft.Resources/subscriptions/resourceGroups", version="2021-04-01",
        path="/subscriptions/{subscription}/resourcegroups", parent="/subscriptions/{subscription}",
    ),
    AzureKind(
        "azure_role_assignment", "permission", "{properties.scope}/providers/Microsoft.Authorization/roleAssignments/{name}",
        "Microsoft.Authorization/roleAssignments", version="2022-04-01",
        path="/subscriptions/{subscription}/providers/Microsoft.Authorization/roleAssignments", at_scope="atScope()",
        name="properties.roleDefinitionId", tags="", parent="", omit=("id",),  # the id may name the subscription that was asked
        links=(
            LinkRule("grants_role", "properties.roleDefinitionId", ROLES + "{value/}"),
            LinkRule("on_scope", "properties.scope"),
            LinkRule("granted_to", "properties.principalId"),
        ),
    ),
    AzureKind(
        "azure_role_definition", "role", ROLES + "{name}", "Microsoft.Authorization/roleDefinitions", version="2022-04-01",
        path="/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions", common=("properties.type", "BuiltInRole"),
        name="properties.roleName", tags="", parent="", omit=("id", "properties.updatedOn", "properties.updatedBy"),
        links=(LinkRule("assignable_in", "properties.assignableScopes[]"),),
    ),
    AzureKind(
        "azure_policy_assignment", "policy", "{properties.scope}/providers/Microsoft.Authorization/policyAssignments/{name}",
        "Microsoft.Authorization/policyAssignments", version="2022-06-01",
        path="/subscriptions/{subscription}/providers/Microsoft.Authorization/policyAssignments", at_scope="atScope()",
        name=("properties.displayName", "name"), tags="", parent="", omit=("id", "properties.metadata"),
        links=(LinkRule("on_scope", "properties.scope"), LinkRule("assigns", "properties.policyDefinitionId")),
    ),
    AzureKind(
        "azure_lock", "policy", ID, "Microsoft.Authorization/locks", version="2020-05-01",
        path="/subscriptions/{subscription}/providers/Microsoft.Authorization/locks", tags="", parent="",
        links=(LinkRule("locks", "id", "{holder}"),),
    ),
)
